# A mail server for tests: takes mails on a free port and writes one line of JSON for each to standard output.
# smtp_sink.py [FAILURES [SECONDS]]: the first FAILURES mails are answered 451; those to "nobody@..." 550, always; each
# takes SECONDS to be taken.
import asyncio, email, email.policy, json, sys
from aiosmtpd.smtp import SMTP


class Sink:
    def __init__(self, failures):
        self.failures = failures

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'):
            return '550 there is nobody of that name'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        if self.failures > 0:
            self.failures -= 1
            return '451 try again later'
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        await asyncio.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 0)
        print(json.dumps({'id': mail['Message-ID'], 'to': envelope.rcpt_tos, 'from': mail['From'],
                          'subject': str(mail['Subject']), 'text': parts.get('text/plain', ''),
                          'html': parts.get('text/html', ''), 'defects': len(mail.defects)}), flush=True)
        return '250 taken'


async def serve():
    sink = Sink(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink), '127.0.0.1', 0)
    print(json.dumps({'message': 'listening', 'port': server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(serve())
