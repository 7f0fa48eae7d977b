"""A real registry (Debian's docker-registry) inside a platform's network namespace, and images put into it by its HTTP API."""
import json
import os
import shutil
import tarfile
import tempfile

from slipway_platform import wait_until

CONFIG = '''version: 0.1
log: {level: error}
storage:
  filesystem: {rootdirectory: %s}
http: {addr: "%s"}
'''


class Registry:
    """`with Registry(platform) as registry:`; `address` stands before an image's name."""

    def __init__(self, platform, address='127.0.0.1:5000'):
        self.platform = platform
        self.address = address
        self.folder = tempfile.mkdtemp(prefix='registry-')

    @staticmethod
    def missing():
        return None if shutil.which('docker-registry') else 'docker-registry is not installed'

    def __enter__(self):
        config = os.path.join(self.folder, 'config.yml')
        with open(config, 'w') as f:
            f.write(CONFIG % (os.path.join(self.folder, 'data'), self.address))
        self.log = open(os.path.join(self.folder, 'log'), 'w')
        self.process = self.platform.spawn('docker-registry', 'serve', config, stdout=self.log, stderr=self.log)
        wait_until('the registry answers', lambda: self.curl('/v2/', check=False).returncode == 0)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
        shutil.rmtree(self.folder)

    def curl(self, path, *words, check=True):
        return self.platform.run('curl', '-sS', '--fail-with-body', *words,
                                 path if path.startswith('http') else 'http://%s%s' % (self.address, path), check=check)

    def upload(self, name, digest, path):
        head = self.curl('/v2/%s/blobs/uploads/' % name, '-X', 'POST', '-D', '-', '-o', '/dev/null').stdout
        place = next(line.split(' ', 1)[1].strip() for line in head.splitlines() if line.lower().startswith('location:'))
        self.curl(place + ('&' if '?' in place else '?') + 'digest=' + digest, '-X', 'PUT', '--data-binary', '@' + path,
                  '-H', 'Content-Type: application/octet-stream')

    def push(self, archive, name, tag):
        """The one image of an OCI archive, as `address/name:tag`."""
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(archive) as tar:
                tar.extractall(folder)

            def blob(digest):
                return os.path.join(folder, 'blobs', *digest.split(':'))
            with open(os.path.join(folder, 'index.json')) as f:
                entry = json.load(f)['manifests'][0]
            with open(blob(entry['digest'])) as f:
                manifest = json.load(f)
            for part in [manifest['config'], *manifest['layers']]:
                self.upload(name, part['digest'], blob(part['digest']))
            self.curl('/v2/%s/manifests/%s' % (name, tag), '-X', 'PUT', '--data-binary', '@' + blob(entry['digest']), '-H',
                      'Content-Type: ' + entry['mediaType'])
        return '%s/%s:%s' % (self.address, name, tag)
