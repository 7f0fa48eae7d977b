// One vehicle, and reserving it.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { formats } from '@shared/format';
import { Icon } from '@shared/icons';
import { useStore } from '@shared/store';
import type { PageProps } from '../app';
import { newKey } from '../api/ids';
import { Problem } from '../api/http';
import { oneVehicle, placeOrder } from '../api/services';
import type { Vehicle } from '../api/types';
import { StockBadge } from '../parts/badges';
import { EmptyState, Loading, ProblemNote } from '../parts/states';
import { useTitle } from '../parts/title';
import { VehicleArt } from '../parts/vehicle-art';
import { useLoad } from '../state/load';
import { go } from '../state/location';
import { session, userOf } from '../state/session';

export function VehiclePage({ id }: PageProps): JSX.Element {
  const loaded = useLoad(id, async (signal) => (await oneVehicle(id, signal)).body);
  useTitle(loaded.data ? loaded.data.name : 'Vehicle');
  if (loaded.problem?.status === 404) {
    return (
      <EmptyState title="This vehicle is no longer offered" text="It may have been sold or withdrawn by its dealer.">
        <a class="button" href="/">
          See all vehicles
        </a>
      </EmptyState>
    );
  }
  if (loaded.problem && !loaded.data) return <ProblemNote problem={loaded.problem} again={loaded.again} />;
  if (!loaded.data) return <Loading />;
  return <Shown vehicle={loaded.data} again={loaded.again} />;
}

function Shown({ vehicle, again }: { vehicle: Vehicle; again: () => void }): JSX.Element {
  const user = userOf(useStore(session));
  const mine = user !== null && (user.roles.includes('admin') || vehicle.dealer_id === user.id);
  return (
    <article class="vehicle">
      <a class="back" href="/">
        <Icon name="back" size={18} /> All vehicles
      </a>
      <div class="stage large">
        <VehicleArt vehicle={vehicle} />
        <StockBadge stock={vehicle.stock} />
      </div>
      <div class="vehicle-side">
        <header>
          <p class="eyebrow">
            {vehicle.brand} {vehicle.model}
          </p>
          <h1>{vehicle.name}</h1>
          <p class="price large number">{formats.price(vehicle.price)}</p>
          <p class="quiet small">VAT included</p>
        </header>
        <Buying vehicle={vehicle} again={again} />
        {mine && (
          <a class="button plain" href={`/dealer/vehicles/${vehicle.id}`}>
            <Icon name="edit" size={18} /> Edit this vehicle
          </a>
        )}
      </div>
      <div class="vehicle-about">
        <h2>About this car</h2>
        <p class="prose">{vehicle.description === '' ? 'The dealer has not described it yet.' : vehicle.description}</p>
        <dl class="facts">
          <Fact name="Brand" value={vehicle.brand} />
          <Fact name="Model" value={vehicle.model} />
          <Fact name="Year" value={String(vehicle.year)} />
          {vehicle.dealer && <Fact name="Dealer" value={vehicle.dealer} />}
          <Fact name="Offered since" value={formats.date(vehicle.created_at)} />
          <Fact name="Offer" value={`No. ${vehicle.id}`} />
        </dl>
      </div>
    </article>
  );
}

function Fact({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Buying({ vehicle, again }: { vehicle: Vehicle; again: () => void }): JSX.Element {
  const here = useStore(session);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  // The same key for every attempt at this page: trying again never reserves twice.
  const key = useRef(newKey());
  const stock = vehicle.stock ?? 'available';

  const reserve = async (): Promise<void> => {
    if (busy) return;
    if (here.state !== 'user') {
      go(`/login?next=${encodeURIComponent(`/vehicles/${vehicle.id}`)}`);
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      const order = await placeOrder(vehicle.id, key.current);
      go(`/orders/${order.id}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      if (error.status === 409) {
        key.current = newKey();
        again();
      }
    } finally {
      setBusy(false);
    }
  };
  if (stock !== 'available') {
    return (
      <div class={stock === 'sold' ? 'note' : 'note warn'}>
        <Icon name="clock" />
        <p>{stock === 'sold' ? 'This car has found its owner.' : 'Somebody is buying this car right now. If they do not pay in time, it is on sale again.'}</p>
      </div>
    );
  }
  return (
    <div class="stack">
      {problem && <ProblemNote problem={problem} />}
      <button type="button" class="button wide tall" aria-disabled={busy} onClick={() => void reserve()}>
        {busy ? 'Reserving…' : 'Reserve and buy'}
      </button>
      <ul class="promises small quiet">
        <li>
          <Icon name="clock" size={18} /> Held for you while you pay
        </li>
        <li>
          <Icon name="shield" size={18} /> Charged only when the dealer confirms
        </li>
        <li>
          <Icon name="check" size={18} /> Cancel free of charge before you pay
        </li>
      </ul>
      {here.state === 'nobody' && <p class="small quiet">You will be asked to log in first.</p>}
    </div>
  );
}
