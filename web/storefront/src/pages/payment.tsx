// The card form. What is typed stays in this form until it is sent once, and nowhere else.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { formats } from '@shared/format';
import { Icon } from '@shared/icons';
import { newKey } from '../api/ids';
import { Problem } from '../api/http';
import { payOrder } from '../api/services';
import type { Order } from '../api/types';
import { focusFirstWrong, TextField } from '../parts/field';
import { ProblemNote } from '../parts/states';
import { cardOf, expiryTyped, grouped, type CardProblems, type CardTyped } from '../state/card';
import { sandboxCards } from '../state/sandbox';

const nothing: CardTyped = { number: '', expiry: '', cvc: '', holder: '' };

export function Payment({ order, paid }: { order: Order; paid: (order?: Order) => void }): JSX.Element {
  const form = useRef<HTMLFormElement>(null);
  const key = useRef(newKey());
  const [typed, setTyped] = useState(nothing);
  const [wrong, setWrong] = useState<CardProblems>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const set = (change: Partial<CardTyped>): void => setTyped((before) => ({ ...before, ...change }));

  const pay = async (): Promise<void> => {
    if (busy) return;
    const checked = cardOf(typed, new Date());
    setWrong('problems' in checked ? checked.problems : {});
    setProblem(null);
    if ('problems' in checked) return focusFirstWrong(form.current);
    setBusy(true);
    try {
      const next = await payOrder(order.id, checked.card, key.current);
      key.current = newKey();
      setTyped(nothing);
      paid(next);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      // After a clear refusal the next attempt is another payment; when the answer was lost it is the same one.
      if (!error.away) key.current = newKey();
      focusFirstWrong(form.current);
      paid();
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="card stack" ref={form} noValidate aria-labelledby="pay-title" onSubmit={(event) => { event.preventDefault(); void pay(); }}>
      <h2 id="pay-title">Pay by card</h2>
      {problem && <ProblemNote problem={problem} />}
      <TextField label="Card number" inputMode="numeric" autocomplete="cc-number" required maxLength={23} placeholder="0000 0000 0000 0000" value={typed.number} onValue={(number) => set({ number: grouped(number) })} wrong={wrong.number ?? problem?.at('number')} />
      <div class="pair">
        <TextField label="Valid until" inputMode="numeric" autocomplete="cc-exp" required maxLength={5} placeholder="MM/YY" value={typed.expiry} onValue={(expiry) => set({ expiry: expiryTyped(expiry) })} wrong={wrong.expiry ?? problem?.at('month') ?? problem?.at('year')} />
        <TextField label="Security code" inputMode="numeric" autocomplete="cc-csc" required maxLength={4} placeholder="CVC" value={typed.cvc} onValue={(cvc) => set({ cvc: cvc.replace(/\D/g, '') })} wrong={wrong.cvc ?? problem?.at('cvc')} />
      </div>
      <TextField label="Name on the card" autocomplete="cc-name" required maxLength={100} value={typed.holder} onValue={(holder) => set({ holder })} wrong={wrong.holder ?? problem?.at('holder')} />
      <button class="button wide tall" aria-disabled={busy}>
        <Icon name="card" /> {busy ? 'Sending…' : `Pay ${formats.money(order.amount, order.currency)}`}
      </button>
      <TestCards choose={(number) => setTyped({ number: grouped(number), expiry: `12/${String((new Date().getFullYear() + 3) % 100)}`, cvc: '123', holder: typed.holder || 'Test Buyer' })} />
    </form>
  );
}

function TestCards({ choose }: { choose: (number: string) => void }): JSX.Element {
  return (
    <details class="test-cards small">
      <summary>This is a sandbox: test cards</summary>
      <ul>
        {sandboxCards.map(({ number, does }) => (
          <li key={number}>
            <button type="button" class="test-card number" onClick={() => choose(number)}>
              {grouped(number)}
            </button>
            <span class="quiet">{does}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
