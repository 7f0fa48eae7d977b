// What the services answer, as far as the pages use it. The services' own contract is their /openapi.json.

export type Stock = 'available' | 'reserved' | 'sold';
export type Role = 'buyer' | 'dealer' | 'admin';

export interface Vehicle {
  id: number;
  name: string;
  brand: string;
  model: string;
  year: number;
  price: number;
  description: string;
  created_at: string;
  updated_at: string;
  stock?: Stock;
  /** The dealer's own number of it. */
  reference?: string | null;
  dealer?: string | null;
  dealer_id?: string | null;
}

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  per_page: number;
  pages: number;
}

export interface VehicleStats {
  by_brand: { brand: string; available: number; reserved: number; sold: number }[];
}

export interface User {
  id: string;
  email: string;
  name: string;
  roles: Role[];
  /** Asked for the role dealer, which an admin grants. */
  wants_dealer?: boolean;
}

export type OrderState =
  | 'placing'
  | 'rejected'
  | 'placed'
  | 'paying'
  | 'paid'
  | 'confirmed'
  | 'declined'
  | 'expired'
  | 'cancelled'
  | 'refunded'
  | 'cancelling'
  | 'refunding';

export interface Order {
  id: string;
  state: OrderState;
  vehicle_id: number;
  vehicle: string;
  amount: number;
  currency: string;
  created_at: string;
  updated_at: string;
  /** Until when the vehicle is held for this order. */
  expires_at?: string;
  /** Why the last payment did not go through. */
  reason?: string;
  email?: string;
}

export interface OrderStep {
  state: OrderState;
  time: string;
  /** Why, where there is a reason. */
  note?: string;
}

export interface Card {
  number: string;
  month: number;
  year: number;
  cvc: string;
  holder: string;
}

export interface Notice {
  id: string;
  type: string;
  time: string;
  title: string;
  text: string;
  read: boolean;
  subject?: string;
}

export interface DeadLetter {
  id: string;
  channel: string;
  type: string;
  time: string;
  attempts: number;
  error: string;
}

export interface ImportReport {
  added: number;
  changed: number;
  kept: number;
  failed: number;
  /** Failed lines first; of a large file not all. */
  lines: ImportLine[];
  lines_left_out?: number;
}

export interface ImportLine {
  line: number;
  status: 'added' | 'changed' | 'kept' | 'failed';
  id?: number;
  problems?: { field: string; message: string }[];
}
