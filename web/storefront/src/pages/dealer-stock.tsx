// A dealer's own vehicles.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { formats } from '@shared/format';
import { Icon } from '@shared/icons';
import { useStore } from '@shared/store';
import type { PageProps } from '../app';
import { Problem } from '../api/http';
import { myStockFile, removeVehicle, stockOf } from '../api/services';
import type { Vehicle } from '../api/types';
import { StockBadge } from '../parts/badges';
import { Pager } from '../parts/pager';
import { EmptyState, Loading, ProblemNote } from '../parts/states';
import { useTitle } from '../parts/title';
import { VehicleArt } from '../parts/vehicle-art';
import { useLoad } from '../state/load';
import { say } from '../state/notes';
import { session, userOf } from '../state/session';
import { DealerHead } from './orders';

export function DealerStock({ search }: PageProps): JSX.Element {
  useTitle('My stock');
  const user = userOf(useStore(session));
  const page = Math.max(1, Number(new URLSearchParams(search).get('page')) || 1);
  const { data, problem, again } = useLoad(`stock ${user?.id ?? ''} ${page}`, (signal) => stockOf(user?.id ?? '', page, signal));
  const [removing, setRemoving] = useState<Vehicle | null>(null);
  return (
    <div class="stack">
      <DealerHead title="My stock" />
      <div class="row stock-actions">
        <a class="button" href="/dealer/vehicles/new">
          <Icon name="plus" size={18} /> Add a vehicle
        </a>
        <a class="button plain" href="/dealer/import">
          <Icon name="upload" size={18} /> Import
        </a>
        <a class="button plain" href={myStockFile} download>
          <Icon name="download" size={18} /> Export
        </a>
      </div>
      {problem && <ProblemNote problem={problem} again={again} />}
      {!data && !problem && <Loading />}
      {data?.items.length === 0 && <EmptyState level={2} title="No vehicles of yours" text="Add one by hand, or import a file." />}
      {data && data.items.length > 0 && (
        <ul class="stock-list">
          {data.items.map((vehicle) => (
            <StockRow key={vehicle.id} vehicle={vehicle} remove={() => setRemoving(vehicle)} />
          ))}
        </ul>
      )}
      {data && <Pager page={data.page} pages={data.pages} address={(each) => `/dealer?page=${each}`} />}
      {removing && (
        <Removing
          vehicle={removing}
          close={() => {
            setRemoving(null);
            again();
          }}
        />
      )}
    </div>
  );
}

function StockRow({ vehicle, remove }: { vehicle: Vehicle; remove: () => void }): JSX.Element {
  return (
    <li class="stock-row">
      <div class="stage thumb">
        <VehicleArt vehicle={vehicle} />
      </div>
      <div class="stock-words">
        <a href={`/vehicles/${vehicle.id}`}>{vehicle.name}</a>
        <p class="small quiet">
          {vehicle.brand} {vehicle.model}, {vehicle.year}
          {vehicle.reference ? ` · ${vehicle.reference}` : ''}
        </p>
      </div>
      <StockBadge stock={vehicle.stock} />
      <span class="amount">{formats.price(vehicle.price)}</span>
      <span class="stock-acts">
        <a class="icon-button" href={`/dealer/vehicles/${vehicle.id}`} aria-label={`Edit ${vehicle.name}`}>
          <Icon name="edit" size={18} />
        </a>
        <button type="button" class="icon-button" aria-label={`Remove ${vehicle.name}`} onClick={remove}>
          <Icon name="trash" size={18} />
        </button>
      </span>
    </li>
  );
}

function Removing({ vehicle, close }: { vehicle: Vehicle; close: () => void }): JSX.Element {
  const [problem, setProblem] = useState<Problem | null>(null);
  const shown = useRef<HTMLDialogElement | null>(null);
  const act = async (): Promise<void> => {
    try {
      await removeVehicle(vehicle.id);
      say(`${vehicle.name} is removed.`);
      shown.current?.close();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    }
  };
  return (
    <dialog
      class="dialog"
      aria-labelledby="remove-title"
      onClose={close}
      ref={(dialog) => {
        shown.current = dialog;
        if (dialog && !dialog.open) dialog.showModal();
      }}
    >
      <div class="stack">
        <h2 id="remove-title">Remove {vehicle.name}?</h2>
        <p>It disappears from the catalogue at once.</p>
        {problem && <ProblemNote problem={problem} />}
        <div class="row">
          <button type="button" class="button danger" onClick={() => void act()}>
            Remove it
          </button>
          <button type="button" class="button plain" onClick={() => shown.current?.close()}>
            Keep it
          </button>
        </div>
      </div>
    </dialog>
  );
}
