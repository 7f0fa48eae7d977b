"""pod_times.py KUBECONFIG ROUNDS: times one pod as a watching client sees it; prints milliseconds as JSON.

The client holds its connections open, so what is measured is the platform and not the start of a program.
"""
import base64
import http.client
import json
import re
import ssl
import sys
import tempfile
import time


def connect(kubeconfig):
    with open(kubeconfig) as f:
        text = f.read()
    def held(key):
        file = tempfile.NamedTemporaryFile(delete=False)
        file.write(base64.b64decode(re.search(key + r': (\S+)', text).group(1)))
        file.close()
        return file.name
    context = ssl._create_unverified_context()
    context.load_cert_chain(held('client-certificate-data'), held('client-key-data'))
    host = re.search(r'server: https://(\S+)', text).group(1)
    return lambda: http.client.HTTPSConnection(host, context=context, timeout=60)


PODS = '/api/v1/namespaces/default/pods'


def ask(connection, method, path, body=None):
    connection.request(method, path, json.dumps(body) if body else None, {'Content-Type': 'application/json'} if body else {})
    answer = connection.getresponse()
    return json.loads(answer.read())


def spec(name, probed):
    container = {'name': 'c', 'image': 'busybox:1.36', 'command': ['httpd', '-f', '-p', '8080']}
    if probed:
        container['readinessProbe'] = {'httpGet': {'path': '/etc/passwd', 'port': 8080}, 'periodSeconds': 1}
    else:
        # Ends at once on TERM: a pid 1 without a handler would sit out its grace.
        container['command'] = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1000 & wait $!; done']
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name},
            'spec': {'containers': [container], 'terminationGracePeriodSeconds': 1}}


def ready(pod):
    return any(c['type'] == 'Ready' and c['status'] == 'True' for c in pod.get('status', {}).get('conditions', []))


def events(connection, version):
    connection.request('GET', PODS + '?watch=true&resourceVersion=' + version)
    answer = connection.getresponse()
    while True:
        yield json.loads(answer.readline())


def one(connect, name, probed):
    control = connect()
    stream = events(connect(), ask(control, 'GET', PODS + '?limit=1')['metadata']['resourceVersion'])
    begin = time.monotonic()
    ask(control, 'POST', PODS, spec(name, probed))
    next(e for e in stream if e['object']['metadata']['name'] == name and ready(e['object']))
    up = time.monotonic() - begin
    begin = time.monotonic()
    ask(control, 'DELETE', PODS + '/' + name)
    next(e for e in stream if e['object']['metadata']['name'] == name and e['type'] == 'DELETED')
    return up * 1000, (time.monotonic() - begin) * 1000


def main():
    connection = connect(sys.argv[1])
    out = {'plain': [], 'probed': [], 'gone': []}
    for i in range(int(sys.argv[2])):
        up, gone = one(connection, 'plain-%d' % i, False)
        out['plain'].append(up)
        out['gone'].append(gone)
        time.sleep(0.3)
        out['probed'].append(one(connection, 'probed-%d' % i, True)[0])
        time.sleep(0.3)
    print(json.dumps(out))


main()
