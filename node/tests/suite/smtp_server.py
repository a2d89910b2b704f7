"""A real mail server for tests: aiosmtpd on loopback, each mail as one line of JSON on standard output."""

import json
import sys
import time

from aiosmtpd.controller import Controller


class Handler:
    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode("utf-8")
        print(json.dumps({"to": envelope.rcpt_tos, "from": envelope.mail_from, "text": text}), flush=True)
        return "250 taken"


controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print(json.dumps({"listening": True}), flush=True)
sys.stdin.read()
controller.stop()
time.sleep(0)
