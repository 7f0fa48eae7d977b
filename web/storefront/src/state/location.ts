// Where the visitor is: the browser's history is the state. Going somewhere moves focus and scroll as a page load would.
import { storeOf } from '@shared/store';

export interface Place {
  path: string;
  search: string;
  /** Grows with each visit, so that a page can tell a new visit from a repaint. */
  visit: number;
}

let visits = 0;
const here = (): Place => ({ path: location.pathname, search: location.search, visit: ++visits });

export const place = storeOf<Place>(here());

addEventListener('popstate', () => place.set(here()));

export type Manner = 'push' | 'replace';

export function go(address: string, manner: Manner = 'push'): void {
  if (manner === 'replace') history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  const before = place.value.path;
  place.set(here());
  if (location.pathname !== before) scrollTo(0, 0);
}

/** Follows plain clicks on links of this shop without loading the page anew. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest('a');
  if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (link.pathname.startsWith('/api/') || link.hash !== '') return;
  event.preventDefault();
  go(link.pathname + link.search);
}
