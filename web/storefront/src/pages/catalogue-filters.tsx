// The catalogue's filters: choices apply at once, typed ranges when they are finished.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { narrowing, noFilters, rangeProblem, type Filters } from '../state/filters';
import type { Stock } from '../api/types';

interface FilteringProps {
  filters: Filters;
  brands: string[];
  show: (filters: Filters) => void;
}

const stocks: [Stock | '', string][] = [
  ['', 'All'],
  ['available', 'Available'],
  ['reserved', 'Reserved'],
  ['sold', 'Sold'],
];

export function Filtering({ filters, brands, show }: FilteringProps): JSX.Element {
  const [typed, setTyped] = useState(filters);
  const choose = (change: Partial<Filters>): void => show({ ...typed, ...change, page: 1 });
  const priceWrong = rangeProblem(typed.priceMin, typed.priceMax);
  const yearWrong = rangeProblem(typed.yearMin, typed.yearMax);
  const offered = filters.brand === '' || brands.includes(filters.brand) ? brands : [filters.brand, ...brands];
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (priceWrong === '' && yearWrong === '') choose({});
      }}
    >
      <div class="field">
        <label for="brand">Brand</label>
        <select id="brand" class="input" value={filters.brand} onChange={(event) => choose({ brand: event.currentTarget.value })}>
          <option value="">All brands</option>
          {offered.map((brand) => (
            <option key={brand} value={brand}>
              {brand}
            </option>
          ))}
        </select>
      </div>
      <Range legend="Price in euros" names={['From price', 'To price']} places={['Any', 'Any']} values={[typed.priceMin, typed.priceMax]} digits={9} wrong={priceWrong} typed={(priceMin, priceMax) => setTyped({ ...typed, priceMin, priceMax })} />
      <Range legend="Year" names={['From year', 'To year']} places={['Any', 'Any']} values={[typed.yearMin, typed.yearMax]} digits={4} wrong={yearWrong} typed={(yearMin, yearMax) => setTyped({ ...typed, yearMin, yearMax })} />
      <fieldset class="field">
        <legend class="label">Stock</legend>
        <div class="segments">
          {stocks.map(([value, label]) => (
            <label key={value} class="segment">
              <input type="radio" name="stock" value={value} checked={filters.stock === value} onChange={() => choose({ stock: value })} />
              <span>{label}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <button class="button wide">Show vehicles</button>
      {narrowing(filters) > 0 && (
        <button type="button" class="button plain wide" onClick={() => show({ ...noFilters, q: filters.q, sort: filters.sort })}>
          Clear filters
        </button>
      )}
    </form>
  );
}

interface RangeProps {
  legend: string;
  names: [string, string];
  places: [string, string];
  values: [string, string];
  digits: number;
  wrong: string;
  typed: (min: string, max: string) => void;
}

function Range({ legend, names, places, values, digits, wrong, typed }: RangeProps): JSX.Element {
  const clean = (text: string): string => text.replace(/\D/g, '').slice(0, digits);
  const [min, max] = values;
  const described = wrong === '' ? undefined : `${legend}-wrong`.replace(/\s/g, '-');
  return (
    <fieldset class="field">
      <legend class="label">{legend}</legend>
      <div class="range">
        <input class="input number" inputMode="numeric" autocomplete="off" aria-label={names[0]} placeholder={places[0]} aria-invalid={wrong !== ''} aria-describedby={described} value={min} onInput={(event) => typed(clean(event.currentTarget.value), max)} />
        <span aria-hidden="true">–</span>
        <input class="input number" inputMode="numeric" autocomplete="off" aria-label={names[1]} placeholder={places[1]} aria-invalid={wrong !== ''} aria-describedby={described} value={max} onInput={(event) => typed(min, clean(event.currentTarget.value))} />
      </div>
      {wrong !== '' && (
        <p class="wrong" id={described} role="alert">
          {wrong}
        </p>
      )}
    </fieldset>
  );
}
