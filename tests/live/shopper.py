"""Buys vehicles through the storefront's address, as a program would: shopper.py BASE COUNT. Prints one JSON object.

Each order is reserved, paid and followed to its end; `stop-file` (third argument, optional) ends a longer run early.
"""
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

SUCCESS = {'number': '4242424242424242', 'month': 12, 'year': 2099, 'cvc': '123', 'holder': 'Live Test'}


class Refused(Exception):
    pass


class Shopper:
    def __init__(self, base):
        self.base = base
        self.token = None
        email = 'live-%s@example.com' % uuid.uuid4().hex[:12]
        password = 'correct horse %s' % uuid.uuid4().hex
        self.ask('POST', '/api/auth/signup', {'email': email, 'password': password, 'name': 'Live Test'})
        self.token = self.ask('POST', '/api/auth/login', {'email': email, 'password': password})['access_token']

    def ask(self, method, path, body=None, key=None):
        headers = {'Accept': 'application/json'}
        if body is not None:
            headers['Content-Type'] = 'application/json'
        if self.token:
            headers['Authorization'] = 'Bearer ' + self.token
        if key:
            headers['Idempotency-Key'] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Refused('%s %s: %d %s' % (method, path, error.code, error.read().decode(errors='replace')[:300])) from error
        return json.loads(text) if text else None

    def available(self):
        return self.ask('GET', '/api/vehicles/vehicles?stock=available&per_page=100')['items']

    def buy(self, vehicle):
        order = self.ask('POST', '/api/orders/orders', {'vehicle_id': vehicle}, key=str(uuid.uuid4()))
        self.ask('POST', '/api/orders/orders/%s/payment' % order['id'], {'card': SUCCESS})
        return self.follow(order['id'], 'confirmed')

    def give_back(self, order):
        self.ask('POST', '/api/orders/orders/%s/refund' % order)
        return self.follow(order, 'refunded')

    def follow(self, order, state, patience_s=30):
        end = time.monotonic() + patience_s
        while True:
            now = self.ask('GET', '/api/orders/orders/' + order)
            if now['state'] == state:
                return now
            if time.monotonic() > end:
                raise Refused('order %s is %s, not %s' % (order, now['state'], state))
            time.sleep(0.02)

    def notified(self, wanted, patience_s=20):
        end = time.monotonic() + patience_s
        while True:
            types = [one['type'] for one in self.ask('GET', '/api/notifications/notifications?per_page=100')['items']]
            if set(wanted) <= set(types) or time.monotonic() > end:
                return types
            time.sleep(0.1)


def main():
    base, count = sys.argv[1], int(sys.argv[2])
    stop = sys.argv[3] if len(sys.argv) > 3 else None
    shopper = Shopper(base)
    done, failures = 0, []
    while done < count and not (stop and os.path.exists(stop)):
        try:
            vehicle = shopper.available()[done % 3]['id']
            shopper.give_back(shopper.buy(vehicle)['id'])
            done += 1
        except (Refused, OSError) as error:
            failures.append(str(error))
            if len(failures) > 5:
                break
    print(json.dumps({'orders': done, 'failures': failures, 'types': shopper.notified(['order.confirmed', 'order.refunded'])}))


if __name__ == '__main__':
    main()
