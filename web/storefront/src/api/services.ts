// Every address that the pages ask, in one place. The storefront passes /api/NAME/REST to service NAME as /REST.
import type { Filters } from '../state/filters';
import { ask, get, post, type Answer } from './http';
import type { Card, DeadLetter, ImportReport, Notice, Order, OrderStep, Page, Role, User, Vehicle, VehicleStats } from './types';

const vehicles = '/api/vehicles/vehicles';
const orders = '/api/orders/orders';
const auth = '/api/auth';
const notifications = '/api/notifications';

export const perPage = 24;

export function listVehicles(filters: Filters, signal?: AbortSignal): Promise<Page<Vehicle>> {
  const { q, brand, stock, sort, page } = filters;
  return get(
    vehicles,
    {
      q: q.trim(),
      brand,
      stock,
      price_min: filters.priceMin,
      price_max: filters.priceMax,
      year_min: filters.yearMin,
      year_max: filters.yearMax,
      sort: sort === '' ? '-created_at' : sort,
      page,
      per_page: perPage,
    },
    signal,
  );
}

export const vehicleStats = (signal?: AbortSignal): Promise<VehicleStats> => get(`${vehicles}/stats`, {}, signal);
export const oneVehicle = (id: string, signal?: AbortSignal): Promise<Answer<Vehicle>> =>
  ask('GET', `${vehicles}/${id}`, signal ? { signal } : {});

export type VehicleWish = Pick<Vehicle, 'name' | 'brand' | 'model' | 'year' | 'description'> & {
  /** Decimal text or a number: what the service takes as an exact decimal. */
  price: number;
  reference?: string;
};

export const addVehicle = (wish: VehicleWish): Promise<Vehicle> => post(vehicles, wish);
export async function changeVehicle(id: number, wish: VehicleWish, etag: string): Promise<Vehicle> {
  return (await ask<Vehicle>('PUT', `${vehicles}/${id}`, { json: wish, headers: { 'If-Match': etag } })).body;
}
export async function removeVehicle(id: number): Promise<void> {
  await ask('DELETE', `${vehicles}/${id}`);
}
export const stockOf = (dealer: string, page: number, signal?: AbortSignal): Promise<Page<Vehicle>> =>
  get(vehicles, { dealer, page, per_page: 50, sort: '-updated_at' }, signal);
export const myStockFile = `${vehicles}/export.csv?dealer=me`;
export async function importVehicles(type: string, body: string | Blob): Promise<ImportReport> {
  return (await ask<ImportReport>('POST', `${vehicles}/import`, { text: { type, body }, timeoutMs: 120_000 })).body;
}

export const me = async (): Promise<User> => (await ask<User>('GET', `${auth}/me`)).body;
export async function logIn(email: string, password: string): Promise<User> {
  const json = { email, password, session: 'cookie' };
  return (await ask<{ user: User }>('POST', `${auth}/login`, { json, renews: 'never' })).body.user;
}
/** Says the same whether the address is new or known, so that nobody learns who has an account. */
export async function signUp(wish: { name: string; email: string; password: string; role?: 'dealer' }): Promise<void> {
  await ask('POST', `${auth}/signup`, { json: wish, renews: 'never' });
}
export async function logOut(): Promise<void> {
  await ask('POST', `${auth}/logout`, { json: {}, renews: 'never' });
}
export async function changePassword(current: string, next: string): Promise<void> {
  await ask('POST', `${auth}/password`, { json: { old_password: current, new_password: next } });
}
export const listUsers = (q: string, page: number, signal?: AbortSignal): Promise<Page<User>> =>
  get(`${auth}/users`, { q, page, per_page: 50 }, signal);
export async function setRoles(id: string, roles: Role[]): Promise<void> {
  await ask('PUT', `${auth}/users/${id}/roles`, { json: { roles } });
}

export const placeOrder = (vehicleId: number, key: string): Promise<Order> =>
  post(orders, { vehicle_id: vehicleId }, { 'Idempotency-Key': key });
export const oneOrder = (id: string, signal?: AbortSignal): Promise<Order> => get(`${orders}/${id}`, {}, signal);
export const orderEvents = (id: string): string => `${orders}/${id}/events`;
export const orderHistory = async (id: string, signal?: AbortSignal): Promise<OrderStep[]> =>
  (await get<{ items: OrderStep[] }>(`${orders}/${id}/history`, {}, signal)).items;
export const myOrders = (page: number, signal?: AbortSignal): Promise<Page<Order>> =>
  get(orders, { page, per_page: 20 }, signal);
export const mySales = (page: number, signal?: AbortSignal): Promise<Page<Order>> =>
  get(orders, { dealer: 'me', page, per_page: 20 }, signal);
export const payOrder = (id: string, card: Card, key: string): Promise<Order> =>
  post(`${orders}/${id}/payment`, { card }, { 'Idempotency-Key': key });
export const cancelOrder = (id: string): Promise<Order> => post(`${orders}/${id}/cancel`, {});
export const refundOrder = (id: string): Promise<Order> => post(`${orders}/${id}/refund`, {});

export const myNotices = (page: number, signal?: AbortSignal): Promise<Page<Notice> & { unread: number }> =>
  get(`${notifications}/notifications`, { page, per_page: 20 }, signal);
export const noticeEvents = `${notifications}/notifications/events`;
export async function markAllRead(): Promise<void> {
  await ask('POST', `${notifications}/notifications/read`, { json: {} });
}
export const deadLetters = (page: number, signal?: AbortSignal): Promise<Page<DeadLetter>> =>
  get(`${notifications}/dead-letters`, { page, per_page: 50 }, signal);
export async function replayDeadLetter(id: string): Promise<void> {
  await ask('POST', `${notifications}/dead-letters/${id}/replay`, { json: {} });
}
