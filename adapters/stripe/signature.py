"""Webhook signatures: `Stripe-Signature: t=<unix>,v1=<hex>[,v1=…][,v0=…]`, HMAC-SHA256 of `t.body`.

Our own check, since stripe-python accepts timestamps of any future. The key is the whole `whsec_…` string, not decoded.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.errors import SetupError, WebhookRefused

# Stripe's own tolerance, here in both directions: a clock may also run ahead.
TOLERANCE = 300

_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A signing secret of an endpoint, and whose events are signed with it."""

    tenant: str
    key: bytes = field(repr=False)


class Signed(NamedTuple):
    """What a good signature tells: when it was made (Unix seconds), with which of the secrets, whose that is."""

    at: int
    number: int
    tenant: str


def parse_secrets(text: str, *, default_tenant: str) -> tuple[SigningSecret, ...]:
    """Secrets from `whsec_…, tenant=whsec_…`; during a rotation both stand there. Raises SetupError."""
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        tenant, separator, secret = entry.rpartition("=")
        if not separator:
            tenant = default_tenant
        if not _TENANT.fullmatch(tenant) or not secret or not secret.isascii() or not secret.isprintable():
            raise SetupError("a webhook secret is written `whsec_…` or `tenant=whsec_…`, several with commas between")
        found.append(SigningSecret(tenant, secret.encode()))
    return tuple(found)


def verify(
    body: bytes, header: bytes, secrets: Sequence[SigningSecret], *, now: float, tolerance: int | None = TOLERANCE
) -> Signed:
    """What the signature of these very bytes tells. `now` in Unix seconds; `tolerance` None for bytes of our own log.

    Every v1 signature is tried with every secret, in constant time each; other schemes are ignored. Raises
    WebhookRefused with code `no_signature`, `bad_signature`, `too_old` or `in_future`.
    """
    stamp = b""
    signatures = []
    for item in header.split(b","):
        name, _, value = item.partition(b"=")
        if name == b"v1":
            signatures.append(value)
        elif name == b"t" and not stamp:
            stamp = value
    # bytes.isdigit knows ASCII digits only; a longer number is no time.
    if not stamp.isdigit() or len(stamp) > 12:
        raise WebhookRefused("no_signature", "The Stripe-Signature header has no timestamp: `t=<seconds>,v1=<hex>`.")
    if not signatures:
        raise WebhookRefused("no_signature", "The Stripe-Signature header has no signature of scheme v1.")
    number = _signer(b"%b.%b" % (stamp, body), signatures, secrets)
    if number is None:
        raise WebhookRefused("bad_signature", "No signature fits the body: it was altered, or the secret is another.")
    at = int(stamp)
    if tolerance is not None:
        age = now - at
        if age > tolerance:
            raise WebhookRefused("too_old", f"The signature is {age:.0f} s old; {tolerance} s are allowed.")
        if -age > tolerance:
            raise WebhookRefused(
                "in_future", f"The signature is {-age:.0f} s in the future; {tolerance} s are allowed."
            )
    return Signed(at, number, secrets[number].tenant)


def sign(body: bytes, secret: SigningSecret, *, now: int) -> bytes:
    """The header Stripe would send, for demonstrations, tests and measurements."""
    stamp = b"%d" % now
    return b"t=%b,v1=%b" % (stamp, _mac(secret.key, b"%b.%b" % (stamp, body)))


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256").hex().encode()


def _signer(message: bytes, signatures: Sequence[bytes], secrets: Sequence[SigningSecret]) -> int | None:
    for number, secret in enumerate(secrets):
        expected = _mac(secret.key, message)
        for given in signatures:
            if hmac.compare_digest(given, expected):
                return number
    return None
