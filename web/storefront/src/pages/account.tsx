// One's own account: what is known, and another password.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useStore } from '@shared/store';
import { changePassword } from '../api/services';
import { TextField } from '../parts/field';
import { ProblemNote } from '../parts/states';
import { useSubmit } from '../parts/submit';
import { useTitle } from '../parts/title';
import { say } from '../state/notes';
import { loadSession, session, userOf } from '../state/session';

export function Account(): JSX.Element {
  useTitle('Account');
  const user = userOf(useStore(session));
  const form = useRef<HTMLFormElement>(null);
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { busy, problem, submit } = useSubmit(form);
  const send = (): Promise<void> =>
    submit(async () => {
      await changePassword(current, next);
      setCurrent('');
      setNext('');
      say('Your password is changed.');
      await loadSession();
    });
  return (
    <div class="stack narrow">
      <h1>Your account</h1>
      <dl class="facts card">
        <div>
          <dt>Name</dt>
          <dd>{user?.name}</dd>
        </div>
        <div>
          <dt>Email</dt>
          <dd>{user?.email}</dd>
        </div>
        <div>
          <dt>Roles</dt>
          <dd>{user?.roles.join(', ')}</dd>
        </div>
      </dl>
      <form class="card stack" ref={form} onSubmit={(event) => { event.preventDefault(); void send(); }}>
        <h2>Change your password</h2>
        {problem && problem.fields.length === 0 && <ProblemNote problem={problem} />}
        <TextField label="Present password" type="password" autocomplete="current-password" required maxLength={200} value={current} onValue={setCurrent} wrong={problem?.at('old_password')} />
        <TextField label="New password" type="password" autocomplete="new-password" required maxLength={200} value={next} onValue={setNext} hint="At least 8 characters." wrong={problem?.at('new_password')} />
        <button class="button" aria-disabled={busy}>
          {busy ? 'Changing…' : 'Change password'}
        </button>
      </form>
    </div>
  );
}
