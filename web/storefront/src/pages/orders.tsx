// Lists of orders: a buyer's own, and a dealer's sales.
import type { JSX } from 'preact';
import { formats } from '@shared/format';
import type { PageProps } from '../app';
import { myOrders, mySales } from '../api/services';
import type { Order, Page } from '../api/types';
import { StateBadge } from '../parts/badges';
import { Pager } from '../parts/pager';
import { EmptyState, Loading, ProblemNote } from '../parts/states';
import { useTitle } from '../parts/title';
import { useLoad, type Loaded } from '../state/load';

const pageOf = (search: string): number => Math.max(1, Number(new URLSearchParams(search).get('page')) || 1);

export function Orders({ search }: PageProps): JSX.Element {
  useTitle('My orders');
  const page = pageOf(search);
  const list = useLoad(`orders ${page}`, (signal) => myOrders(page, signal));
  return (
    <div class="stack">
      <h1>My orders</h1>
      <OrderList list={list} path="/orders" empty={{ title: 'No orders yet', text: 'What you reserve or buy appears here.' }} />
    </div>
  );
}

export function Sales({ search }: PageProps): JSX.Element {
  useTitle('Sales');
  const page = pageOf(search);
  const list = useLoad(`sales ${page}`, (signal) => mySales(page, signal));
  return (
    <div class="stack">
      <DealerHead title="Sales" />
      <OrderList list={list} path="/dealer/sales" empty={{ title: 'No sales yet', text: 'Orders of your vehicles appear here.' }} />
    </div>
  );
}

export function DealerHead({ title }: { title: string }): JSX.Element {
  return (
    <header class="row apart">
      <h1>{title}</h1>
      <nav class="tabs" aria-label="Dealer">
        <Tab href="/dealer" title="Stock" now={title === 'My stock'} />
        <Tab href="/dealer/sales" title="Sales" now={title === 'Sales'} />
        <Tab href="/dealer/import" title="Import" now={title === 'Import vehicles'} />
      </nav>
    </header>
  );
}

function Tab({ href, title, now }: { href: string; title: string; now: boolean }): JSX.Element {
  return (
    <a href={href} aria-current={now ? 'page' : undefined}>
      {title}
    </a>
  );
}

interface OrderListProps {
  list: Loaded<Page<Order>>;
  path: string;
  empty: { title: string; text: string };
}

function OrderList({ list, path, empty }: OrderListProps): JSX.Element {
  const { data, problem, again } = list;
  if (!data) return problem ? <ProblemNote problem={problem} again={again} /> : <Loading />;
  if (data.items.length === 0) {
    return (
      <EmptyState level={2} title={empty.title} text={empty.text}>
        <a class="button" href="/">
          See all vehicles
        </a>
      </EmptyState>
    );
  }
  return (
    <>
      {problem && <ProblemNote problem={problem} again={again} />}
      <ul class="order-list">
        {data.items.map((order) => (
          <li key={order.id} class="order-row">
            <div>
              <a class="cover" href={`/orders/${order.id}`}>
                {order.vehicle}
              </a>
              <p class="small quiet number">
                {formats.dateTime(order.created_at)}
                {order.email !== undefined && path !== '/orders' ? ` · ${order.email}` : ''}
              </p>
            </div>
            <StateBadge state={order.state} />
            <span class="amount">{formats.money(order.amount, order.currency)}</span>
          </li>
        ))}
      </ul>
      <Pager page={data.page} pages={data.pages} address={(page) => `${path}?page=${page}`} />
    </>
  );
}
