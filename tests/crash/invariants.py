"""What must hold once everything has come to rest, read straight from the databases.

No double charge, no lost order, no car sold twice, the books balance, every event is notified once a channel."""
import collections
import copy

FINAL = {'confirmed', 'expired', 'cancelled', 'refunded', 'rejected'}
STEPS = {'order.placed': 'reserved', 'order.paid': 'authorized', 'order.confirmed': 'captured', 'order.declined': 'declined'}


class Facts:
    """All that the services hold."""

    def __init__(self, world):
        self.orders = {row[0]: dict(zip(('id', 'stage', 'vehicle', 'amount', 'request', 'reason'), row)) for row in world.rows(
            'orders', 'SELECT id, stage, vehicle_id, amount, request, reason FROM orders WHERE vehicle_id > 0')}
        self.payments = collections.defaultdict(list)
        for row in world.rows('payments', "SELECT payments.id, order_id, status, step, payments.amount, payments.captured, "
                              "payments.refunded, COALESCE(state, ''), COALESCE(sandbox_charges.captured, 0), "
                              "COALESCE(sandbox_charges.refunded, 0) FROM payments LEFT JOIN sandbox_charges ON "
                              "reference = payments.id"):
            names = ('id', 'order', 'status', 'step', 'amount', 'captured', 'refunded', 'gateway', 'taken', 'given')
            self.payments[row[1]].append(dict(zip(names, row)))
        self.strangers = world.rows('payments', 'SELECT reference FROM sandbox_charges WHERE reference NOT IN '
                                    '(SELECT id FROM payments)')
        self.vehicles = {row[0]: (row[1], row[2]) for row in world.rows(
            'vehicles', "SELECT id, stock, COALESCE(order_id, '') FROM vehicles")}
        self.sums = world.rows('payments', 'SELECT COALESCE(SUM(debit), 0), COALESCE(SUM(credit), 0) FROM entries')[0]
        self.crooked = world.rows('payments', 'SELECT movement_id FROM entries GROUP BY movement_id HAVING SUM(debit) <> '
                                  'SUM(credit)')
        self.receivable = world.rows('payments', "SELECT COALESCE(SUM(debit - credit), 0) FROM entries WHERE account = "
                                     "'gateway_receivable'")[0][0]
        self.held = world.rows('payments', "SELECT COALESCE(SUM(debit - credit), 0) FROM entries WHERE account = "
                               "'customer_holds'")[0][0]
        self.events = collections.defaultdict(list)
        self.event_ids = set()
        for ident, kind, subject in world.rows('orders', 'SELECT id, type, subject FROM outbox'):
            self.events[subject[len('order/'):]].append((kind, ident))
            self.event_ids.add(ident)
        self.waiting = world.rows('orders', 'SELECT COUNT(*) FROM outbox WHERE delivered_ms IS NULL')[0][0]
        self.steps = collections.defaultdict(collections.Counter)
        for order, happening in world.rows('orders', 'SELECT order_id, happening FROM order_history'):
            self.steps[order][happening] += 1
        self.deliveries = collections.defaultdict(list)
        for event, channel, state in world.rows('notifications', 'SELECT event_id, channel, state FROM deliveries'):
            self.deliveries[event].append((channel, state))

    def unsettled(self):
        """What still moves, for who waits."""
        moving = [order['id'] for order in self.orders.values() if order['stage'] not in FINAL]
        moving += [one['id'] for some in self.payments.values() for one in some if one['step'] != 'none']
        if self.waiting != '0':
            moving.append(self.waiting + ' events in the outbox')
        moving += [event for event, some in self.deliveries.items() if any(state in ('waiting', 'sending') for _, state in some)]
        moving += ['event ' + ident for ident in self.event_ids if ident not in self.deliveries][:5]
        return moving


def broken(facts, known, sink):
    """(seed or None, what is wrong) for everything that does not hold. `known`: what buyers know, by order id."""
    wrong = []
    for order in facts.orders.values():
        buyer = known.get(order['id'])
        for what in of_order(facts, order, buyer):
            wrong.append((buyer.seed if buyer else None, 'order %s (%s): %s' % (order['id'], order['stage'], what)))
    for ident, buyer in known.items():
        if ident not in facts.orders:
            wrong.append((buyer.seed, 'order %s is lost: its buyer was told 201' % ident))
    requests = collections.Counter(order['request'] for order in facts.orders.values())
    wrong += [(None, 'two orders of one request: ' + request) for request, count in requests.items() if count > 1]
    wrong += of_vehicles(facts, known)
    wrong += [(None, what) for what in of_books(facts)]
    wrong += [(None, what) for what in of_events(facts, sink)]
    return wrong


def of_order(facts, order, buyer):
    stage, amount = order['stage'], int(order['amount'])
    if stage not in FINAL:
        yield 'it never came to its end'
    payments = facts.payments[order['id']]
    net = sum(int(one['taken']) - int(one['given']) for one in payments)
    charged = sum(1 for one in payments if int(one['taken']) > 0)
    if charged > 1:
        yield 'charged %d times' % charged
    if net != (amount if stage == 'confirmed' else 0):
        yield 'the gateway holds %d of it, the amount is %d' % (net, amount)
    for one in payments:
        if one['gateway'] in ('authorized', 'pending'):
            yield 'payment %s is left %s at the gateway' % (one['id'], one['gateway'])
        if (one['captured'], one['refunded']) != (one['taken'], one['given']):
            yield 'payment %s and the gateway disagree: %s' % (one['id'], one)
    if buyer and 'confirmed' in buyer.seen and stage not in ('confirmed', 'refunded'):
        yield 'its buyer has seen it confirmed'
    kinds = collections.Counter(kind for kind, _ in facts.events[order['id']])
    for kind, happening in STEPS.items():
        if kinds[kind] != facts.steps[order['id']][happening]:
            yield '%d events %s for %d times %s' % (kinds[kind], kind, facts.steps[order['id']][happening], happening)
    ending = 'order.' + stage
    if stage in ('expired', 'cancelled', 'refunded', 'confirmed') and kinds[ending] != 1:
        yield '%d events %s' % (kinds[ending], ending)


def of_vehicles(facts, known):
    buyers = collections.defaultdict(list)
    for order in facts.orders.values():
        if order['stage'] == 'confirmed':
            buyers[order['vehicle']].append(order['id'])
    for vehicle, (stock, holder) in facts.vehicles.items():
        bought = buyers[vehicle]
        seed = known[bought[0]].seed if bought and bought[0] in known else None
        if len(bought) > 1:
            yield seed, 'vehicle %s is sold to %s' % (vehicle, bought)
        elif bought and (stock, holder) != ('sold', bought[0]):
            yield seed, 'vehicle %s is %s for %s, and confirmed for %s' % (vehicle, stock, holder, bought[0])
        elif not bought and stock == 'sold':
            yield seed, 'vehicle %s is sold to %s, which is not confirmed' % (vehicle, holder)
        elif not bought and stock != 'available':
            yield seed, 'vehicle %s is %s for %s' % (vehicle, stock, holder)


def of_books(facts):
    if facts.sums[0] != facts.sums[1]:
        yield 'debits %s, credits %s' % facts.sums
    if facts.crooked:
        yield 'movements that do not balance: %s' % facts.crooked
    taken = sum(int(one['taken']) - int(one['given']) for some in facts.payments.values() for one in some)
    if int(facts.receivable) != taken:
        yield 'the books say that the gateway owes %s, the gateway says %d' % (facts.receivable, taken)
    if int(facts.held) != 0:
        yield 'the books hold %s that nobody set aside' % facts.held
    if facts.strangers:
        yield 'charges that no payment knows: %s' % facts.strangers


def of_events(facts, sink):
    channels = {channel for some in facts.deliveries.values() for channel, _ in some}
    for ident in facts.event_ids:
        states = dict(facts.deliveries[ident])
        if len(states) != len(facts.deliveries[ident]):
            yield 'event %s has two deliveries for one channel: %s' % (ident, facts.deliveries[ident])
        for channel in channels:
            if states.get(channel) != 'sent':
                yield 'event %s was not sent by %s: %s' % (ident, channel, states.get(channel))
        if ident not in sink:
            yield 'event %s did not arrive at the webhook' % ident
    for ident in sink:
        if ident not in facts.event_ids:
            yield 'the webhook was told of %s, which nobody wrote' % ident


def blind_to(facts, known, sink):
    """Names of the harms that `broken` does not see when they are done to these facts: there should be none."""
    sold = next((order for order in facts.orders.values() if order['stage'] == 'confirmed'), None)
    other = next((order for order in facts.orders.values() if order['stage'] == 'expired'), None)
    if not sold or not other or not known:
        return []  # too few orders to do harm to

    def charge_twice(it):
        again = dict(it.payments[sold['id']][-1], id='again', taken=sold['amount'], given='0')
        it.payments[sold['id']].append(again)

    def lose_order(it):
        del it.orders[next(iter(known))]

    def sell_twice(it):
        it.orders[other['id']].update(stage='confirmed', vehicle=sold['vehicle'])

    def leave_reserved(it):
        it.vehicles[other['vehicle']] = ('reserved', other['id'])

    def hold_money(it):
        it.payments[other['id']].append({'id': 'held', 'gateway': 'authorized', 'taken': '0', 'given': '0', 'captured': '0',
                                         'refunded': '0', 'step': 'none'})

    def upset_books(it):
        it.sums = (str(int(it.sums[0]) + 1), it.sums[1])

    def notify_twice(it):
        event = next(iter(it.event_ids))
        it.deliveries[event].append(it.deliveries[event][0])

    def notify_never(it):
        it.deliveries[next(iter(it.event_ids))] = []

    def tell_twice(it):
        it.events[sold['id']].append(('order.confirmed', 'another'))
    harms = [charge_twice, lose_order, sell_twice, leave_reserved, hold_money, upset_books, notify_twice, notify_never, tell_twice]
    blind = []
    for harm in harms:
        doctored = copy.deepcopy(facts)
        harm(doctored)
        if not broken(doctored, known, sink):
            blind.append(harm.__name__)
    return blind
