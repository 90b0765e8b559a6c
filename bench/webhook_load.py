"""Signed webhooks of 3 KB, each an event of its own, against one port.

`python -m bench.webhook_load PORT CONNECTIONS SECONDS` prints JSON, as `bench.http_load` does.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

from adapters.stripe.signature import SigningSecret, sign
from bench.http_load import post_each

SECRET = SigningSecret("local", b"whsec_of_the_benchmark")
SIZE = 3072
_ID = b"evt_000000000000000000000000"


def event_template() -> bytes:
    """A charge as Stripe pretty-prints it, of 3 KB with what a merchant keeps in the metadata."""
    charge = {
        "id": "ch_3PBench0000000000",
        "object": "charge",
        "amount": 14900,
        "amount_captured": 14900,
        "amount_refunded": 0,
        "balance_transaction": "txn_3PBench0000000000",
        "billing_details": {"address": {"city": "Utrecht", "country": "NL"}, "email": "a@example.com", "name": "A"},
        "captured": True,
        "created": 1_760_000_000,
        "currency": "eur",
        "customer": "cus_Bench000000",
        "disputed": False,
        "livemode": True,
        "outcome": {"network_status": "approved_by_network", "risk_level": "normal", "risk_score": 12},
        "paid": True,
        "payment_intent": "pi_3PBench0000000000",
        "payment_method_details": {"card": {"brand": "visa", "country": "NL", "last4": "4242"}, "type": "card"},
        "refunded": False,
        "status": "succeeded",
        "metadata": {},
    }
    event = {
        "id": _ID.decode(),
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": 1_760_000_000,
        "data": {"object": charge},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": "req_Bench000000000", "idempotency_key": None},
        "type": "charge.succeeded",
    }
    lines = [f"order line {number}: a thing that was sold" for number in range(100)]
    while len(json.dumps(event, indent=2)) < SIZE - 60:
        charge["metadata"][f"line_{len(charge['metadata'])}"] = lines[len(charge["metadata"])]
    return json.dumps(event, indent=2).ljust(SIZE).encode()


def requests(port: int) -> Callable[[], bytes]:
    """Makes requests to the platform's endpoint, no two with one event id."""
    before, after = event_template().split(_ID)
    run = os.urandom(6).hex().encode()
    numbers = itertools.count()

    def make() -> bytes:
        body = b"%bevt_%b%012d%b" % (before, run, next(numbers), after)
        return b"".join(
            (
                b"POST /v1/webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port,
                b"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n",
                b"Content-Type: application/json; charset=utf-8\r\nStripe-Signature: ",
                sign(body, SECRET, now=int(time.time())),
                b"\r\nContent-Length: %d\r\n\r\n" % len(body),
                body,
            )
        )

    return make


if __name__ == "__main__":
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    print(json.dumps(asdict(post_each(port, requests(port), connections, seconds))))
