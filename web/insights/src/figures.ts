// What the insights page and its server say to each other. This file is the contract: services/insights answers
// these shapes, the page draws them.
//
//   GET api/figures?brand=&from=&to=    Figures                    (brand "" for all; days YYYY-MM-DD, both included)
//   WS  live?brand=&from=&to=           Live, at once and whenever a figure changes; the page may send a Filter
//                                       ({"brand","from","to"}) at any time and is then told Figures of that filter
//
// Addresses are relative to the page, so that it also works below a path. Money is a JSON number with two digits.
// What a source could not tell stands as last known, with the source's `ok` false; never known: zeros and [].

/** Which figures are wanted. Unknown days are ""; the server then takes the last 30 days. */
export interface Filter {
  brand: string;
  from: string;
  to: string;
}

export interface Figures {
  /** When these figures were put together, RFC 3339. */
  time: string;
  /** The filter as the server understood it, its defaults filled in. */
  filter: Filter;
  /** Every brand of the catalogue, sorted; not narrowed by the filter. */
  brands: string[];
  currency: string;
  /** Vehicles by stock state. */
  stock: StockCounts;
  /** The same by brand, sorted by brand; one row when a brand is chosen. */
  by_brand: (StockCounts & { brand: string })[];
  prices: Prices;
  sales: Sales;
  /** How far orders placed within the days came: "placed", "paid", "confirmed", in that order. */
  funnel: FunnelStep[];
  /** Orders within the days that ended otherwise: "declined", "expired", "cancelled", "refunded". */
  endings: FunnelStep[];
  /** Where the figures come from and whether each answers now. */
  sources: Source[];
}

export interface StockCounts {
  available: number;
  reserved: number;
  sold: number;
}

/** A histogram of asked prices. */
export interface Prices {
  buckets: PriceBucket[];
}

/** Vehicles with from <= price < to. */
export interface PriceBucket {
  from: number;
  to: number;
  count: number;
}

export interface Sales {
  /** Orders within the days that are confirmed and were not given back, and what they came to. */
  count: number;
  revenue: number;
  /** Each day from `filter.from` to `filter.to`, those without sales too. */
  days: SalesDay[];
  /** False when the sales are of all brands because their source does not tell brands apart. */
  by_brand: boolean;
}

export interface SalesDay {
  /** YYYY-MM-DD, UTC */
  day: string;
  placed: number;
  confirmed: number;
  /** Those confirmed that were not given back: what `revenue` sums. */
  sold: number;
  revenue: number;
}

export interface FunnelStep {
  state: string;
  count: number;
}

export interface Source {
  /** "vehicles", "orders" */
  name: string;
  ok: boolean;
  /** Why not, for people; "" when ok. */
  detail: string;
}

/** A message of the live socket. */
export type Live =
  | { type: 'figures'; figures: Figures }
  | { type: 'problem'; detail: string };
