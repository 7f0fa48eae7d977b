"""The services of the automotive platform as plain processes on 127.0.0.1: each with an embedded database, no container.

    with Services(build='build/release', data='/tmp/x') as services:
        services.url('orders'); services.kill('orders'); services.start('orders')

`make services` runs it through tools/services; end-to-end and crash tests import it. What was killed is started again
only when told: nothing restarts by itself.
"""
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..'))
# In the order in which they are started; their ports follow each other (docs/guide/services.md).
PORTS = {'storefront': 0, 'vehicles': 1, 'auth': 2, 'orders': 3, 'payments': 4, 'notifications': 5, 'hello': 6,
         'documents': 7, 'insights': 8}
NAMES = ['auth', 'vehicles', 'payments', 'notifications', 'orders', 'hello', 'documents', 'insights', 'storefront']
WITHOUT_DATABASE = ('storefront', 'insights')
DRAIN_LIMIT_S = 30


# The kernel tells a child of the end of the thread that started it, not of the process; this one lives as long as we do.
_starter = ThreadPoolExecutor(1)


def start_mortal(command, become=(), **options):
    """A child that is killed when we end, however we do: nothing that a killed test started runs on. `become`: the words
    in front that make it another user's, for that forgets whose child it is."""
    return _starter.submit(subprocess.Popen, [*become, 'setpriv', '--pdeathsig', 'KILL', *command], **options).result()


class ServiceDied(Exception):
    """A service ended by itself; the message holds its last lines."""


class Stopped(BaseException):
    """A signal says that it is enough."""


class Service:
    """One process, its log file and its address."""

    def __init__(self, name, command, environment, port, log):
        self.name, self.command, self.environment, self.port, self.log = name, command, environment, port, log
        self.process = None

    @property
    def url(self):
        return 'http://127.0.0.1:%d' % self.port

    def running(self):
        return self.process is not None and self.process.poll() is None

    def last_lines(self, count=15):
        try:
            with open(self.log, errors='replace') as f:
                return ''.join(f.readlines()[-count:])
        except OSError:
            return ''


def available(build):
    """The services that are built, in starting order."""
    return [name for name in NAMES if os.access(os.path.join(ROOT, build, name), os.X_OK)]


def ask(url, method='GET', body=None, headers=None, timeout=10):
    """One request without a proxy: (status, headers, bytes). A connection that fails raises OSError."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        given = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            given.setdefault('Content-Type', 'application/json')
        connection.request(method, parts.path + ('?' + parts.query if parts.query else ''), body, given)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError('%s: %r' % (url, error)) from error
    finally:
        connection.close()


class Services:
    def __init__(self, build='build/release', data='build/services', base_port=8080, redis='', demo=False, only=None,
                 environment=None, settings=None):
        """`settings`: {'orders': {'ORDER_TTL': '5s'}}, over all that is set here; `environment`: for every service."""
        self.build = os.path.join(ROOT, build)
        self.data = os.path.realpath(os.path.join(ROOT, data))
        self.base_port, self.redis, self.demo = base_port, redis, demo
        self.names = [name for name in NAMES if name in (only or available(self.build))]
        self.common, self.settings = dict(environment or {}), settings or {}
        os.makedirs(os.path.join(self.data, 'logs'), exist_ok=True)
        os.chmod(self.data, 0o700)
        self.secrets = self._secrets()
        self.services = {name: self._service(name) for name in self.names}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def url(self, name):
        return 'http://127.0.0.1:%d' % (self.base_port + PORTS[name])

    def start(self, name=None):
        """Starts one that does not run, or all; returns when each says that it is ready."""
        if not self.names:
            raise SystemExit('no service is built in %s' % self.build)
        wanted = [name] if name else self.names
        for one in wanted:
            self._launch(self.services[one])
        try:
            for one in wanted:
                self.wait_ready(one)
        except BaseException:
            if name is None:
                self.stop()
            raise

    def stop(self, name=None):
        """SIGTERM: each finishes what it does. All go at the same time, but who asks others goes before them."""
        wanted = [name] if name else self.names[::-1]
        for one in wanted:
            if self.services[one].running():
                self.services[one].process.terminate()
        until = time.monotonic() + DRAIN_LIMIT_S
        codes = {}
        for one in wanted:
            service = self.services[one]
            if service.process is None:
                continue
            try:
                codes[one] = service.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                service.process.kill()
                codes[one] = service.process.wait()
        return codes

    def kill(self, name):
        """SIGKILL, as a crash."""
        process = self.services[name].process
        if process is not None:
            process.kill()
            process.wait()

    def restart(self, name):
        self.stop(name)
        self.start(name)

    def died(self):
        """Names of the services that were started and do not run."""
        return [name for name in self.names if self.services[name].process and not self.services[name].running()]

    def wait_ready(self, name, seconds=30):
        service, until, said = self.services[name], time.monotonic() + seconds, 'nothing'
        while time.monotonic() < until:
            if not service.running():
                raise ServiceDied('%s ended with %s; its last lines (%s):\n%s' % (
                    name, service.process.returncode, service.log, service.last_lines()))
            try:
                status, _, body = ask(service.url + '/ready', timeout=2)
                if status == 200:
                    return
                said = body.decode(errors='replace').strip()
            except OSError as error:
                said = str(error)
            time.sleep(0.02)
        raise ServiceDied('%s was not ready in %d s, it said: %s\n%s' % (name, seconds, said, service.last_lines()))

    def fill(self):
        """An admin, a dealer and a dealer's vehicle to look at; what is there already stays. Returns who may log in."""
        people = {'admin': ('admin@example.test', self.secrets['admin_password']),
                  'dealer': ('dealer@example.test', self.secrets['dealer_password'])}
        if 'auth' not in self.names:
            return {}
        auth = self.url('auth')
        email, password = people['dealer']
        ask(auth + '/signup', 'POST', {'email': email, 'password': password, 'name': 'Dana Dealer', 'role': 'dealer'})
        token = self.log_in(*people['admin'])
        bearer = {'Authorization': 'Bearer ' + token}
        found = json.loads(ask(auth + '/users?q=' + urllib.parse.quote(email), headers=bearer)[2])
        for user in found.get('items', []):
            if user['email'] == email and 'dealer' not in user['roles']:
                ask('%s/users/%s/roles' % (auth, user['id']), 'PUT', {'roles': ['buyer', 'dealer']}, bearer)
        if 'vehicles' in self.names:
            self._stock_dealer(people['dealer'])
        return people

    def _stock_dealer(self, dealer):
        """Two vehicles of the dealer's own, once."""
        bearer = {'Authorization': 'Bearer ' + self.log_in(*dealer)}
        me = json.loads(ask(self.url('auth') + '/me', headers=bearer)[2])
        vehicles = self.url('vehicles') + '/vehicles'
        if json.loads(ask(vehicles + '?dealer=' + me['id'])[2])['items']:
            return
        for name, brand, model, year, price in (('Estate, one owner', 'Volvo', 'V60', 2021, 27450),
                                                ('Small electric', 'Renault', 'Zoe', 2020, 13900)):
            ask(vehicles, 'POST', {'name': name, 'brand': brand, 'model': model, 'year': year, 'price': price,
                                   'description': 'Offered by Dana Dealer.'}, bearer)

    def log_in(self, email, password):
        status, _, body = ask(self.url('auth') + '/login', 'POST', {'email': email, 'password': password})
        if status != 200:
            raise ServiceDied('auth does not let %s in: %d %s' % (email, status, body.decode(errors='replace')))
        return json.loads(body)['access_token']

    def _secrets(self):
        """Random, made once, readable by the owner alone."""
        path = os.path.join(self.data, 'secrets.json')
        try:
            with open(path) as f:
                kept = json.load(f)
        except OSError:
            kept = {}
        made = {key: kept.get(key) or secrets.token_urlsafe(length) for key, length in (
            ('service_token', 36), ('webhook_secret', 36), ('key_secret', 36), ('admin_password', 12), ('dealer_password', 12))}
        if made != kept:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as f:
                json.dump(made, f, indent=1)
        for key in ('service_token', 'webhook_secret', 'key_secret', 'admin_password'):
            with open(os.open(os.path.join(self.data, key), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as f:
                f.write(made[key])
        return made

    def _service(self, name):
        def secret(key):
            return os.path.join(self.data, key)
        environment = {
            'PATH': os.environ.get('PATH', ''), 'ADDRESS': '127.0.0.1', 'PORT': str(self.base_port + PORTS[name]),
            'REDIS_URL': self.redis, 'SERVICE_TOKEN_FILE': secret('service_token'), 'WEBHOOK_SECRET_FILE': secret('webhook_secret'),
            'DOCS_PAGES': os.path.join(ROOT, 'build', 'web', 'docs'),
            **{other.upper() + '_URL': self.url(other) for other in self.names}}
        if 'auth' in self.names:
            environment['JWKS_URL'] = self.url('auth') + '/.well-known/jwks.json'
        if name not in WITHOUT_DATABASE:
            environment['DATABASE_URL'] = 'sqlite:' + os.path.join(self.data, name + '.db')
        if name == 'auth':
            environment.update(KEY_SECRET_FILE=secret('key_secret'), PUBLIC_PATH='/api/auth/', TRUST_FORWARDED='true')
            if self.demo:
                environment.update(ADMIN_EMAIL='admin@example.test', ADMIN_PASSWORD_FILE=secret('admin_password'))
        if name == 'vehicles' and self.demo:
            environment['SAMPLE_DATA'] = 'true'
        if name == 'storefront':
            environment['PAGES'] = os.path.join(ROOT, 'build', 'web', 'storefront')
        if name == 'insights':
            environment['PAGES'] = os.path.join(ROOT, 'build', 'web', 'insights')
        environment.update(self.common)
        environment.update(self.settings.get(name, {}))
        return Service(name, [os.path.join(self.build, name)], environment, self.base_port + PORTS[name],
                       os.path.join(self.data, 'logs', name + '.log'))

    def _launch(self, service):
        if service.running():
            return
        with open(service.log, 'ab') as log:
            # A group of its own: Ctrl-C is for us, who tells each to drain.
            service.process = start_mortal(service.command, env=service.environment, cwd=self.data, stdout=log,
                                           stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)


TRY_IT = {
    'storefront': '/ in a browser: the whole shop', 'vehicles': '/ page, /vehicles JSON, /docs', 'auth': '/docs, POST /login',
    'orders': '/docs, GET /orders/stats', 'payments': '/docs, sandbox cards there', 'notifications': '/docs',
    'hello': '/, /api/visitors, /api/data', 'documents': '/, POST /data', 'insights': '/ in a browser: charts'}


def table(services):
    rows = [(name, services.url(name), TRY_IT[name]) for name in sorted(services.names, key=PORTS.get)]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return '\n'.join('  %-*s  %-*s  %s' % (widths[0], name, widths[1], url, words) for name, url, words in rows)


def serve(services, demo, as_json):
    """Starts all, tells where they are, and waits for a signal or for one that dies. The exit code."""
    def told_to_stop(*_):
        raise Stopped()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, told_to_stop)
    begin, code = time.monotonic(), 0
    try:
        services.start()
        people = services.fill() if demo else {}
        if as_json:
            print(json.dumps({'services': {name: services.url(name) for name in services.names}, 'data': services.data,
                              'people': {role: {'email': who[0], 'password': who[1]} for role, who in people.items()},
                              'pids': {name: services.services[name].process.pid for name in services.names}}), flush=True)
        else:
            print('%d services run (%.1f s); their data, logs and secrets are in %s\n%s' % (
                len(services.names), time.monotonic() - begin, services.data, table(services)))
            for role, (email, password) in people.items():
                print('  %s: %s, password %s' % (role, email, password))
            print('Ctrl-C stops them.', flush=True)
        while True:
            time.sleep(0.5)
            dead = services.died()
            if dead:
                for name in dead:
                    service = services.services[name]
                    print('%s ended with %d; the end of %s:\n%s' % (name, service.process.returncode, service.log,
                                                                    service.last_lines()), flush=True)
                code = 1
                break
    except Stopped:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    finally:
        codes = services.stop()
    bad = {name: value for name, value in codes.items() if value != 0}
    if bad and not code:
        print('ended badly: %s' % bad, flush=True)
    return code or (1 if bad else 0)


def sources():
    """The services that this checkout can build."""
    with open(os.path.join(ROOT, 'services', 'CMakeLists.txt')) as f:
        declared = re.findall(r'^slipway_service\((\w+)', f.read(), re.M)
    return [name for name in NAMES if name in declared]
