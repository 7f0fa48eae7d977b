// The frame around every page: header, main, footer, and which page is shown. Pages other than the catalogue are
// fetched when they are first wanted.
import { type ComponentType, type JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '@shared/store';
import { Catalogue } from './pages/catalogue';
import { Footer, Header } from './parts/frame';
import { Notes } from './parts/notes';
import { EmptyState, Loading } from './parts/states';
import { place } from './state/location';
import { routeOf, type PageName, type Route } from './state/route';
import { has, session, userOf, type Session } from './state/session';
import type { Role } from './api/types';

export interface PageProps {
  id: string;
  search: string;
}

type Fetched = () => Promise<ComponentType<PageProps>>;

const fetched: Partial<Record<PageName, Fetched>> = {
  vehicle: async () => (await import('./pages/vehicle')).VehiclePage,
  login: async () => (await import('./pages/access')).LogIn,
  signup: async () => (await import('./pages/access')).SignUp,
  account: async () => (await import('./pages/account')).Account,
  order: async () => (await import('./pages/order')).OrderPage,
  orders: async () => (await import('./pages/orders')).Orders,
  notifications: async () => (await import('./pages/notifications')).Notifications,
  dealer: async () => (await import('./pages/dealer-stock')).DealerStock,
  'dealer-edit': async () => (await import('./pages/dealer-edit')).DealerEdit,
  'dealer-import': async () => (await import('./pages/dealer-import')).DealerImport,
  'dealer-sales': async () => (await import('./pages/orders')).Sales,
  admin: async () => (await import('./pages/admin')).Admin,
};

/** Pages that need somebody logged in, and as what. */
const needs: Partial<Record<PageName, Role | 'anybody'>> = {
  order: 'anybody',
  orders: 'anybody',
  notifications: 'anybody',
  account: 'anybody',
  dealer: 'dealer',
  'dealer-edit': 'dealer',
  'dealer-import': 'dealer',
  'dealer-sales': 'dealer',
  admin: 'admin',
};

export function App(): JSX.Element {
  const { path, search } = useStore(place);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const route = routeOf(path);
  useEffect(() => {
    // A new page takes the focus to its beginning, as a page load would.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header />
      <main id="main" ref={main} tabIndex={-1} class={`page page-${route.page}`}>
        <Shown route={route} path={path} search={search} />
      </main>
      <Footer />
      <Notes />
    </>
  );
}

function Shown({ route, path, search }: { route: Route; path: string; search: string }): JSX.Element {
  const here = useStore(session);
  const need = needs[route.page];
  if (need !== undefined) {
    if (here.state === 'unknown') return <Loading />;
    if (here.state === 'nobody') return <NeedsLogin next={path + search} />;
    if (!allowed(here, need)) {
      return <EmptyState title="This page is not for your account" text={`It needs the role ${need}. An administrator can grant it.`} />;
    }
  }
  if (route.page === 'catalogue') return <Catalogue search={search} />;
  const fetch = fetched[route.page];
  if (!fetch) return <Missing />;
  return <Fetching key={path} fetch={fetch} id={route.id} search={search} />;
}

function allowed(here: Session, need: Role | 'anybody'): boolean {
  return need === 'anybody' ? userOf(here) !== null : has(here, need) || has(here, 'admin');
}

function Fetching({ fetch, id, search }: { fetch: Fetched } & PageProps): JSX.Element {
  const [page, setPage] = useState<{ Page: ComponentType<PageProps> } | 'failed' | null>(null);
  useEffect(() => {
    fetch().then(
      (Page) => setPage({ Page }),
      () => setPage('failed'),
    );
  }, [fetch]);
  if (page === 'failed') {
    return <EmptyState title="This page could not be loaded" text="Check your connection, then reload." />;
  }
  return page ? <page.Page id={id} search={search} /> : <Loading />;
}

function NeedsLogin({ next }: { next: string }): JSX.Element {
  return (
    <EmptyState title="Please log in" text="This page belongs to an account.">
      <a class="button" href={`/login?next=${encodeURIComponent(next)}`}>
        Log in
      </a>
      <a class="button plain" href={`/signup?next=${encodeURIComponent(next)}`}>
        Sign up
      </a>
    </EmptyState>
  );
}

export function Missing(): JSX.Element {
  return (
    <EmptyState title="There is nothing here" text="The address may be old, or the vehicle is no longer offered.">
      <a class="button" href="/">
        See all vehicles
      </a>
    </EmptyState>
  );
}
