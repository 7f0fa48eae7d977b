"""A whole platform of its own, in a network namespace without a way out: beside any other, and gone without a trace.

Used by the live tests and by the benches. Everything it makes carries one short name: the namespace, the bridge, the
cgroups, the folders under /tmp and /run.
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))


class Platform:
    def __init__(self, build=os.environ.get('SLIPWAY_BUILD', 'build/release'), images='build/images', flags=()):
        self.name = 'sl%d' % (os.getpid() % 100000)
        self.build = os.path.join(ROOT, build)
        self.images = os.path.join(ROOT, images)
        self.flags = list(flags)
        self.data = tempfile.mkdtemp(prefix=self.name + '-')
        self.run_dir = '/run/' + self.name
        self.kubeconfig = os.path.join(self.data, 'kubeconfig')
        self.cache = os.path.join(self.data, 'kubectl-cache')
        self.kubectl_binary = shutil.which('kubectl')
        self.started = False

    # Commands inside the namespace. nsenter, not `ip netns exec`: that would hide the cgroups.
    def inside(self, *command):
        return ['nsenter', '--net=/run/netns/' + self.name, *command]

    def run(self, *command, check=True, timeout=120, text=None, env=None):
        done = subprocess.run(self.inside(*command), input=text, capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, **(env or {})})
        if check and done.returncode != 0:
            raise AssertionError('%s failed with %d:\n%s%s' % (' '.join(command), done.returncode, done.stdout, done.stderr))
        return done

    def spawn(self, *command, **options):
        return subprocess.Popen(self.inside(*command), **options)

    def slipway(self, command, *words, **options):
        return self.run(os.path.join(self.build, 'slipway'), command, '--data-dir', self.data, '--run-dir', self.run_dir,
                        '--instance', self.name, *self.flags, *words, **options)

    def up(self):
        self.slipway('up', timeout=60)

    def kubectl_command(self, *words):
        return [self.kubectl_binary, '--kubeconfig', self.kubeconfig, '--cache-dir', self.cache, *words]

    def kubectl(self, *words, **options):
        return self.run(*self.kubectl_command(*words), **options)

    def get(self, *words):
        return json.loads(self.kubectl('get', *words, '-o', 'json').stdout)

    def apply(self, text):
        return self.kubectl('apply', '-f', '-', text=text)

    def load(self, *names):
        for name in names:
            self.slipway('load', os.path.join(self.images, name), timeout=120)

    def daemon_pid(self):
        with open(os.path.join(self.run_dir, 'slipway.pid')) as f:
            return int(f.read())

    def kill_daemon(self):
        """The daemon dies without a word; pods go on."""
        pid = self.daemon_pid()
        os.kill(pid, signal.SIGKILL)
        wait_until('the daemon is gone', lambda: not os.path.exists('/proc/%d' % pid) or zombie(pid))

    def __enter__(self):
        subprocess.run(['ip', 'netns', 'add', self.name], check=True)
        try:
            subprocess.run(self.inside('ip', 'link', 'set', 'lo', 'up'), check=True)
            self.up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.started = True
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            if not self.started or _[0] is not None:
                with open(os.path.join(self.data, 'slipway.log')) as f:
                    print('--- the end of the daemon\'s log:\n' + ''.join(f.readlines()[-40:]))
        with contextlib.suppress(Exception):
            self.slipway('down', check=False, timeout=90)
        subprocess.run(['ip', 'netns', 'del', self.name], check=False)
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.run_dir, ignore_errors=True)


def zombie(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0] == 'Z'
    except OSError:
        return True


def wait_until(what, holds, timeout=60, step=0.05):
    end = time.time() + timeout
    while time.time() < end:
        value = holds()
        if value:
            return value
        time.sleep(step)
    raise AssertionError('not within %d s: %s' % (timeout, what))


def can_run():
    """None, or the reason why no live platform can run here."""
    if os.geteuid() != 0:
        return 'it needs root (namespaces, mounts, packet rules)'
    for program in ('containerd', 'runc', 'nft', 'ip', 'nsenter', 'kubectl'):
        if not shutil.which(program):
            return 'there is no %s on PATH' % program
    return None


def deployment(name, image, command=None, replicas=1, port=None, probe=None, **more):
    """A Deployment as JSON text."""
    container = {'name': name, 'image': image}
    if command:
        container['command'] = command
    if port:
        container['ports'] = [{'containerPort': port}]
    if probe:
        container['readinessProbe'] = probe
    container.update(more.pop('container', {}))
    spec = {'replicas': replicas, 'selector': {'matchLabels': {'app': name}},
            'template': {'metadata': {'labels': {'app': name}}, 'spec': {'containers': [container], **more.pop('pod', {})}}}
    spec.update(more)
    return json.dumps({'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': name}, 'spec': spec})


def service(name, port, target, **spec):
    return json.dumps({'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': name},
                       'spec': {'selector': {'app': name}, 'ports': [{'port': port, 'targetPort': target}], **spec}})
