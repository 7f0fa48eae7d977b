// Sending a form: one attempt at a time, its problem shown, the focus on the first field that is wrong.
import { useState } from 'preact/hooks';
import { Problem } from '../api/http';
import { focusFirstWrong } from './field';

/** Runs what a form asks for; its problem, and the words for each field that the service named. */
export function useSubmit(form: { current: HTMLFormElement | null }): {
  busy: boolean;
  problem: Problem | null;
  submit: (act: () => Promise<void>) => Promise<void>;
} {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (act: () => Promise<void>): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      focusFirstWrong(form.current);
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, submit };
}
