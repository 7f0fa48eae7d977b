// For administrators: who may do what, and notifications that could not be sent.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { formats } from '@shared/format';
import { Icon } from '@shared/icons';
import { useStore } from '@shared/store';
import type { PageProps } from '../app';
import { Problem } from '../api/http';
import { deadLetters, listUsers, replayDeadLetter, setRoles } from '../api/services';
import type { Role, User } from '../api/types';
import { Pager } from '../parts/pager';
import { EmptyState, Loading, ProblemNote } from '../parts/states';
import { useTitle } from '../parts/title';
import { useLoad } from '../state/load';
import { go } from '../state/location';
import { say } from '../state/notes';
import { session, userOf } from '../state/session';

const roles: Role[] = ['buyer', 'dealer', 'admin'];

export function Admin({ search }: PageProps): JSX.Element {
  useTitle('Administration');
  const query = new URLSearchParams(search);
  // What stands below the accounts comes after them: it would jump when they do.
  const [settled, setSettled] = useState(false);
  return (
    <div class="stack wide-gap">
      <h1>Administration</h1>
      <Users q={query.get('q') ?? ''} page={Math.max(1, Number(query.get('page')) || 1)} settled={() => setSettled(true)} />
      {settled && <DeadLetters />}
    </div>
  );
}

function Users({ q, page, settled }: { q: string; page: number; settled: () => void }): JSX.Element {
  const { data, problem, again } = useLoad(`users ${q} ${page}`, (signal) => listUsers(q, page, signal));
  useEffect(() => {
    if (data || problem) settled();
  }, [data, problem]);
  const [typed, setTyped] = useState(q);
  const address = (each: number): string => `/admin?${new URLSearchParams({ ...(q !== '' && { q }), page: String(each) }).toString()}`;
  return (
    <section class="stack" aria-labelledby="users-title">
      <div class="row apart">
        <h2 id="users-title">Accounts</h2>
        <form class="row" role="search" onSubmit={(event) => { event.preventDefault(); go(`/admin?${new URLSearchParams({ q: typed }).toString()}`); }}>
          <input class="input" type="search" aria-label="Search accounts" placeholder="Name or email" maxLength={100} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </form>
      </div>
      {problem && <ProblemNote problem={problem} again={again} />}
      {!data && !problem && <Loading />}
      {data?.items.length === 0 && <EmptyState level={2} title="Nobody" text="No account matches." />}
      {data && data.items.length > 0 && (
        <ul class="user-list">
          {data.items.map((user) => (
            <UserRow key={user.id} user={user} changed={again} />
          ))}
        </ul>
      )}
      {data && <Pager page={data.page} pages={data.pages} address={address} />}
    </section>
  );
}

function UserRow({ user, changed }: { user: User; changed: () => void }): JSX.Element {
  const self = userOf(useStore(session))?.id === user.id;
  const [busy, setBusy] = useState(false);
  const [shown, setShown] = useState(user.roles);
  useEffect(() => setShown(user.roles), [user.roles]);
  const toggle = async (role: Role, wanted: 'granted' | 'taken'): Promise<void> => {
    if (busy) return;
    setBusy(true);
    const next = wanted === 'granted' ? [...shown, role] : shown.filter((each) => each !== role);
    setShown(next);
    try {
      await setRoles(user.id, next);
      say(`${user.email}: ${next.join(', ')}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(error.message, 'bad');
    } finally {
      setBusy(false);
      changed();
    }
  };
  return (
    <li class="user-row">
      <div>
        <p>
          {user.name} {user.wants_dealer === true && !user.roles.includes('dealer') && <span class="badge warn">wants to sell</span>}
        </p>
        <p class="small quiet">{user.email}</p>
      </div>
      <fieldset class="row">
        <legend class="visually-hidden">Roles of {user.email}</legend>
        {roles.map((role) => (
          <label key={role} class="check small">
            <input type="checkbox" checked={shown.includes(role)} disabled={busy || (self && role === 'admin')} onChange={(event) => void toggle(role, event.currentTarget.checked ? 'granted' : 'taken')} />
            {role}
          </label>
        ))}
      </fieldset>
    </li>
  );
}

function DeadLetters(): JSX.Element {
  const { data, problem, again } = useLoad('dead letters', (signal) => deadLetters(1, signal));
  const replay = async (id: string): Promise<void> => {
    try {
      await replayDeadLetter(id);
      say('It is being sent again.');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      say(error.message, 'bad');
    }
    again();
  };
  return (
    <section class="stack" aria-labelledby="dead-title">
      <h2 id="dead-title">Notifications that could not be sent</h2>
      {problem && <ProblemNote problem={problem} again={again} />}
      {!data && !problem && <Loading />}
      {data?.items.length === 0 && (
        <p class="note good">
          <Icon name="check" /> Everything has been sent.
        </p>
      )}
      {data && data.items.length > 0 && (
        <div class="table-frame">
          <table>
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">Way</th>
                <th scope="col">When</th>
                <th scope="col">Why not</th>
                <th scope="col">
                  <span class="visually-hidden">Act</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.items.map((letter) => (
                <tr key={letter.id}>
                  <td>{letter.type}</td>
                  <td>{letter.channel}</td>
                  <td class="number">{formats.dateTime(letter.time)}</td>
                  <td>
                    {letter.error} ({letter.attempts} attempts)
                  </td>
                  <td>
                    <button type="button" class="button plain slim" onClick={() => void replay(letter.id)}>
                      Send again
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
