// Which page an address means. Pure: the same table reads addresses everywhere.

export type PageName =
  | 'catalogue'
  | 'vehicle'
  | 'login'
  | 'signup'
  | 'order'
  | 'orders'
  | 'notifications'
  | 'account'
  | 'dealer'
  | 'dealer-edit'
  | 'dealer-import'
  | 'dealer-sales'
  | 'admin'
  | 'missing';

export interface Route {
  page: PageName;
  /** The variable part of the path: an id, or "new". "" when there is none. */
  id: string;
}

const table: [RegExp, PageName][] = [
  [/^\/$/, 'catalogue'],
  [/^\/vehicles\/(\d{1,18})$/, 'vehicle'],
  [/^\/login$/, 'login'],
  [/^\/signup$/, 'signup'],
  [/^\/orders$/, 'orders'],
  [/^\/orders\/([0-9a-fA-F-]{8,64})$/, 'order'],
  [/^\/notifications$/, 'notifications'],
  [/^\/account$/, 'account'],
  [/^\/dealer$/, 'dealer'],
  [/^\/dealer\/import$/, 'dealer-import'],
  [/^\/dealer\/sales$/, 'dealer-sales'],
  [/^\/dealer\/vehicles\/(new|\d{1,18})$/, 'dealer-edit'],
  [/^\/admin$/, 'admin'],
];

export function routeOf(path: string): Route {
  const clean = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  for (const [pattern, page] of table) {
    const match = pattern.exec(clean);
    if (match) return { page, id: match[1] ?? '' };
  }
  return { page: 'missing', id: '' };
}

/** Where to go after logging in: only a path of this shop, never another origin. */
export function safeReturn(next: string | null): string {
  if (!next?.startsWith('/') || next.startsWith('//') || next.includes('\\')) return '/';
  return next;
}
