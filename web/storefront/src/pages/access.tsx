// Logging in and signing up.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { PageProps } from '../app';
import { Problem } from '../api/http';
import { logIn, signUp } from '../api/services';
import type { User } from '../api/types';
import { focusFirstWrong, TextField } from '../parts/field';
import { ProblemNote } from '../parts/states';
import { useSubmit } from '../parts/submit';
import { useTitle } from '../parts/title';
import { go } from '../state/location';
import { safeReturn } from '../state/route';
import { say } from '../state/notes';
import { session } from '../state/session';

const passwordMin = 8;

type Wrong = Partial<Record<'name' | 'email' | 'password', string>>;

function wrongIn(values: { name?: string; email: string; password: string }, isNew: 'new' | 'known'): Wrong {
  const wrong: Wrong = {};
  if (values.name?.trim() === '') wrong.name = 'Tell us your name.';
  if (!/^\S+@\S+$/.test(values.email.trim())) wrong.email = 'An address like name@example.org.';
  if (values.password === '') wrong.password = 'Enter your password.';
  else if (isNew === 'new' && values.password.length < passwordMin) wrong.password = `At least ${passwordMin} characters.`;
  return wrong;
}

export function LogIn({ search }: PageProps): JSX.Element {
  useTitle('Log in');
  const form = useRef<HTMLFormElement>(null);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [wrong, setWrong] = useState<Wrong>({});
  const { busy, problem, submit } = useSubmit(form);
  const next = new URLSearchParams(search).get('next');
  const send = async (): Promise<void> => {
    const found = wrongIn({ email, password }, 'known');
    setWrong(found);
    if (Object.keys(found).length > 0) return focusFirstWrong(form.current);
    await submit(async () => {
      session.set({ state: 'user', user: await logIn(email.trim(), password) });
      go(safeReturn(next), 'replace');
    });
  };
  return (
    <form class="card narrow stack" ref={form} noValidate onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <h1>Log in</h1>
      {problem && problem.fields.length === 0 && <ProblemNote problem={problem} />}
      <TextField label="Email" type="email" name="email" autocomplete="username" required maxLength={254} value={email} onValue={setEmail} wrong={wrong.email ?? problem?.at('email')} />
      <TextField label="Password" type="password" name="password" autocomplete="current-password" required maxLength={200} value={password} onValue={setPassword} wrong={wrong.password ?? problem?.at('password')} />
      <button class="button wide" aria-disabled={busy}>
        {busy ? 'Logging in…' : 'Log in'}
      </button>
      <p class="small quiet">
        New here? <a href={next === null ? '/signup' : `/signup?next=${encodeURIComponent(next)}`}>Create an account</a>
      </p>
    </form>
  );
}

/** After signing up: a refusal means that the address had an account before, with another password. */
async function logInNew(email: string, password: string): Promise<User> {
  try {
    return await logIn(email, password);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      throw new Problem(409, 'If you have an account already, please log in with its password.');
    }
    throw error;
  }
}

export function SignUp({ search }: PageProps): JSX.Element {
  useTitle('Sign up');
  const form = useRef<HTMLFormElement>(null);
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [wrong, setWrong] = useState<Wrong>({});
  const [dealer, setDealer] = useState(false);
  const { busy, problem, submit } = useSubmit(form);
  const next = new URLSearchParams(search).get('next');
  const send = async (): Promise<void> => {
    const found = wrongIn({ name, email, password }, 'new');
    setWrong(found);
    if (Object.keys(found).length > 0) return focusFirstWrong(form.current);
    await submit(async () => {
      const wish = { name: name.trim(), email: email.trim(), password };
      await signUp(dealer ? { ...wish, role: 'dealer' } : wish);
      session.set({ state: 'user', user: await logInNew(wish.email, password) });
      if (dealer) say('An administrator will look at your wish to sell here.');
      go(safeReturn(next), 'replace');
    });
  };
  return (
    <form class="card narrow stack" ref={form} noValidate onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <h1>Create your account</h1>
      {problem && problem.fields.length === 0 && <ProblemNote problem={problem} />}
      <TextField label="Name" name="name" autocomplete="name" required maxLength={100} value={name} onValue={setName} wrong={wrong.name ?? problem?.at('name')} />
      <TextField label="Email" type="email" name="email" autocomplete="username" required maxLength={254} value={email} onValue={setEmail} wrong={wrong.email ?? problem?.at('email')} />
      <TextField label="Password" type="password" name="password" autocomplete="new-password" required maxLength={200} hint={`At least ${passwordMin} characters. A sentence is good.`} value={password} onValue={setPassword} wrong={wrong.password ?? problem?.at('password')} />
      <label class="check small">
        <input type="checkbox" checked={dealer} onChange={(event) => setDealer(event.currentTarget.checked)} />I am a dealer and want to sell here
      </label>
      <button class="button wide" aria-disabled={busy}>
        {busy ? 'One moment…' : 'Sign up'}
      </button>
      <p class="small quiet">
        You have an account? <a href={next === null ? '/login' : `/login?next=${encodeURIComponent(next)}`}>Log in</a>
      </p>
    </form>
  );
}
