#!/usr/bin/env python3
"""What every service must hold to, tried on the running services: who may do what (rights.txt), cookies that change nothing
without their CSRF token, strict cookie flags, pages without inline code, closed CORS, limits on every input, and logs
without secrets.

    test_security.py [--write]     --write makes rights.txt anew from what is answered: to be read before it is committed
"""
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from slipway_services import Services, ask, available  # noqa: E402

BUILD = os.environ.get('SLIPWAY_BUILD', os.path.join(ROOT, 'build', 'release'))
BASE_PORT = 18580
RIGHTS = os.path.join(HERE, 'rights.txt')
ROLES = ['nobody', 'buyer', 'other', 'dealer', 'admin', 'service']
CHANGES = ('post', 'put', 'patch', 'delete')
PASSWORD = 'a quite long password'
CARD = '4242424242424242'
WITH_CARD = {'card': {'number': CARD, 'month': 12, 'year': 2030, 'cvc': '123', 'holder': 'Bea'}}
# Where an empty request is refused before it is looked whose the thing is.
BODIES = {('orders', 'post', '/orders/{id}/payment'): WITH_CARD,
          ('auth', 'put', '/users/{id}/roles'): {'roles': ['buyer']}}
ENVIRONMENT = {'LOG_LEVEL': 'debug'}
SETTINGS = {'auth': {'PASSWORD_MEMORY_KIB': '64', 'PASSWORD_PASSES': '1', 'LOGIN_RATE': '1000000', 'SIGNUP_RATE': '1000000'}}
# A stream is answered for as long as its reader stays; its rights are those of what it tells of.
STREAM = re.compile(r'(/events|/stream|/live|/ws)$')
failures = []


def expect(holds, what):
    if not holds:
        failures.append(what)
        print('FAILED:', what, flush=True)


class World:
    """The services, who may log in, and things that belong to somebody."""

    def __init__(self, services):
        self.services, self.names = services, services.names
        self.secrets = {PASSWORD, CARD, *services.secrets.values()}
        people = services.fill()
        self.tokens = {'nobody': None, 'service': services.secrets['service_token']}
        for role, email in (('buyer', 'bea@example.test'), ('other', 'otto@example.test')):
            ask(self.auth + '/signup', 'POST', {'email': email, 'password': PASSWORD, 'name': role.title()})
            self.tokens[role] = services.log_in(email, PASSWORD)
        for role in ('dealer', 'admin'):
            self.tokens[role] = services.log_in(*people[role])
        self.secrets.update(token for token in self.tokens.values() if token)
        self.made = {}
        self._make()

    @property
    def auth(self):
        return self.services.url('auth')

    def call(self, name, method, path, body=None, role='nobody', headers=None):
        given = dict(headers or {})
        if self.tokens[role]:
            given['Authorization'] = 'Bearer ' + self.tokens[role]
        return ask(self.services.url(name) + path, method, body, given)

    def _make(self):
        """What rights are tried on: `buyer` owns the order and its payment, `dealer` the vehicle."""
        self.made['auth'] = self._id(self.call('auth', 'GET', '/me', role='other'))
        if 'vehicles' in self.names:
            vehicle = {'name': 'Seven', 'brand': 'Caterham', 'model': '420', 'year': 2024, 'price': 42000, 'description': 'fast'}
            self.made['vehicles'] = self._id(self.call('vehicles', 'POST', '/vehicles', vehicle, 'dealer'))
        if 'orders' in self.names and self.made.get('vehicles'):
            answer = self.call('orders', 'POST', '/orders', {'vehicle_id': self.made['vehicles']}, 'buyer',
                               {'Idempotency-Key': str(uuid.uuid4())})
            self.made['orders'] = self._id(answer)
        if 'payments' in self.names:
            me = json.loads(self.call('auth', 'GET', '/me', role='buyer')[2])['id']
            payment = {'order_id': str(uuid.uuid4()), 'user_id': me, 'amount': 10, 'currency': 'EUR', **WITH_CARD}
            self.made['payments'] = self._id(self.call('payments', 'POST', '/payments', payment, 'service',
                                                       {'Idempotency-Key': str(uuid.uuid4())}))

        if 'documents' in self.names:
            self.made['documents'] = self._id(self.call('documents', 'POST', '/data', {'some': 'thing'}, 'buyer'))
        if 'notifications' in self.names:
            self.made['notifications'] = self._notification()

    def _notification(self):
        """The buyer's welcome, which comes when auth's event has come."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            items = json.loads(self.call('notifications', 'GET', '/notifications', role='buyer')[2]).get('items')
            if items:
                return items[0]['id']
            time.sleep(0.05)
        expect(False, 'the buyer is told of the sign-up')
        return str(uuid.uuid4())

    @staticmethod
    def _id(answer):
        status, _, body = answer
        expect(200 <= status < 300, 'a thing to try rights on could not be made: %d %s' % (status, body[:300]))
        return json.loads(body).get('id') if 200 <= status < 300 else str(uuid.uuid4())

    def document(self, name):
        return json.loads(ask(self.services.url(name) + '/openapi.json')[2])

    def operations(self, name):
        """(method, pattern, path with what exists in place of {id}, operation)."""
        for pattern, item in sorted(self.document(name)['paths'].items()):
            for method, operation in sorted(item.items()):
                path = pattern.replace('{id}', str(self.made.get(name, uuid.uuid4())))
                yield method, pattern, re.sub(r'\{[^}]+\}', lambda _: str(uuid.UUID(int=7)), path), operation


def class_of(status):
    """401 and 403 refuse; 404 hides or has nothing; `in`: whoever asks is let in, whatever comes of an empty request."""
    return str(status) if status in (401, 403, 404) else '5xx' if status >= 500 else 'in'


def rights(world, write):
    """Each route of each service for each role stands in rights.txt."""
    wanted = {}
    with open(RIGHTS) as table:
        for line in table:
            words = line.split('#')[0].split()
            if words:
                wanted[tuple(words[:3])] = words[3:]
    found = {}
    # What removes things comes last, so that it cannot hide them from what follows.
    work = [(name, *one) for name in world.names for one in world.operations(name)]
    for name, method, pattern, path, _ in sorted(work, key=lambda one: one[1] == 'delete'):
        if STREAM.search(pattern) and method == 'get':
            continue
        row = []
        for role in ROLES:
            body = BODIES.get((name, method, pattern), {}) if method in CHANGES and method != 'delete' else None
            answer = world.call(name, method.upper(), path, body, role)
            row.append(class_of(answer[0]))
        found[(name, method.upper(), pattern)] = row
    if write:
        return write_rights({**{key: row for key, row in wanted.items() if key[0] not in world.names}, **found})
    for key, row in found.items():
        expect(key in wanted, 'no rights are written down for %s %s %s: %s' % (*key, ' '.join(row)))
        expect(key not in wanted or wanted[key] == row,
               'rights of %s %s %s: %s, written down: %s' % (*key, ' '.join(row), ' '.join(wanted.get(key, []))))
    for key in wanted:
        expect(key[0] not in world.names or key in found, 'rights.txt has a route that is no more: %s %s %s' % key)


def write_rights(found):
    with open(RIGHTS, 'w') as table:
        table.write('# Who may do what: the class of the answer to an empty request of each role, checked by test_security.py.\n'
                    '# in: let in (also 400, 409, 422 ... for what was asked); 401: log in first; 403: not with this login; 404: not\n'
                    '# there or not for you. {id} is: in auth the user `other`; in vehicles the dealer\'s; in orders,\n'
                    '# payments, documents and notifications buyer\'s.\n')
        table.write('# %-12s %-7s %-46s %s\n' % ('service', 'method', 'path', ' '.join('%-7s' % role for role in ROLES)))
        for key in sorted(found):
            table.write('%-14s %-7s %-46s %s\n' % (*key, ' '.join('%-7s' % one for one in found[key])))


def cookies_of(world):
    """A page's session: its cookies, its CSRF token and the Set-Cookie lines."""
    connection = ask(world.auth + '/signup', 'POST', {'email': 'page@example.test', 'password': PASSWORD})
    expect(connection[0] == 202, 'a page can sign up')
    raw = raw_request(world.services.services['auth'].port, 'POST /login HTTP/1.1', json.dumps(
        {'email': 'page@example.test', 'password': PASSWORD, 'session': 'cookie'}), ['X-Forwarded-Proto: https'])
    lines = re.findall(r'(?im)^set-cookie: (.*?)\r?$', raw)
    values = dict(line.split(';')[0].split('=', 1) for line in lines)
    world.secrets.update(value for value in values.values() if len(value) > 20)
    return values, lines


def raw_request(port, first_line, body='', headers=()):
    """The whole answer as text; '' when the connection was closed without one."""
    with socket.create_connection(('127.0.0.1', port), timeout=20) as link:
        head = [first_line, 'Host: 127.0.0.1:%d' % port, 'Connection: close', 'Content-Length: %d' % len(body), *headers]
        if body:
            head.append('Content-Type: application/json')
        try:
            link.sendall(('\r\n'.join(head) + '\r\n\r\n' + body).encode())
        except OSError:
            pass  # refused while it was still being sent
        answer = b''
        try:
            while piece := link.recv(65536):
                answer += piece
        except OSError:
            pass
        return answer.decode(errors='replace')


def status_of(raw):
    found = re.match(r'HTTP/1\.1 (\d+)', raw)
    return int(found.group(1)) if found else 0


def cookie_flags(lines):
    expect({line.split('=')[0] for line in lines} == {'access', 'refresh', 'csrf'}, 'log-in sets three cookies: %r' % lines)
    for line in lines:
        name = line.split('=')[0]
        expect('SameSite=Strict' in line and 'Secure' in line, 'cookie %s is strict and, by https, secure' % name)
        expect(('HttpOnly' in line) == (name != 'csrf'), 'cookie %s: scripts see the CSRF token and nothing else' % name)
        if name == 'refresh':
            expect('Path=/api/auth' in line, 'the refresh token goes to auth alone')


def csrf(world, values):
    """Everything that a login may change, with a page's cookies: refused without the CSRF token, or from elsewhere."""
    cookie = {'Cookie': '; '.join('%s=%s' % one for one in values.items())}
    token = {'X-CSRF-Token': values['csrf']}
    tried = 0
    for name in world.names:
        for method, pattern, path, operation in world.operations(name):
            if method not in CHANGES or {'cookie': []} not in operation.get('security', []) or {} in operation['security']:
                continue
            tried += 1
            for why, headers in (('without a token', {}), ('with another token', {'X-CSRF-Token': 'guess'}),
                                 ('from another site', {**token, 'Sec-Fetch-Site': 'cross-site'}),
                                 ('from another origin', {**token, 'Origin': 'http://evil.example'})):
                body = {} if method != 'delete' else None
                status, _, text = ask(world.services.url(name) + path, method.upper(), body, {**cookie, **headers})
                expect(status == 403, '%s %s %s by cookie %s is refused, not %d %s' % (name, method, pattern, why, status, text[:200]))
    expect(tried >= 5, 'there are changes to try CSRF on (%d)' % tried)
    status = ask(world.auth + '/password', 'POST', {}, {**cookie, **token})[0]
    expect(status == 422, 'with its CSRF token a page is let in (%d)' % status)


def pages(world):
    """Whatever is HTML has a policy without inline code, and keeps to it."""
    found = 0
    for name in world.names:
        paths = ['/', '/docs', '/no-such-page'] + [path for method, _, path, _ in world.operations(name) if method == 'get']
        for path in dict.fromkeys(paths):
            if STREAM.search(path):
                continue
            status, headers, body = ask(world.services.url(name) + path, headers={'Accept': 'text/html'})
            fields = {key.lower(): value for key, value in headers.items()}
            expect(fields.get('x-content-type-options') == 'nosniff', '%s %s: types are not guessed' % (name, path))
            if not fields.get('content-type', '').startswith('text/html'):
                continue
            found += 1
            where, text = '%s %s (%d)' % (name, path, status), body.decode(errors='replace')
            policy = fields.get('content-security-policy', '')
            scripts = re.search(r'script-src([^;]*)', policy) or re.search(r'default-src([^;]*)', policy)
            expect(scripts is not None, '%s has a policy for its content' % where)
            expect("'unsafe" not in (scripts.group(1) if scripts else ''), '%s: no inline scripts' % where)
            expect("'unsafe-inline'" not in policy or path == '/docs', '%s: no inline styles' % where)
            expect("frame-ancestors 'none'" in policy, '%s: nobody frames it' % where)
            expect(not re.search(r'<script(?![^>]*\bsrc=)', text), '%s has no inline script' % where)
            expect(not re.search(r'<[a-z][^>]*\son[a-z]+\s*=', text), '%s has no inline handler' % where)
    expect(found > 0, 'there are pages')


def cors(world):
    for name in world.names:
        for method in ('GET', 'OPTIONS'):
            headers = {'Origin': 'http://evil.example', 'Access-Control-Request-Method': 'POST'}
            answer = ask(world.services.url(name) + '/health', method, headers=headers)[1]
            expect(not any(key.lower().startswith('access-control-allow') for key in answer), '%s is closed to other origins' % name)


def limits(world):
    """Too much of anything is refused, and the service goes on."""
    deep = '{"a":' * 2000 + '1' + '}' * 2000
    for name in world.names:
        port = world.services.services[name].port
        big = status_of(raw_request(port, 'POST /login HTTP/1.1', 'x' * (12 * 1024 * 1024)))
        expect(big in (413, 404, 405, 0), '%s: a body of 12 MB gets %d' % (name, big))
        head = status_of(raw_request(port, 'GET /health HTTP/1.1', headers=['X-Filler: ' + 'x' * 200_000]))
        expect(head in (431, 400, 0), '%s: a header of 200 kB gets %d' % (name, head))
        line = status_of(raw_request(port, 'GET /health?q=%s HTTP/1.1' % ('x' * 200_000)))
        expect(line in (431, 414, 400, 0), '%s: an address of 200 kB gets %d' % (name, line))
        for method, pattern, path, operation in world.operations(name):
            role = 'service' if method in CHANGES and 'service' in operation.get('description', '') else 'admin'
            if method in CHANGES and 'application/json' in operation.get('requestBody', {}).get('content', {}):
                for body in (deep, '[' * 100_000, '"' + 'x' * 70_000 + '"', '{"a":1e999999}', '\x00'):
                    headers = {'Content-Type': 'application/json'}
                    status = world.call(name, method.upper(), path, body, role, headers)[0]
                    expect(400 <= status < 500, '%s %s %s: a broken body gets %d' % (name, method, pattern, status))
            for kind in operation.get('requestBody', {}).get('content', {}):
                for body in ('', '0'):
                    status = world.call(name, method.upper(), path, body, role, {'Content-Type': kind})[0]
                    expect(status < 500, '%s %s %s: a body of %d bytes of %s gets %d' % (name, method, pattern, len(body), kind, status))
            for parameter in operation.get('parameters', []):
                if parameter['in'] != 'query' or method != 'get' or STREAM.search(pattern):
                    continue
                if parameter['name'] in ('per_page', 'limit'):
                    status = world.call(name, 'GET', path + '?%s=1000000' % parameter['name'], role=role)[0]
                    expect(status in (400, 422, 403, 404), '%s %s: a page of a million gets %d' % (name, pattern, status))
                for value in ('x' * 20_000, '%00', "'%20OR%201=1--", '%ff', '-1', '9' * 30):
                    status = world.call(name, 'GET', '%s?%s=%s' % (path, parameter['name'], value), role=role)[0]
                    expect(status < 500, '%s %s?%s=%.20s gets %d' % (name, pattern, parameter['name'], value, status))
        expect(ask(world.services.url(name) + '/health')[0] == 200, '%s goes on' % name)


def errors(world):
    """What goes wrong is a problem, and says nothing of the inside."""
    for name in world.names:
        if name == 'insights':
            continue  # all that it has not is its page, which finds its way itself
        path = '/api/none/of/these' if name == 'storefront' else '/no/such/thing'
        status, headers, _ = ask(world.services.url(name) + path, headers={'Accept': 'application/json'})
        expect(status == 404 and headers.get('Content-Type', '').startswith('application/problem+json'),
               '%s: a 404 is a problem (%d %s)' % (name, status, headers.get('Content-Type')))
        expect(not any(key.lower() == 'server' for key in headers), '%s does not say what serves it' % name)


def secrets_in_logs(world):
    for name in world.names:
        with open(world.services.services[name].log, errors='replace') as log:
            text = log.read()
        for secret in world.secrets:
            expect(secret not in text, '%s writes a secret to its log: %s...' % (name, secret[:6]))
        expect('BEGIN PRIVATE KEY' not in text, '%s writes a key to its log' % name)


def stored_secrets(world):
    """The database holds neither passwords nor tokens as they are."""
    for file in os.listdir(world.services.data):
        if '.db' not in file:
            continue
        with open(os.path.join(world.services.data, file), 'rb') as stored:
            content = stored.read()
        for secret in world.secrets:
            expect(secret.encode() not in content or secret == world.csrf, '%s holds a secret as it is: %s...' % (file, secret[:6]))
        expect(b'BEGIN PRIVATE KEY' not in content, '%s holds a key as it is' % file)


def main():
    if 'auth' not in available(BUILD):
        print('skipped: auth is not built in', BUILD)
        return 77
    folder = tempfile.mkdtemp(prefix='slipway-security-')
    with Services(build=BUILD, data=folder, base_port=BASE_PORT, demo=True, environment=ENVIRONMENT, settings=SETTINGS) as services:
        world = World(services)
        values, lines = cookies_of(world)
        world.csrf = values.get('csrf')
        cookie_flags(lines)
        for part in (csrf, pages, cors, errors, limits):
            part(*((world, values) if part is csrf else (world,)))
            print(part.__name__, 'done', flush=True)
        rights(world, '--write' in sys.argv)
        print('rights done', flush=True)
        died = services.died()
        expect(not died, 'no service ended: %s' % died)
    secrets_in_logs(world)
    stored_secrets(world)
    print('security: %d services, %d failures' % (len(world.names), len(failures)))
    if failures:
        print('logs are in', folder)
        return 1
    shutil.rmtree(folder)
    return 0


sys.exit(main())
