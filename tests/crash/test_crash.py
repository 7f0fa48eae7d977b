#!/usr/bin/env python3
"""Seeded crash runs: buyers order and pay while services die at random and at every fault site of an order's way.

Many runs share one set of processes; each has buyers, vehicles and killings of its own, drawn from its seed. At the end
the killing stops, everything comes to rest (within a bound), and the invariants are checked over all that was kept.

    test_crash.py --build build/dev --runs 200            embedded SQLite
    test_crash.py --runs 20 --stores postgres             a private PostgreSQL and Redis, which are killed, too
    test_crash.py --first 17 --runs 1                     one run again
"""
import argparse
import collections
import http.server
import json
import os
import queue
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from world import Missing, NAMES, ROOT, World  # noqa: E402
from slipway_services import ask, available  # noqa: E402
from buyers import Buyer, plan  # noqa: E402
from invariants import Facts, blind_to, broken  # noqa: E402

SITES = (
    ['orders.' + site for site in (
        'before_begin', 'begun', 'pay_begun', 'ask_begun', 'before_reserve', 'after_reserve', 'before_reserved',
        'after_reserved', 'before_pay_asked', 'after_pay_asked', 'before_settle', 'after_settle', 'before_authorized',
        'after_authorized', 'before_declined', 'after_declined', 'after_undecided', 'before_sell', 'after_sell', 'after_sold',
        'before_capture', 'after_capture', 'before_captured', 'after_captured', 'before_release_money', 'after_release_money',
        'after_voided', 'before_release_vehicle', 'after_release_vehicle', 'after_released', 'after_cancel_asked',
        'after_refund_asked', 'before_refund', 'after_refund', 'after_money_back', 'before_take_back', 'after_take_back',
        'after_returned', 'after_time_passed', 'after_reserve_refused')] +
    ['payments.' + site for site in (
        'before_begin', 'begun', 'step_begun', 'before_authorize', 'after_authorize', 'before_settle', 'after_settle',
        'before_capture', 'after_capture', 'before_release', 'after_release', 'before_refund', 'after_refund', 'before_save',
        'saved', 'before_webhook', 'after_webhook')] +
    ['notifications.before_send', 'notifications.after_send'])
SETTLE_S = 90


class Sink(http.server.ThreadingHTTPServer):
    """Takes notifications' webhooks and counts each event's."""
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), SinkHandler)
        self.events, self.lock = collections.Counter(), threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a sender that died

    @property
    def url(self):
        return 'http://127.0.0.1:%d/events' % self.server_address[1]


class SinkHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        with self.server.lock:
            self.server.events[json.loads(body)['id']] += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Runner:
    def __init__(self, world, tokens, admin):
        self.world, self.tokens, self.admin = world, tokens, admin
        self.known, self.refused, self.unanswered = {}, 0, []
        self.lock = threading.Lock()

    def _vehicle(self, seed, number):
        body = {'name': 'run %d' % seed, 'brand': 'Crash', 'model': 'M%d' % number, 'year': 2020, 'price': 100 + number}
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                status, _, text = ask(self.world.services.url('vehicles') + '/vehicles', 'POST', body,
                                      {'Authorization': 'Bearer ' + self.admin})
                if status == 201:
                    return json.loads(text)['id']
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError('no vehicle can be added')

    def run(self, seed):
        """One run: its buyers, and what dies meanwhile."""
        rng, cars, buyers = plan(seed)
        vehicles = [self._vehicle(seed, number) for number in range(cars)]
        crowd = [Buyer(self.world, seed, number, rng, rng.choice(vehicles), rng.choice(self.tokens))
                 for number in range(buyers)]
        targets = NAMES + (['postgres', 'redis'] if self.world.postgres else [])
        kills = sorted((rng.random() * 0.8, rng.choice(targets)) for _ in range(rng.randint(0, 2)))
        self.world.arm('%s:%d' % (SITES[seed % len(SITES)], 1 + seed // len(SITES) % 2))
        for buyer in crowd:
            buyer.start()
        begin = time.monotonic()
        for when, name in kills:
            time.sleep(max(0.0, begin + when - time.monotonic()))
            self.world.kill(name)
        for buyer in crowd:
            buyer.join(120)
        with self.lock:
            for buyer in crowd:
                if buyer.order.id:
                    self.known[buyer.order.id] = buyer.order
                elif buyer.order.refused:
                    self.refused += 1
                else:
                    self.unanswered.append(buyer.order)


def accounts(world, count):
    services, tokens = world.services, []
    for number in range(count):
        who = ('buyer%d@example.test' % number, 'a-long-password-%d' % number)
        ask(services.url('auth') + '/signup', 'POST', {'email': who[0], 'password': who[1], 'name': 'Buyer %d' % number})
        tokens.append(services.log_in(*who))
    return tokens, services.log_in('admin@example.test', services.secrets['admin_password'])


def run_all(runner, seeds, lanes):
    work = queue.Queue()
    for seed in seeds:
        work.put(seed)

    def lane():
        while not runner.world.trouble:
            try:
                runner.run(work.get_nowait())
            except queue.Empty:
                return
            except RuntimeError as error:
                runner.world.trouble = str(error)
    threads = [threading.Thread(target=lane) for _ in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def settle(world):
    """Until nothing moves any more, or the bound is reached: what still does is found by the invariants."""
    world.wait_ready()
    until = time.monotonic() + SETTLE_S
    while not world.trouble:
        facts = Facts(world)
        moving = facts.unsettled()
        if not moving or time.monotonic() > until:
            return facts, moving
        time.sleep(0.5)
    return Facts(world), []


def report(options, world, runner, facts, moving, wrong, seconds):
    stages = collections.Counter(order['stage'] for order in facts.orders.values())
    missed = [site for site in SITES if site not in world.hits]
    print('%d runs (%s) in %.0f s: %d orders %s, %d refused, %d unanswered; killed %s; died at %d of %d fault sites, %d times; '
          '%d events, %d of them told twice under the same id' % (
              options.runs, options.stores, seconds, len(facts.orders), dict(stages), runner.refused, len(runner.unanswered),
              dict(world.kills), len(SITES) - len(missed), len(SITES), sum(world.hits.values()), len(facts.event_ids),
              sum(1 for count in world.sink.events.values() if count > 1)))
    if len(runner.unanswered) * 20 > len(facts.orders):
        print('a buyer without an answer: ' + '; '.join(runner.unanswered[0].log[-3:]))
    if missed and options.runs >= 3 * len(SITES):
        print('never died at: ' + ' '.join(missed))
    if moving:
        print('still moving after %d s: %s' % (SETTLE_S, moving[:5]))
    for seed, what in wrong[:20]:
        print('BROKEN: ' + what)
        if seed is not None:
            print('  replay: python3 %s --build %s --stores %s --first %d --runs 1' % (
                os.path.relpath(__file__, ROOT), options.build, options.stores, seed))
        for order in runner.known.values():
            if order.id and order.id in what:
                print('    ' + '\n    '.join(order.log[-12:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', default=os.environ.get('SLIPWAY_BUILD', 'build/dev'))
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--first', type=int, default=0, help='the first seed')
    parser.add_argument('--lanes', type=int, default=4, help='runs at the same time')
    parser.add_argument('--stores', choices=['sqlite', 'postgres'], default='sqlite')
    options = parser.parse_args()
    missing = [name for name in NAMES if name not in available(options.build)]
    if missing:
        print('skipped: not built in %s: %s' % (options.build, ' '.join(missing)))
        return 77
    try:
        return crash(options)
    except Missing as missing:
        print('skipped: %s' % missing)
        return 77


def crash(options):
    begin = time.monotonic()
    sink = Sink()
    with World(options.build, options.stores, sink.url) as world:
        world.sink = sink
        tokens, admin = accounts(world, 6)
        runner = Runner(world, tokens, admin)
        run_all(runner, range(options.first, options.first + options.runs), options.lanes)
        world.peace()
        facts, moving = settle(world)
        wrong = broken(facts, runner.known, sink.events)
        if moving:
            wrong.append((None, 'it did not come to rest'))
        elif not wrong:
            wrong += [(None, 'the check does not see this harm: ' + harm) for harm in blind_to(facts, runner.known, sink.events)]
        hit = sum(1 for site in SITES if site in world.hits)
        if options.runs >= 3 * len(SITES) and hit * 10 < len(SITES) * 9:
            wrong.append((None, 'only %d of %d fault sites were died at: the runs show less than they say' % (hit, len(SITES))))
        report(options, world, runner, facts, moving, wrong, time.monotonic() - begin)
        if world.trouble:
            print('TROUBLE: ' + world.trouble)
        elif wrong:
            world.trouble = 'invariants'
        if world.trouble:
            print('what was kept and logged is in ' + world.folder)
    return 1 if wrong or world.trouble else 0


if __name__ == '__main__':
    sys.exit(main())
