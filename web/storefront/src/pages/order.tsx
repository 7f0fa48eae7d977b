// One order: where it stands, followed live; paying, cancelling, refunding; its history.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formats } from '@shared/format';
import { Icon } from '@shared/icons';
import type { PageProps } from '../app';
import { Problem } from '../api/http';
import { cancelOrder, oneVehicle, refundOrder } from '../api/services';
import type { Order, OrderStep, Vehicle } from '../api/types';
import { StateBadge } from '../parts/badges';
import { Countdown } from '../parts/countdown';
import { EmptyState, Loading, ProblemNote } from '../parts/states';
import { useTitle } from '../parts/title';
import { VehicleArt } from '../parts/vehicle-art';
import { useOrder } from '../state/follow';
import { countNoticesSoon } from '../state/notices';
import { mayCancel, mayPay, mayRefund, meaningOf, settled, stepsDone, way } from '../state/order';
import { say } from '../state/notes';
import { reasonWords } from '../state/sandbox';
import { Payment } from './payment';

export function OrderPage({ id }: PageProps): JSX.Element {
  const { order, steps, problem, live, refresh } = useOrder(id);
  useTitle(order ? `Order: ${order.vehicle}` : 'Order');
  useEffect(countNoticesSoon, [order?.state]);
  if (problem?.status === 404 || problem?.status === 403) {
    return (
      <EmptyState title="There is no such order" text="It may belong to another account.">
        <a class="button" href="/orders">
          My orders
        </a>
      </EmptyState>
    );
  }
  if (!order) return problem ? <ProblemNote problem={problem} again={() => refresh()} /> : <Loading />;
  const { text, tone } = meaningOf(order.state);
  return (
    <div class="order">
      <a class="back" href="/orders">
        <Icon name="back" size={18} /> My orders
      </a>
      <header class="order-head">
        <h1>{order.vehicle}</h1>
        <p class="row">
          <StateBadge state={order.state} />
          <span class="price number">{formats.money(order.amount, order.currency)}</span>
          {live && !settled(order.state) && (
            <span class="live small quiet">
              <Icon name="live" size={16} /> Live
            </span>
          )}
        </p>
      </header>
      {problem && <ProblemNote problem={problem} again={() => refresh()} />}
      <div class="order-main stack">
        <section class="card stack" aria-label="Progress">
          <Steps state={order.state} />
          <div class="order-state" role="status">
            <p class={tone === 'bad' ? 'note bad' : tone === 'good' ? 'note good' : 'note'}>
              {text}
              {order.state === 'declined' && order.reason ? ` The bank says: ${reasonWords(order.reason)}.` : ''}
            </p>
          </div>
          {mayPay(order.state) && order.expires_at !== undefined && <Countdown until={order.expires_at} over={() => refresh()} />}
        </section>
        {mayPay(order.state) && <Payment order={order} paid={refresh} />}
      </div>
      <aside class="order-side stack">
        <OrderedVehicle id={order.vehicle_id} />
        <Ending order={order} done={refresh} />
        <History steps={steps} />
      </aside>
    </div>
  );
}

function Steps({ state }: { state: string }): JSX.Element {
  const done = stepsDone(state);
  return (
    <ol class="steps" aria-label="Steps of the order">
      {way.map((step, index) => {
        const at = index < done ? 'done' : index === done ? 'now' : 'later';
        return (
          <li key={step.state} class={`step ${at}`} aria-current={at === 'now' ? 'step' : undefined}>
            <span class="step-dot" aria-hidden="true">
              {at === 'done' ? <Icon name="check" size={16} /> : index + 1}
            </span>
            {step.label}
            {at === 'done' && <span class="visually-hidden"> (done)</span>}
          </li>
        );
      })}
    </ol>
  );
}

function OrderedVehicle({ id }: { id: number }): JSX.Element | null {
  const [vehicle, setVehicle] = useState<Vehicle | null>(null);
  useEffect(() => {
    oneVehicle(String(id)).then(
      ({ body }) => setVehicle(body),
      () => setVehicle(null),
    );
  }, [id]);
  return (
    <div class="ordered">
      <div class="stage">{vehicle && <VehicleArt vehicle={vehicle} />}</div>
      <p class="small">
        <a href={`/vehicles/${id}`}>{vehicle ? `${vehicle.brand} ${vehicle.model}, ${vehicle.year}` : 'The vehicle'}</a>
      </p>
    </div>
  );
}

function Ending({ order, done }: { order: Order; done: (order?: Order) => void }): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const refund = mayRefund(order.state);
  if (!refund && !mayCancel(order.state)) return null;
  const words = refund
    ? { open: 'Ask for a refund', title: 'Give this car back?', text: 'The full amount goes back to your card, and the car is on sale again.', act: 'Refund the order' }
    : { open: 'Cancel the order', title: 'Cancel this order?', text: 'The car is on sale again. Nothing is charged.', act: 'Cancel the order' };
  const act = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const next = await (refund ? refundOrder(order.id) : cancelOrder(order.id));
      dialog.current?.close();
      say(refund ? 'The refund is under way.' : 'The order is being cancelled.');
      done(next);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      done();
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" class="button plain" onClick={() => dialog.current?.showModal()}>
        {words.open}
      </button>
      <dialog ref={dialog} class="dialog" aria-labelledby="ending-title">
        <div class="stack">
          <h2 id="ending-title">{words.title}</h2>
          <p>{words.text}</p>
          {problem && <ProblemNote problem={problem} />}
          <div class="row">
            <button type="button" class="button danger" aria-disabled={busy} onClick={() => void act()}>
              {words.act}
            </button>
            <button type="button" class="button plain" onClick={() => dialog.current?.close()}>
              Keep it
            </button>
          </div>
        </div>
      </dialog>
    </>
  );
}

function History({ steps }: { steps: OrderStep[] }): JSX.Element | null {
  if (steps.length === 0) return null;
  return (
    <section class="history" aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      <ol>
        {steps.map((step, index) => (
          <li key={index}>
            <span>{meaningOf(step.state).label}</span>
            <time class="small quiet number" dateTime={step.time}>
              {formats.dateTime(step.time)}
            </time>
          </li>
        ))}
      </ol>
    </section>
  );
}
