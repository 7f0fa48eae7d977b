// Following an order as it goes on: server-sent events as a hint to read it again, and reading it again every few
// seconds while no event stream stands. What is shown always comes from reading the order, so that both ways agree.
import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../api/http';
import { oneOrder, orderEvents, orderHistory } from '../api/services';
import type { Order, OrderStep } from '../api/types';
import { listen } from './listen';
import { over, settled } from './order';

export interface Followed {
  order: Order | null;
  steps: OrderStep[];
  problem: Problem | null;
  /** Whether news come by themselves at once. */
  live: boolean;
  /** Reads it again now, or shows what an action has just answered. */
  refresh: (known?: Order) => void;
}

const pollMs = 2500;
const slowPollMs = 15_000;

export function useOrder(id: string): Followed {
  const [shown, setShown] = useState<Omit<Followed, 'refresh'>>({ order: null, steps: [], problem: null, live: false });
  const [follower, setFollower] = useState<Follower | null>(null);
  useEffect(() => {
    const following = new Follower(id, (change) => setShown((before) => ({ ...before, ...change })));
    setFollower(following);
    return () => following.stop();
  }, [id]);
  return { ...shown, refresh: (known) => follower?.refresh(known) };
}

type Change = Partial<Omit<Followed, 'refresh'>>;

class Follower {
  readonly #id: string;
  readonly #tell: (change: Change) => void;
  readonly #abort = new AbortController();
  readonly #deaf: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading = false;
  #again = false;
  #live = false;

  constructor(id: string, tell: (change: Change) => void) {
    this.#id = id;
    this.#tell = tell;
    this.#deaf = listen(orderEvents(id), 'order', {
      heard: () => void this.#read(),
      live: (standing) => this.#setLive(standing === 'standing'),
    });
    void this.#read();
  }

  stop(): void {
    this.#abort.abort();
    this.#deaf();
    clearTimeout(this.#timer);
  }

  refresh(known?: Order): void {
    if (known) this.#tell({ order: known });
    void this.#read();
  }

  #setLive(live: boolean): void {
    if (live === this.#live) return;
    this.#live = live;
    this.#tell({ live });
    if (!live) this.#later(pollMs);
  }

  #later(afterMs: number): void {
    clearTimeout(this.#timer);
    if (document.visibilityState === 'visible') this.#timer = setTimeout(() => void this.#read(), afterMs);
  }

  /** One reading at a time; a wish that comes meanwhile is kept. */
  async #read(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    let state = '';
    try {
      const order = await oneOrder(this.#id, this.#abort.signal);
      state = order.state;
      const steps = await orderHistory(this.#id, this.#abort.signal).catch(() => null);
      if (!this.#abort.signal.aborted) this.#tell({ order, problem: null, ...(steps && { steps }) });
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#tell({ problem: error instanceof Problem ? error : new Problem(0, 'Something went wrong on this page.') });
    } finally {
      this.#reading = false;
    }
    if (this.#again) {
      this.#again = false;
      void this.#read();
    } else if (over(state)) {
      this.#deaf();
    } else if (settled(state)) {
      this.#later(slowPollMs);
    } else {
      this.#later(this.#live ? slowPollMs : pollMs);
    }
  }
}
