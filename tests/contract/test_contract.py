#!/usr/bin/env python3
"""Every service against its own /openapi.json: requests made from the schema, good ones and broken ones, as nobody, as a
buyer and as an admin. No answer is a 5xx, each has a status, type and body that the document says.

The tester is schemathesis, pinned in requirements.txt, in an environment of its own below build/. Where it cannot be had
the test says so and is skipped (77). One seed, bounded examples, bounded time; a failure prints the curl line of it.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from slipway_services import Services, ask, available  # noqa: E402

BUILD = os.environ.get('SLIPWAY_BUILD', os.path.join(ROOT, 'build', 'release'))
VENV = os.path.join(ROOT, 'build', 'contract-venv')
CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,' \
         'response_schema_conformance'
EXAMPLES, SECONDS_ALL, SEED, WORKERS = 12, 150, 1, 2
BASE_PORT = 18480
# Limits are tested elsewhere; here they would hide everything else. Cheap hashing, so that time goes into requests.
SETTINGS = {'auth': {'LOGIN_RATE': '1000000', 'ADDRESS_RATE': '1000000', 'SIGNUP_RATE': '1000000', 'LOCK_AFTER': '1000000',
                     'PASSWORD_MEMORY_KIB': '64', 'PASSWORD_PASSES': '1'}}
# A stream that is answered as long as its reader stays is no request that ends.
STREAMS = r'(/events|/stream|/live|/ws)$'


def skip(reason):
    print('skipped:', reason)
    sys.exit(77)


def tester():
    """The program, installed once."""
    program = os.path.join(VENV, 'bin', 'st')
    wanted = os.path.join(HERE, 'requirements.txt')
    stamp = os.path.join(VENV, 'installed')
    if os.path.exists(stamp) and open(stamp).read() == open(wanted).read():
        return program
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, '-m', 'venv', VENV], capture_output=True, text=True)
    if made.returncode != 0:
        skip('no Python environment can be made: ' + made.stderr.strip()[-200:])
    got = subprocess.run([os.path.join(VENV, 'bin', 'pip'), 'install', '-q', '--retries', '1', '--timeout', '20', '-r', wanted],
                         capture_output=True, text=True)
    if got.returncode != 0:
        skip('schemathesis cannot be had here: ' + got.stderr.strip()[-300:])
    shutil.copy(wanted, stamp)
    return program


def tokens(services):
    """What each role shows. Without auth there is nobody but nobody."""
    if 'auth' not in services.names:
        return {'nobody': None}
    people = services.fill()
    auth = services.url('auth')
    buyer = {'email': 'contract@example.test', 'password': 'a buyer of contracts', 'name': 'Bea'}
    ask(auth + '/signup', 'POST', buyer)
    return {'nobody': None, 'buyer': services.log_in(buyer['email'], buyer['password']),
            'admin': services.log_in(*people['admin'])}


def headers_for(token):
    return [] if token is None else ['-H', 'Authorization: Bearer ' + token]


def check(program, url, seconds, name, role, token, folder):
    """One service as one role: (passed, text). What does not fit into the time is not tried: the summary says how much was."""
    report = os.path.join(folder, '%s-%s' % (name, role))
    command = [program, '--no-color', 'run', url + '/openapi.json', '--checks', CHECKS, '--max-examples', str(EXAMPLES), '--seed',
               str(SEED), '--max-time', str(seconds), '--no-shrink', '--continue-on-failure', '--warnings', 'off', '--phases',
               'examples,coverage,fuzzing', '--suppress-health-check', 'all', '--generation-database', 'none',
               '--request-timeout', '10', '--exclude-path-regex', STREAMS, '--output-sanitize', 'true', *headers_for(token)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=seconds + 60)
    except subprocess.TimeoutExpired as late:
        return False, 'it did not end: %s' % (late.stdout or b'')[-2000:]
    text = ran.stdout + ran.stderr
    with open(report + '.txt', 'w') as out:
        out.write(text)
    return ran.returncode == 0, text


def main():
    begin = time.monotonic()
    built = available(BUILD)
    if not built:
        skip('no service is built in ' + BUILD)
    program = tester()
    folder = tempfile.mkdtemp(prefix='slipway-contract-')
    failed = []
    only = sys.argv[1:] or None
    with Services(build=BUILD, data=folder, base_port=BASE_PORT, demo=True, settings=SETTINGS) as services:
        shown = tokens(services)
        work = [(name, role) for name in services.names for role in shown if not only or name in only]

        seconds = max(8, SECONDS_ALL * WORKERS // max(1, len(work)))

        def one(job):
            name, role = job
            return (name, role, *check(program, services.url(name), seconds, name, role, shown[role], folder))
        with ThreadPoolExecutor(WORKERS) as pool:
            for name, role, passed, text in pool.map(one, work):
                cases = re.search(r'(\d+) generated', text)
                print('%-14s as %-7s %s %s' % (name, role, 'ok' if passed else 'FAILED', cases.group(0) if cases else ''), flush=True)
                if not passed:
                    failed.append((name, role))
                    start = text.find('= FAILURES')
                    print(text[max(0, start if start >= 0 else text.find('= ERRORS')):][:12000], flush=True)
        dead = services.died()
    if dead:
        print('these services ended:', dead)
    print('contract: %d services, %d runs, %d failed, %.0f s' % (len(built), len(work), len(failed), time.monotonic() - begin))
    if not failed and not dead:
        shutil.rmtree(folder)
    else:
        print('reports and logs are in', folder)
    return 1 if failed or dead else 0


sys.exit(main())
