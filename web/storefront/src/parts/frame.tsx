// The header with search, bell and account; the footer. The same on every page.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '@shared/icons';
import { useStore } from '@shared/store';
import { isDark, switchTheme } from '@shared/theme';
import { logOut } from '../api/services';
import type { User } from '../api/types';
import { filtersOf, queryOf } from '../state/filters';
import { go, place } from '../state/location';
import { unread, watchNotices } from '../state/notices';
import { say } from '../state/notes';
import { forgetSession, session } from '../state/session';

export function Header(): JSX.Element {
  const here = useStore(session);
  return (
    <header class="header">
      <div class="header-row">
        <a class="brand" href="/" aria-label="Slipway Motors, all vehicles">
          <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true" focusable="false">
            <rect class="brand-plate" width="32" height="32" rx="8" />
            <path class="brand-line" d="M5 20.5c5.5 0 7.5-1.5 10-4.5s4.5-5.5 12-5.5M5 25h22" />
          </svg>
          <span class="brand-name">
            Slipway <span class="brand-second">Motors</span>
          </span>
        </a>
        <Search />
        <div class="header-end">
          <ThemeSwitch />
          {here.state === 'user' && <Bell />}
          {here.state === 'user' ? <AccountMenu user={here.user} /> : <Access known={here.state === 'nobody'} />}
        </div>
      </div>
    </header>
  );
}

function Search(): JSX.Element {
  const { path, search } = useStore(place);
  const current = path === '/' ? filtersOf(search).q : '';
  const [text, setText] = useState(current);
  useEffect(() => setText(current), [current]);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const filters = path === '/' ? filtersOf(search) : filtersOf('');
        go(`/${queryOf({ ...filters, q: text, page: 1 })}`);
      }}
    >
      <label class="visually-hidden" for="search">
        Search vehicles
      </label>
      <Icon name="search" size={18} />
      <input id="search" type="search" name="q" maxLength={200} placeholder="Brand, model or words" enterkeyhint="search" autocomplete="off" value={text} onInput={(event) => setText(event.currentTarget.value)} />
    </form>
  );
}

function ThemeSwitch(): JSX.Element {
  const [dark, setDark] = useState(isDark());
  useEffect(() => {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const changed = (): void => setDark(isDark());
    system.addEventListener('change', changed);
    return () => system.removeEventListener('change', changed);
  }, []);
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={dark ? 'Use light colours' : 'Use dark colours'}
      onClick={() => {
        switchTheme();
        setDark(isDark());
      }}
    >
      <Icon name={dark ? 'sun' : 'moon'} />
    </button>
  );
}

function Bell(): JSX.Element {
  const count = useStore(unread);
  useEffect(watchNotices, []);
  return (
    <a class="icon-button" href="/notifications">
      <span class="visually-hidden">{count > 0 ? `Notifications, ${count} new` : 'Notifications'}</span>
      <Icon name="bell" />
      {count > 0 && (
        <span class="count number" aria-hidden="true">
          {count > 9 ? '9+' : count}
        </span>
      )}
    </a>
  );
}

/** The place of both is kept while it is unknown who is here, so that nothing moves. */
function Access({ known }: { known: boolean }): JSX.Element {
  const { path, search } = useStore(place);
  const next = path === '/' || path === '/login' || path === '/signup' ? '' : `?next=${encodeURIComponent(path + search)}`;
  return (
    <div class={known ? 'access' : 'access unknown'}>
      <a class="button plain slim" href={`/login${next}`}>
        Log in
      </a>
      <a class="button slim sign-up" href={`/signup${next}`}>
        Sign up
      </a>
    </div>
  );
}

function AccountMenu({ user }: { user: User }): JSX.Element {
  const details = useRef<HTMLDetailsElement>(null);
  const at = useStore(place);
  useEffect(() => {
    details.current?.removeAttribute('open');
  }, [at.visit]);
  useEffect(() => {
    const elsewhere = (event: Event): void => {
      if (event.target instanceof Node && !details.current?.contains(event.target)) details.current?.removeAttribute('open');
    };
    document.addEventListener('pointerdown', elsewhere);
    document.addEventListener('focusin', elsewhere);
    return () => {
      document.removeEventListener('pointerdown', elsewhere);
      document.removeEventListener('focusin', elsewhere);
    };
  }, []);
  const dealer = user.roles.includes('dealer') || user.roles.includes('admin');
  return (
    <details
      class="menu"
      ref={details}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !details.current?.open) return;
        details.current.removeAttribute('open');
        details.current.querySelector('summary')?.focus();
      }}
    >
      <summary class="icon-button">
        <span class="visually-hidden">Account of {user.name === '' ? user.email : user.name}</span>
        <span class="initials" aria-hidden="true">
          {initials(user)}
        </span>
      </summary>
      <nav class="menu-sheet" aria-label="Account">
        <p class="menu-who">
          <strong>{user.name === '' ? 'Your account' : user.name}</strong>
          <span class="quiet small">{user.email}</span>
        </p>
        <a href="/orders">My orders</a>
        <a href="/notifications">Notifications</a>
        <a href="/account">Account and password</a>
        {dealer && (
          <>
            <hr />
            <a href="/dealer">My stock</a>
            <a href="/dealer/sales">Sales</a>
            <a href="/dealer/import">Import vehicles</a>
          </>
        )}
        {user.roles.includes('admin') && <a href="/admin">Administration</a>}
        <hr />
        <button type="button" onClick={() => void leave()}>
          Log out
        </button>
      </nav>
    </details>
  );
}

async function leave(): Promise<void> {
  try {
    await logOut();
    forgetSession();
    go('/');
    say('You are logged out.');
  } catch {
    say('Logging out did not work. Please try again.', 'bad');
  }
}

function initials(user: User): string {
  const from = user.name === '' ? user.email : user.name;
  return from
    .split(/[\s@.]+/)
    .slice(0, 2)
    .map((part) => part.charAt(0).toUpperCase())
    .join('');
}

export function Footer(): JSX.Element {
  return (
    <footer class="footer">
      <p>Slipway Motors. Prices include VAT. This is a demonstration shop: no car is sold, no card is charged.</p>
      <nav aria-label="More">
        <a href="/">Vehicles</a>
        <a href="/api/insights/" target="_self">
          Market insights
        </a>
      </nav>
    </footer>
  );
}
