// Who is here. The session itself is in cookies that no script can read; this is only what auth says of it.
import { storeOf } from '@shared/store';
import { me } from '../api/services';
import { cookieNamed, onSignedOut, Problem } from '../api/http';
import type { Role, User } from '../api/types';

export type Session = { state: 'unknown' } | { state: 'nobody' } | { state: 'user'; user: User };

export const session = storeOf<Session>({ state: 'unknown' });

/** Asks auth who this is. Without the csrf cookie there is no session, and nothing need be asked. */
export async function loadSession(): Promise<Session> {
  if (cookieNamed('csrf', document.cookie) === '') {
    session.set({ state: 'nobody' });
  } else {
    try {
      session.set({ state: 'user', user: await me() });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      session.set({ state: 'nobody' });
    }
  }
  return session.value;
}

export function forgetSession(): void {
  session.set({ state: 'nobody' });
}

onSignedOut(forgetSession);

export const userOf = (of: Session): User | null => (of.state === 'user' ? of.user : null);
export const has = (of: Session, role: Role): boolean => userOf(of)?.roles.includes(role) ?? false;
