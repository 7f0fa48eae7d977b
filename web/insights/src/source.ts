// Where the figures come from: the live socket; while there is none, asking again now and then. One source a page.
import type { Figures, Filter, Live } from './figures';
import { queryOf } from './filter';

export type Manner = 'starting' | 'live' | 'polling' | 'away';

export interface Heard {
  figures?: Figures;
  manner?: Manner;
  problem?: string;
}

const pollMs = 10_000;
const retryFirstMs = 1000;
const retryMostMs = 30_000;

export class Source {
  readonly #hear: (heard: Heard) => void;
  #filter: Filter;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = retryFirstMs;
  #asking: AbortController | null = null;
  #ended = false;

  constructor(filter: Filter, hear: (heard: Heard) => void) {
    this.#filter = filter;
    this.#hear = hear;
    void this.#ask();
    this.#connect();
  }

  /** Figures of another filter are wanted from now on. */
  show(filter: Filter): void {
    this.#filter = filter;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(filter));
    else void this.#ask();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    this.#asking?.abort();
    this.#socket?.close();
  }

  #connect(): void {
    if (this.#ended) return;
    const address = new URL(`live${queryOf(this.#filter)}`, document.baseURI);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    const asked = this.#filter;
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => {
      this.#retryMs = retryFirstMs;
      clearTimeout(this.#timer);
      // The filter may have changed while the socket was opening.
      if (asked !== this.#filter) socket.send(JSON.stringify(this.#filter));
      this.#hear({ manner: 'live', problem: '' });
    };
    socket.onmessage = (event) => this.#heard(String(event.data));
    socket.onclose = () => {
      if (this.#ended || this.#socket !== socket) return;
      void this.#ask();
      this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
      this.#retryMs = Math.min(retryMostMs, this.#retryMs * 2);
    };
  }

  #heard(text: string): void {
    let live: Live;
    try {
      live = JSON.parse(text) as Live;
    } catch {
      return;
    }
    if (live.type === 'figures') this.#hear({ figures: live.figures, problem: '' });
    else this.#hear({ problem: live.detail });
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const response = await fetch(`api/figures${queryOf(this.#filter)}`, { signal: asking.signal });
      if (!response.ok) throw new Error(await detailOf(response));
      const figures = (await response.json()) as Figures;
      if (this.#socket?.readyState === WebSocket.OPEN) return;
      this.#hear({ figures, manner: 'polling', problem: '' });
    } catch (error) {
      if (asking.signal.aborted) return;
      const words = error instanceof TypeError || !(error instanceof Error) ? 'The figures cannot be reached now.' : error.message;
      this.#hear({ manner: 'away', problem: words });
    }
    if (!this.#ended) this.#timer = setTimeout(() => void this.#ask(), pollMs);
  }
}

async function detailOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as { detail?: unknown } | null;
  return typeof body?.detail === 'string' ? body.detail : 'The figures cannot be had now.';
}
