// Loading what a page shows: one hook for its three states. What was there stays while the next is fetched, so that
// nothing jumps; a request that is no longer wanted is given up.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { Problem } from '../api/http';

export interface Loaded<T> {
  data: T | null;
  problem: Problem | null;
  busy: boolean;
  again: () => void;
}

export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'again'>>({ data: null, problem: null, busy: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    load(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ data, problem: null, busy: false });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, 'Something went wrong on this page.');
        setState((before) => ({ data: problem.away ? before.data : null, problem, busy: false }));
      },
    );
    return () => abort.abort();
    // The key stands for everything that `load` closes over.
  }, [key, turn]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  return { ...state, again };
}
