"""The services as processes that die: each is killed at random or at a named fault site, and started again.

One steward thread alone starts and kills. Stores are SQLite files, or a private PostgreSQL and Redis, which die too.
"""
import collections
import glob
import os
import pwd
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from slipway_services import ServiceDied, Services, start_mortal  # noqa: E402

NAMES = ['auth', 'vehicles', 'payments', 'notifications', 'orders']
SETTINGS = {
    'orders': {'ORDER_TTL': '4s', 'LEASE': '1s'},
    'payments': {'LEASE': '1s', 'GATEWAY_TIMEOUT': '300ms', 'SANDBOX_DELAY': '300ms'},
    'notifications': {'LEASE': '1s', 'TRY_AGAIN': '200ms', 'ATTEMPTS': '50', 'WEBHOOK_TYPES': 'order.*'},
    'auth': {'SIGNUP_RATE': '1000', 'ADDRESS_RATE': '10000', 'LOGIN_RATE': '1000', 'ACCESS_TTL': '1h',
             'PASSWORD_MEMORY_KIB': '1024'},
    'vehicles': {},
}


def free_base_port(count=20):
    """The first of some ports in a row that nobody has at this moment."""
    for base in range(21000, 30000, count):
        try:
            for port in range(base, base + count):
                with socket.socket() as one:
                    one.bind(('127.0.0.1', port))
            return base
        except OSError:
            continue
    raise SystemExit('no free ports')


class Missing(Exception):
    """What these runs need and this machine does not have."""


class Postgres:
    """A private PostgreSQL, a database for each service, its postmaster a child of ours."""

    def __init__(self, folder, port):
        found = sorted(glob.glob('/usr/lib/postgresql/*/bin/postgres'))
        if not found:
            raise Missing('there is no PostgreSQL here (Debian package postgresql)')
        self.bin, self.port, self.process = os.path.dirname(found[-1]), port, None
        self.data = os.path.join(folder, 'postgres')
        owner = 'postgres' if any(user.pw_name == 'postgres' for user in pwd.getpwall()) else 'nobody'
        self.front = [] if os.geteuid() else ['setpriv', '--reuid=' + owner, '--regid=' + owner, '--clear-groups']
        os.makedirs(self.data)
        os.chmod(folder, 0o755)
        if self.front:
            shutil.chown(self.data, owner)
        self._run('initdb', '-D', self.data, '-U', 'tester', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N')
        self.start()
        for name in NAMES:
            self._run('psql', '-h', '127.0.0.1', '-p', str(port), '-U', 'tester', '-c', 'CREATE DATABASE ' + name, 'postgres')

    def _run(self, program, *arguments):
        subprocess.run(self.front + [os.path.join(self.bin, program), *arguments], check=True, cwd='/',
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def url(self, name):
        return 'postgres://tester@127.0.0.1:%d/%s' % (self.port, name)

    def start(self):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                # What the dead one's children still hold goes within moments.
                self.process = start_mortal(
                    [os.path.join(self.bin, 'postgres'), '-D', self.data, '-p', str(self.port), '-h', '127.0.0.1',
                     '-k', self.data, '-F', '-c', 'max_connections=60'], become=self.front, cwd='/',
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            ready = subprocess.run([os.path.join(self.bin, 'pg_isready'), '-q', '-h', '127.0.0.1', '-p', str(self.port)])
            if ready.returncode == 0 and self.process.poll() is None:
                return
            time.sleep(0.05)
        raise SystemExit('PostgreSQL does not start')

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def rows(self, name, sql):
        made = subprocess.run([os.path.join(self.bin, 'psql'), '-X', '-A', '-t', '-F', '\x1f', '-R', '\x1e', '-c', sql,
                               self.url(name)], capture_output=True, text=True, check=True).stdout.rstrip('\n')
        return [tuple(line.split('\x1f')) for line in made.split('\x1e') if line]


class Redis:
    """A private Redis that writes down what it acknowledged."""

    def __init__(self, folder, port):
        if not shutil.which('redis-server'):
            raise Missing('there is no redis-server here (Debian package redis-server)')
        self.folder, self.port, self.process = folder, port, None
        self.start()

    @property
    def url(self):
        return 'redis://127.0.0.1:%d' % self.port

    def start(self):
        self.process = start_mortal(
            ['redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--dir', self.folder, '--appendonly', 'yes',
             '--save', '', '--logfile', os.path.join(self.folder, 'redis.log')], start_new_session=True)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                with socket.create_connection(('127.0.0.1', self.port), 1) as one:
                    one.sendall(b'PING\r\n')
                    if one.recv(64).startswith(b'+PONG'):
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit('Redis does not start')

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


class World:
    """Services and stores, and the steward who kills and starts them."""

    def __init__(self, build, stores, sink_url):
        self.folder = tempfile.mkdtemp(prefix='slipway-crash-')
        port = free_base_port()
        self.postgres = Postgres(self.folder, port + 15) if stores == 'postgres' else None
        self.redis = Redis(self.folder, port + 16) if stores == 'postgres' else None
        settings = {name: dict(SETTINGS[name]) for name in NAMES}
        settings['notifications']['WEBHOOK_URL'] = sink_url
        if self.postgres:
            for name in NAMES:
                settings[name]['DATABASE_URL'] = self.postgres.url(name)
        # Killing must not wait for a breaker that was opened by the last killing.
        self.services = Services(build=build, data=os.path.join(self.folder, 'data'), base_port=port, demo=True, only=NAMES,
                                 redis=self.redis.url if self.redis else '', settings=settings)
        self.wishes = queue.Queue()  # (what, name or site) for the steward
        self.armed = {}  # service -> the site at which it will die
        self.next_sites = collections.defaultdict(collections.deque)
        self.hits = collections.Counter()  # site -> how often a service died at it
        self.again = set()  # sites that were armed a second time
        self.kills = collections.Counter()
        self.trouble = None
        self._over = threading.Event()
        self._steward = threading.Thread(target=self._steward_loop, daemon=True)

    def __enter__(self):
        try:
            self.services.start()
            self.services.fill()
        except BaseException:
            self.close()
            raise
        self._steward.start()
        return self

    def __exit__(self, kind, *_):
        self.peace()
        self.close()
        if kind is None and not self.trouble:
            shutil.rmtree(self.folder, ignore_errors=True)

    def close(self):
        self.services.stop()
        for store in (self.postgres, self.redis):
            if store:
                store.stop()

    def kill(self, name):
        self.wishes.put(('kill', name))

    def arm(self, site):
        """`orders.before_capture:2`: that service is started anew and dies at the second passage."""
        self.wishes.put(('arm', site))

    def peace(self):
        """No more killing; everything runs."""
        if self._over.is_set():
            return
        self._over.set()
        self._steward.join(60)

    def _steward_loop(self):
        try:
            while not self._over.is_set():
                try:
                    what, which = self.wishes.get(timeout=0.005)
                    self._do(what, which)
                except queue.Empty:
                    pass
                self._revive()
            self.armed.clear()
            self.next_sites.clear()
            for name in NAMES:
                self.services.kill(name)  # those that are armed must not die later
            self._revive()
        except BaseException as error:  # told by the main thread
            self.trouble = 'the steward failed: %r' % error

    def _do(self, what, which):
        if what == 'arm':
            name = which.split('.')[0]
            self.next_sites[name].append(which)
            if name not in self.armed:
                self.services.kill(name)
        elif which in ('postgres', 'redis'):
            store = getattr(self, which)
            if store:
                self.kills[which] += 1
                store.kill()
                store.start()
        else:
            self.kills[which] += 1
            site = self.armed.pop(which, None)
            if site and site not in self.again:  # it did not come to its site: once more
                self.again.add(site)
                self.next_sites[which].appendleft(site)
            self.services.kill(which)

    def _revive(self):
        dead = [name for name in NAMES if not self.services.services[name].running()]
        for name in dead:
            service = self.services.services[name]
            code, site = service.process.returncode, self.armed.pop(name, None)
            if site and code == -signal.SIGKILL:
                self.hits[site.split(':')[0]] += 1
            elif code not in (-signal.SIGKILL, 0):
                self.trouble = '%s ended with %s:\n%s' % (name, code, service.last_lines())
            following = self.next_sites[name].popleft() if self.next_sites[name] else None
            if following:
                service.environment['SLIPWAY_CRASH_AT'] = self.armed[name] = following
            else:
                service.environment.pop('SLIPWAY_CRASH_AT', None)
            self.services._launch(service)

    def rows(self, name, sql):
        """Straight from a service's database."""
        if self.postgres:
            return self.postgres.rows(name, sql)
        import sqlite3
        with sqlite3.connect(os.path.join(self.services.data, name + '.db'), timeout=10) as connection:
            return [tuple('' if cell is None else str(cell) for cell in row) for row in connection.execute(sql)]

    def wait_ready(self):
        for name in NAMES:
            try:
                self.services.wait_ready(name, 60)
            except ServiceDied as died:
                self.trouble = str(died)
