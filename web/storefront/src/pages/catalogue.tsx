// The catalogue: filters, sorting, a grid of vehicles, pages. The address is its whole state.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formats } from '@shared/format';
import { Icon } from '@shared/icons';
import { listVehicles, perPage, vehicleStats } from '../api/services';
import type { Vehicle } from '../api/types';
import { Pager } from '../parts/pager';
import { EmptyState, ProblemNote } from '../parts/states';
import { StockBadge } from '../parts/badges';
import { useTitle } from '../parts/title';
import { VehicleArt } from '../parts/vehicle-art';
import { Filtering } from './catalogue-filters';
import { filtersOf, narrowing, noFilters, queryOf, sorts, type Filters } from '../state/filters';
import { useLoad } from '../state/load';
import { go } from '../state/location';

export function Catalogue({ search }: { search: string }): JSX.Element {
  const filters = filtersOf(search);
  const key = queryOf(filters);
  const list = useLoad(key, (signal) => listVehicles(filters, signal));
  const stats = useLoad('stats', vehicleStats);
  const results = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  useTitle(filters.q === '' ? '' : `“${filters.q}”`);
  useEffect(() => setOpen(false), [key]);

  const show = (next: Filters): void => go(`/${queryOf(next)}`);
  const total = list.data?.total;
  const narrowed = narrowing(filters);
  return (
    <div class="catalogue">
      <div class="catalogue-head">
        <div>
          <h1>{filters.q === '' ? 'Find your next car' : `Results for “${filters.q}”`}</h1>
          <p class="quiet" role="status">
            {total === undefined ? '\u00a0' : total === 1 ? '1 vehicle' : `${formats.number(total)} vehicles`}
          </p>
        </div>
        <div class="catalogue-tools">
          <button type="button" class="button plain filter-opener" aria-expanded={open} aria-controls="filters" onClick={() => setOpen(!open)}>
            <Icon name="filter" size={18} /> Filters{narrowed > 0 ? ` (${narrowed})` : ''}
          </button>
          <Sorting filters={filters} show={show} />
        </div>
      </div>
      <aside id="filters" class={open ? 'filters open' : 'filters'} aria-label="Filters">
        <Filtering key={key} filters={filters} brands={stats.data?.by_brand.map(({ brand }) => brand) ?? []} show={show} />
      </aside>
      <div class="results" ref={results} aria-busy={list.busy}>
        {list.problem && <ProblemNote problem={list.problem} again={list.again} />}
        {list.data ? (
          <Found vehicles={list.data.items} filters={filters} />
        ) : (
          list.busy && !list.problem && <Awaited />
        )}
        {list.data && <Pager page={list.data.page} pages={list.data.pages} address={(page) => `/${queryOf({ ...filters, page })}`} />}
      </div>
    </div>
  );
}

function Sorting({ filters, show }: { filters: Filters; show: (filters: Filters) => void }): JSX.Element {
  return (
    <label class="sorting">
      <span class="small quiet">Sort by</span>
      <select class="input" aria-label="Sort by" value={filters.sort} onChange={(event) => show({ ...filters, sort: event.currentTarget.value, page: 1 })}>
        {sorts.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

function Found({ vehicles, filters }: { vehicles: Vehicle[]; filters: Filters }): JSX.Element {
  if (vehicles.length === 0) {
    return (
      <EmptyState level={2} title="No vehicle matches" text="Widen the price or the years, or search for fewer words.">
        <a class="button plain" href={`/${queryOf({ ...noFilters, sort: filters.sort })}`}>
          Show all vehicles
        </a>
      </EmptyState>
    );
  }
  return (
    <ul class="grid">
      {vehicles.map((vehicle) => (
        <VehicleCard key={vehicle.id} vehicle={vehicle} />
      ))}
    </ul>
  );
}

export function VehicleCard({ vehicle }: { vehicle: Vehicle }): JSX.Element {
  const gone = vehicle.stock === 'sold';
  return (
    <li class={gone ? 'vehicle-card gone' : 'vehicle-card'}>
      <div class="stage">
        <VehicleArt vehicle={vehicle} />
        <StockBadge stock={vehicle.stock} />
      </div>
      <div class="vehicle-words">
        <p class="eyebrow">
          {vehicle.brand} {vehicle.model} · <span class="number">{vehicle.year}</span>
        </p>
        <h2>
          <a class="cover" href={`/vehicles/${vehicle.id}`}>
            {vehicle.name}
          </a>
        </h2>
        <p class="price number">{formats.price(vehicle.price)}</p>
      </div>
    </li>
  );
}

function Awaited(): JSX.Element {
  return (
    <ul class="grid" aria-hidden="true">
      {Array.from({ length: Math.min(9, perPage) }, (_, index) => (
        <li key={index} class="vehicle-card">
          <div class="stage skeleton" />
          <div class="vehicle-words">
            <div class="skeleton line short" />
            <div class="skeleton line" />
            <div class="skeleton line price-line" />
          </div>
        </li>
      ))}
    </ul>
  );
}
