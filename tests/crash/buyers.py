"""What buyers do in one run, all of it drawn from the run's seed: they order, pay, pay again, cancel, give back, or go.

A buyer repeats a request whose answer did not come, as a page does: with the same Idempotency-Key."""
import json
import random
import threading
import time

from slipway_services import ask

CARDS = {'success': '4242424242424242', 'funds': '4000000000009995', 'stolen': '4000000000009979',
         'later': '4000000000000077', 'later_no': '4000000000000341', 'silent': '4000000000000119',
         'lost': '4000000000000127'}
BEHAVIOURS = ['buy', 'buy', 'buy', 'buy', 'pay_again', 'refund', 'cancel', 'cancel_paying', 'leave']
PATIENCE_S = 20


class Order:
    """What the buyer knows of an order at the end."""

    def __init__(self, seed, number, key):
        self.seed, self.number, self.key = seed, number, key
        self.id = None
        self.refused = False
        self.seen = []  # states, in order
        self.log = []


class Buyer(threading.Thread):
    def __init__(self, world, seed, number, rng, vehicle, token):
        super().__init__(daemon=True)
        self.world, self.vehicle = world, vehicle
        self.behaviour = rng.choice(BEHAVIOURS)
        self.card = rng.choice(['success', 'success', 'success', 'later', 'silent', 'funds', 'stolen', 'later_no', 'lost'])
        self.pause = rng.random() * 0.3
        self.order = Order(seed, number, 'run-%d-%d' % (seed, number))
        self.headers = {'Authorization': 'Bearer ' + token}
        self.url = world.services.url('orders') + '/orders'

    def _ask(self, path, method='GET', body=None, key=None):
        """Until there is an answer that means something, or patience is over: then (0, {})."""
        headers = dict(self.headers, **({'Idempotency-Key': key} if key else {}))
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                status, given, text = ask(self.url + path, method, body, headers, timeout=8)
            except OSError as error:
                self.order.log.append('%s %s: %s' % (method, path, error))
                time.sleep(0.05)
                continue
            self.order.log.append('%s %s: %d %s' % (method, path, status, text[:160]))
            later = status in (500, 502, 503, 504) or (status == 409 and 'Retry-After' in given)
            if not later:
                return status, json.loads(text) if text else {}
            time.sleep(0.1)
        return 0, {}

    def _see(self, answer):
        if answer.get('state') and (not self.order.seen or self.order.seen[-1] != answer['state']):
            self.order.seen.append(answer['state'])

    def _pay(self, card, key):
        body = {'card': {'number': CARDS[card], 'month': 12, 'year': 2035, 'cvc': '123', 'holder': 'A Buyer'}}
        status, answer = self._ask('/%s/payment' % self.order.id, 'POST', body, self.order.key + key)
        if status == 202:
            self._see(answer)
        return status

    def _follow(self, states, seconds):
        """Asks until the order is in one of `states`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status, answer = self._ask('/' + self.order.id)
            if status == 200:
                self._see(answer)
                if answer['state'] in states:
                    return answer['state']
            time.sleep(0.1)
        return None

    def run(self):
        time.sleep(self.pause)
        status, answer = self._ask('', 'POST', {'vehicle_id': self.vehicle}, self.order.key)
        if status in (404, 409):
            self.order.refused = True
            return
        if status != 201:
            return
        self.order.id = answer['id']
        self._see(answer)
        getattr(self, '_' + self.behaviour)()

    def _buy(self):
        self._pay(self.card, 'a')

    def _leave(self):
        pass

    def _cancel(self):
        self._ask('/%s/cancel' % self.order.id, 'POST', {})

    def _cancel_paying(self):
        payer = threading.Thread(target=self._pay, args=(self.card, 'a'), daemon=True)
        payer.start()
        time.sleep(self.pause / 3)
        self._cancel()
        payer.join(PATIENCE_S)

    def _pay_again(self):
        self._pay('funds', 'a')
        if self._follow(('declined', 'expired'), 3) == 'declined':
            self._pay('success', 'b')

    def _refund(self):
        self._pay('success', 'a')
        if self._follow(('confirmed', 'expired', 'declined'), 6) == 'confirmed':
            self._ask('/%s/refund' % self.order.id, 'POST', {})


def plan(seed):
    """Everything that chance decides in a run, so that the seed replays it."""
    rng = random.Random(seed)
    return rng, rng.randint(3, 5), rng.randint(4, 6)
