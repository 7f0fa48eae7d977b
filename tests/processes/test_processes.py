#!/usr/bin/env python3
"""`make services` as a process: its services show their API page; told to stop it drains them and ends well; killed, it
leaves none of them behind."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from slipway_services import PORTS, ask, available  # noqa: E402

BUILD = os.path.realpath(os.environ.get('SLIPWAY_BUILD', os.path.join(ROOT, 'build', 'release')))
WANTED = ['auth', 'hello']


def free_base():
    for base in range(19500, 32000, 20):
        try:
            for offset in PORTS.values():
                with socket.socket() as one:
                    one.bind(('127.0.0.1', base + offset))
            return base
        except OSError:
            continue
    raise SystemExit('no free ports')


def runs(pid):
    """Whether it runs; what only waits to be looked at by its parent does not."""
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False


def ended(how, folder):
    """Starts the services, ends what started them by that signal; its exit code and the services that still run."""
    keeper = subprocess.Popen([os.path.join(ROOT, 'tools', 'services'), '--build', BUILD, '--data-dir', folder, '--base-port',
                               str(free_base()), '--json', *WANTED], stdout=subprocess.PIPE, text=True)
    started = json.loads(keeper.stdout.readline())
    for name in WANTED:
        assert ask(started['services'][name] + '/ready')[0] == 200, name
        page = ask(started['services'][name] + '/docs')[2].decode()
        assert ('swagger-ui' in page) == os.path.exists(os.path.join(ROOT, 'build', 'web', 'docs', 'index.html')), page
    keeper.send_signal(how)
    code = keeper.wait(40)
    until = time.monotonic() + 5
    while time.monotonic() < until and any(runs(pid) for pid in started['pids'].values()):
        time.sleep(0.02)
    left = {name: pid for name, pid in started['pids'].items() if runs(pid)}
    for pid in left.values():
        os.kill(pid, signal.SIGKILL)
    return code, left


def main():
    missing = [name for name in WANTED if name not in available(BUILD)]
    if missing:
        print('skipped: not built in %s: %s' % (BUILD, ' '.join(missing)))
        return 77
    for how, code in ((signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)):
        with tempfile.TemporaryDirectory(prefix='slipway-processes-') as folder:
            found = ended(how, folder)
            assert found == (code, {}), '%s: the exit code and what still runs: %s' % (how.name, found)
            print('%s: all ended' % how.name)
    return 0


sys.exit(main())
