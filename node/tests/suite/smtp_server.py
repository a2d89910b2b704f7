"""A real mail server for tests: aiosmtpd on loopback, each mail as one line of JSON on standard output.

Arguments: the port; then, for a server that wants STARTTLS and a login, certificate, key and the password of the user
custody; then, for TLS from the first byte, the word tls. Who a mail is for says what becomes of it: never@ is refused for good; login@ is to log in first; what is for later@ is refused the first
time; mails from nobody@ are not taken. A refused mail is written, too, when its text was sent.
"""

import email
import email.policy
import json
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Handler:
    def __init__(self):
        self.seen = set()

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "553 5.7.1 not from you"
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("never@"):
            return "550 5.1.1 no such user"
        if address.startswith("login@"):
            return "530 5.7.0 log in first"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        address = envelope.rcpt_tos[0]
        is_late = address.startswith("later@") and address not in self.seen
        self.seen.add(address)
        answer = "451 4.3.0 come again" if is_late else "250 taken"
        text = envelope.content.decode("utf-8")
        mail = email.message_from_string(text, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        print(
            json.dumps(
                {
                    "to": envelope.rcpt_tos,
                    "from": envelope.mail_from,
                    "text": text,
                    "id": mail["Message-ID"],
                    "subject": mail["Subject"],
                    "parts": parts,
                    "is_logged_in": session.authenticated is True,
                    "is_encrypted": session.ssl is not None,
                    "answer": answer,
                }
            ),
            flush=True,
        )
        return answer


def options(certificate=None, key=None, password=None, encryption=None):
    if certificate is None:
        return {}
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def authenticator(server, session, envelope, mechanism, login):
        is_right = login.login == b"custody" and login.password == password.encode()
        return AuthResult(success=is_right, handled=False)

    if encryption == "tls":
        # The server does not know of the TLS around it.
        login = {"auth_required": True, "auth_require_tls": False, "authenticator": authenticator}
        return {"ssl_context": context, **login}
    return {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": authenticator,
    }


controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]), **options(*sys.argv[2:]))
controller.start()
print(json.dumps({"listening": True}), flush=True)
sys.stdin.read()
controller.stop()
time.sleep(0)
