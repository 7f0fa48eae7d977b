// Server-sent events for as long as the page is looked at: a browser has six connections for an origin, so a page that
// nobody sees keeps none of them. Where no stream stands, the owner is told and asks by itself.

export interface Listening {
  /** Something was said, or may have been missed. */
  heard: () => void;
  /** Whether the stream stands. */
  live: (standing: 'standing' | 'not') => void;
}

/** Returns how to stop. */
export function listen(address: string, name: string, { heard, live }: Listening): () => void {
  let events: EventSource | null = null;
  const open = (): void => {
    events?.close();
    events = new EventSource(address);
    events.onopen = () => live('standing');
    events.addEventListener(name, heard);
    // The browser tries again by itself unless it gave up for good.
    events.onerror = () => live('not');
  };
  const seen = (): void => {
    if (document.visibilityState === 'hidden') {
      events?.close();
      live('not');
    } else {
      open();
      heard();
    }
  };
  document.addEventListener('visibilitychange', seen);
  open();
  return () => {
    document.removeEventListener('visibilitychange', seen);
    events?.close();
  };
}
