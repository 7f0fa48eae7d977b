#!/usr/bin/env python3
"""The services for the end-to-end test, with a real SMTP sink: starts all, prints one line of JSON, then obeys lines on
its standard input ("kill NAME", "start NAME", "restart NAME [SETTING=VALUE...]"), answering each with a line; ends with
its input.

    services.py BUILD_FOLDER DATA_FOLDER
"""
import json
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', '..', 'tools'))
from slipway_services import NAMES, PORTS, Services, available  # noqa: E402

WANTED = ['auth', 'vehicles', 'payments', 'notifications', 'orders', 'insights', 'storefront']


class Sink:
    """Keeps each mail that comes as a line of JSON in a file."""

    def __init__(self, path):
        self.path = path

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        with open(self.path, 'a') as f:
            f.write(json.dumps({'to': envelope.rcpt_tos, 'text': envelope.content.decode(errors='replace')}) + '\n')
        return '250 OK'


def start_sink(path):
    """Its port; 0 without aiosmtpd (Debian package python3-aiosmtpd)."""
    open(path, 'w').close()
    try:
        from aiosmtpd.controller import Controller
    except ImportError:
        return 0, lambda: None
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    controller = Controller(Sink(path), hostname='127.0.0.1', port=port)
    controller.start()
    return port, controller.stop


def free_base():
    """The first of as many free ports in a row as there are services."""
    for base in range(23000 + os.getpid() % 1000 * 10, 60000, 10):
        try:
            for offset in PORTS.values():
                with socket.socket() as probe:
                    probe.bind(('127.0.0.1', base + offset))
            return base
        except OSError:
            continue
    raise SystemExit('no free ports')


def obey(services, line):
    verb, name, *settings = line.split()
    if name not in NAMES:
        return 'there is no ' + name
    services.services[name].environment.update(setting.split('=', 1) for setting in settings)
    {'kill': services.kill, 'start': services.start, 'restart': services.restart}[verb](name)
    return 'done'


def main():
    build, data = sys.argv[1:3]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    missing = [name for name in WANTED if name not in available(os.path.realpath(build))]
    if missing:
        print(json.dumps({'missing': missing}), flush=True)
        return
    mails = os.path.join(data, 'mails')
    smtp, stop_sink = start_sink(mails)
    mail = {'SMTP_URL': 'smtp://127.0.0.1:%d' % smtp} if smtp else {}
    services = Services(build=os.path.realpath(build), data=data, base_port=free_base(), demo=True, only=WANTED,
                        settings={'notifications': mail, 'payments': {'SANDBOX_DELAY': '2s'}})
    try:
        with services:
            people = services.fill()
            print(json.dumps({'services': {name: services.url(name) for name in services.names}, 'mails': mails if smtp else '',
                              'people': people, 'logs': os.path.join(services.data, 'logs')}), flush=True)
            for line in sys.stdin:
                print(obey(services, line), flush=True)
            died = services.died()
            if died:
                print('these ended by themselves: ' + ' '.join(died), file=sys.stderr)
    finally:
        stop_sink()


main()
