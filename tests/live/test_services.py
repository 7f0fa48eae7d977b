"""The automotive platform on Slipway: deploy/ as it stands, with PostgreSQL and Redis in pods, bought from through the
storefront, also while every service rolls."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from slipway_platform import Platform, ROOT, can_run, wait_until  # noqa: E402

SERVICES = ['vehicles', 'auth', 'orders', 'payments', 'notifications', 'hello', 'documents', 'insights', 'storefront']
STATEFUL = ['postgres', 'redis', 'documents']
FRONT = 'http://127.0.0.1:30000'
SHOPPER = os.path.join(ROOT, 'tests', 'live', 'shopper.py')
platform = None


def manifests(data):
    """deploy/ for this machine, with data folders of this test's own."""
    made = subprocess.run([platform.kubectl_binary, 'kustomize', os.path.join(ROOT, 'deploy/overlays/slipway')],
                          capture_output=True, text=True, check=True).stdout
    return made.replace('/var/lib/slipway-data', data)


def setUpModule():
    global platform
    platform = Platform()
    platform.__enter__()
    platform.load('busybox.tar', 'postgres.tar', 'redis.tar', 'vehicles-2.tar', *(name + '-1.tar' for name in SERVICES))
    platform.run(os.path.join(ROOT, 'tools', 'secrets'), env={'KUBECONFIG': platform.kubeconfig})
    platform.apply(manifests(os.path.join(platform.data, 'volumes')))
    for name in ['postgres', 'redis', *SERVICES]:
        platform.kubectl('rollout', 'status', 'deployment/' + name, '--timeout=120s')


def tearDownModule():
    platform.__exit__(None, None, None)


class AutomotivePlatform(unittest.TestCase):
    def setUp(self):
        wait_until('the storefront is ready',
                   lambda: platform.run('curl', '-fsS', FRONT + '/ready', check=False).returncode == 0, 30)

    def test_a_vehicle_is_bought_and_given_back(self):
        out = json.loads(platform.run(sys.executable, SHOPPER, FRONT, '3').stdout)
        self.assertEqual(out['failures'], [])
        self.assertEqual(out['orders'], 3)
        self.assertIn('order.confirmed', out['types'])
        self.assertIn('order.refunded', out['types'])

    def test_nothing_is_lost_while_every_service_rolls(self):
        stop = os.path.join(platform.data, 'stop')
        shopper = platform.spawn(sys.executable, SHOPPER, FRONT, '100000', stop, stdout=subprocess.PIPE, text=True)
        for name in SERVICES:
            if name not in STATEFUL:
                platform.kubectl('rollout', 'restart', 'deployment/' + name)
                platform.kubectl('rollout', 'status', 'deployment/' + name, '--timeout=120s')
        with open(stop, 'w'):
            pass
        out = json.loads(shopper.communicate(timeout=120)[0])
        print('%d orders bought and given back meanwhile' % out['orders'])
        self.assertEqual(out['failures'], [])
        self.assertGreater(out['orders'], 10)

    def test_pages_and_the_old_demo_answer(self):
        page = platform.run('curl', '-fsS', '-H', 'Accept: text/html', FRONT + '/').stdout
        self.assertIn('<!doctype html>', page.lower())
        address = platform.get('service', 'hello')['spec']['clusterIP']
        self.assertIn('visitors', json.loads(platform.run('curl', '-fsS', 'http://%s/api/visitors' % address).stdout))
        saved = platform.run('curl', '-fsS', '-X', 'POST', '-H', 'Content-Type: application/json', '-d',
                             '{"key": "colour", "value": "blue"}', 'http://%s/api/data' % address).stdout
        self.assertEqual(json.loads(saved)['status'], 'success')

    def test_images_are_small_and_run_without_rights(self):
        for name in SERVICES:
            size = os.path.getsize(os.path.join(platform.images, name + '-1.tar'))
            self.assertLess(size, 40 * 1000 * 1000, name)
            spec = platform.get('deployment', name)['spec']['template']['spec']
            container = spec['containers'][0]['securityContext']
            self.assertTrue(container['readOnlyRootFilesystem'] and container['capabilities'] == {'drop': ['ALL']}, name)
            self.assertTrue({**spec.get('securityContext', {}), **container}['runAsNonRoot'], name)


if __name__ == '__main__':
    reason = can_run()
    if reason:
        print('the live tests cannot run: ' + reason)
        sys.exit(77)
    unittest.main(verbosity=2)
