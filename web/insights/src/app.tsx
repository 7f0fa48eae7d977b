// The insights page: filters, the most important figures, charts. The address holds the filter.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formats } from '@shared/format';
import { Icon } from '@shared/icons';
import { isDark, switchTheme } from '@shared/theme';
import { Columns, Funnel, Stacks } from './charts';
import type { Figures, Filter } from './figures';
import { daysIn, filterOf, lastDays, queryOf, wrongDays } from './filter';
import { Panel } from './panel';
import { Source, type Manner } from './source';
import { funnelTable, pricesTable, salesTable, stockTable } from './tables';

export function App(): JSX.Element {
  const [filter, setFilter] = useState<Filter>(() => filterOf(location.search));
  const [figures, setFigures] = useState<Figures | null>(null);
  const [manner, setManner] = useState<Manner>('starting');
  const [problem, setProblem] = useState('');
  const source = useRef<Source | null>(null);
  useEffect(() => {
    const own = new Source(filter, (heard) => {
      if (heard.figures) setFigures(heard.figures);
      if (heard.manner) setManner(heard.manner);
      if (heard.problem !== undefined) setProblem(heard.problem);
    });
    source.current = own;
    const back = (): void => {
      const next = filterOf(location.search);
      setFilter(next);
      own.show(next);
    };
    addEventListener('popstate', back);
    return () => {
      removeEventListener('popstate', back);
      own.end();
    };
  }, []);
  const show = (next: Filter): void => {
    history.pushState(null, '', location.pathname + queryOf(next));
    setFilter(next);
    source.current?.show(next);
  };
  const away = figures?.sources.filter(({ ok }) => !ok) ?? [];
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Top manner={manner} time={figures?.time} />
      <main id="main" class="page" tabIndex={-1}>
        <Filters filter={filter} known={figures} show={show} />
        {problem !== '' && (
          <p class="note warn" role="alert">
            <Icon name="alert" /> {problem}
          </p>
        )}
        {away.map(({ name, detail }) => (
          <p key={name} class="note warn" role="alert">
            <Icon name="alert" />
            {`${name} is away: its figures are the last that it told.${detail === '' ? '' : ` (${detail})`}`}
          </p>
        ))}
        {figures ? <Board figures={figures} filter={filter} show={show} /> : manner !== 'away' && <Awaited />}
      </main>
    </>
  );
}

function Top({ manner, time }: { manner: Manner; time: string | undefined }): JSX.Element {
  const [dark, setDark] = useState(isDark());
  const words = { starting: 'Connecting', live: 'Live', polling: 'Refreshing', away: 'Not connected' }[manner];
  return (
    <header class="top">
      <div class="top-row">
        <h1>
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
            <rect class="brand-plate" width="32" height="32" rx="8" />
            <path class="brand-line" d="M8 23v-6M14 23V11M20 23v-9M26 23V8" />
          </svg>
          Slipway <span class="second">Insights</span>
        </h1>
        <p class={`manner small ${manner}`} role="status">
          <Icon name="live" size={16} /> {words}
          {time !== undefined && <span class="since number quiet"> · {new Date(time).toLocaleTimeString()}</span>}
        </p>
        <button type="button" class="icon-button" aria-label={dark ? 'Use light colours' : 'Use dark colours'} onClick={() => { switchTheme(); setDark(isDark()); }}>
          <Icon name={dark ? 'sun' : 'moon'} />
        </button>
      </div>
    </header>
  );
}

interface FiltersProps {
  filter: Filter;
  known: Figures | null;
  show: (filter: Filter) => void;
}

function Filters({ filter, known, show }: FiltersProps): JSX.Element {
  const brands = known?.brands ?? [];
  const offered = filter.brand === '' || brands.includes(filter.brand) ? brands : [filter.brand, ...brands];
  const shown = known?.filter ?? filter;
  const today = new Date().toISOString().slice(0, 10);
  const wrong = wrongDays(filter);
  return (
    <form class="filter-bar" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <div class="field">
        <label for="brand">Brand</label>
        <select id="brand" class="input" value={filter.brand} onChange={(event) => show({ ...filter, brand: event.currentTarget.value })}>
          <option value="">All brands</option>
          {offered.map((brand) => (
            <option key={brand} value={brand}>
              {brand}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="from">From</label>
        <input id="from" class="input" type="date" max={today} value={filter.from === '' ? shown.from : filter.from} aria-invalid={wrong !== ''} onChange={(event) => show({ ...filter, from: event.currentTarget.value })} />
      </div>
      <div class="field">
        <label for="to">To</label>
        <input id="to" class="input" type="date" max={today} value={filter.to === '' ? shown.to : filter.to} aria-invalid={wrong !== ''} onChange={(event) => show({ ...filter, to: event.currentTarget.value })} />
      </div>
      <div class="presets" role="group" aria-label="Days">
        {[7, 30, 90].map((count) => {
          const days = lastDays(count, today);
          const now = shown.from === days.from && shown.to === days.to;
          return (
            <button key={count} type="button" class="button plain slim" aria-pressed={now} onClick={() => show({ ...filter, ...days })}>
              {count} days
            </button>
          );
        })}
      </div>
      {wrong !== '' && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
    </form>
  );
}

function Board({ figures, filter, show }: { figures: Figures; filter: Filter; show: (filter: Filter) => void }): JSX.Element {
  const { stock, sales, prices, currency } = figures;
  const days = daysIn(figures.filter);
  const placed = figures.funnel[0]?.count ?? 0;
  const offered = prices.buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  return (
    <>
      <dl class="tiles">
        <Tile name="Available now" value={formats.number(stock.available)} note={`${formats.number(stock.reserved)} reserved`} />
        <Tile name={`Sold in ${formats.number(days)} days`} value={formats.number(sales.count)} note={`${formats.number(stock.sold)} marked sold now`} />
        <Tile name="Revenue" value={formats.price(Math.round(sales.revenue), currency)} note={sales.count > 0 ? `${formats.price(Math.round(sales.revenue / sales.count), currency)} a car` : 'no sale yet'} />
        <Tile name="Orders that became sales" value={placed > 0 ? formats.percent(sales.count / placed) : '–'} note={`${formats.number(sales.count)} of ${formats.number(placed)}`} />
      </dl>
      <div class="board">
        <Panel title="Revenue by day" table={salesTable(figures)} {...(!sales.by_brand && filter.brand !== '' && { note: 'Sales of all brands.' })}>
          <Columns
            name="Revenue by day"
            whole="any"
            axis={(value) => formats.compact(value)}
            summary={`${formats.money(sales.revenue, currency)} from ${formats.number(sales.count)} ${sales.count === 1 ? 'sale' : 'sales'}`}
            columns={sales.days.map((day) => ({
              label: formats.day(day.day),
              value: day.revenue,
              words: `${formats.day(day.day)}: ${formats.money(day.revenue, currency)}, ${formats.number(day.sold)} sold, ${formats.number(day.placed)} ordered`,
            }))}
          />
        </Panel>
        <Panel title="Orders on their way" table={funnelTable(figures)}>
          <Funnel number={formats.number} rows={figures.funnel.map(({ state, count }) => ({ label: stateWords(state), value: count, share: placed > 0 ? formats.percent(count / placed) : '' }))} />
          <ul class="endings small">
            {figures.endings.map(({ state, count }) => (
              <li key={state}>
                <span class="quiet">{stateWords(state)}</span> <strong class="number">{formats.number(count)}</strong>
              </li>
            ))}
          </ul>
        </Panel>
        <Panel title="Asked prices" table={pricesTable(figures)}>
          <Columns
            name="Vehicles by asked price"
            whole="whole"
            axis={(value) => formats.number(value)}
            summary={`${formats.number(offered)} ${offered === 1 ? 'vehicle' : 'vehicles'}`}
            columns={prices.buckets.map(({ from, to, count }) => ({
              label: formats.compact(from),
              value: count,
              words: `${formats.price(from, currency)} to ${formats.price(to, currency)}: ${formats.number(count)} ${count === 1 ? 'vehicle' : 'vehicles'}`,
            }))}
          />
        </Panel>
        <Panel title="Stock by brand" table={stockTable(figures)}>
          <Stacks parts={['Available', 'Reserved', 'Sold']} rows={figures.by_brand.map((row) => ({ label: row.brand, parts: [row.available, row.reserved, row.sold] }))} number={formats.number} chosen={filter.brand} choose={(brand) => show({ ...filter, brand })} />
        </Panel>
      </div>
    </>
  );
}

const stateWords = (state: string): string => state.charAt(0).toUpperCase() + state.slice(1);

function Tile({ name, value, note }: { name: string; value: string; note: string }): JSX.Element {
  return (
    <div class="card tile">
      <dt class="small quiet">{name}</dt>
      <dd class="tile-value number">{value}</dd>
      <dd class="small quiet number">{note}</dd>
    </div>
  );
}

function Awaited(): JSX.Element {
  return (
    <div role="status">
      <span class="visually-hidden">Loading</span>
      <div class="tiles" aria-hidden="true">
        {[1, 2, 3, 4].map((each) => (
          <div key={each} class="card tile skeleton" />
        ))}
      </div>
      <div class="board" aria-hidden="true">
        <div class="card panel skeleton" />
        <div class="card panel skeleton" />
        <div class="card panel skeleton" />
      </div>
    </div>
  );
}
