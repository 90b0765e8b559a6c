"""Signatures: the published vectors, and what they do not say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.stripe.signature import SigningSecret, parse_secrets, sign, verify
from schemas.errors import SetupError, WebhookRefused

NOW = 1_700_000_000
BODY = b'{"id":"evt_1","object":"event","type":"charge.succeeded"}'
OURS = SigningSecret("local", b"whsec_ours")
# The one vector we judge more strictly than Stripe's libraries: a timestamp of the far future.
STRICTER = {"future_timestamp": False}


def _vectors() -> list[dict[str, Any]]:
    path = Path(__file__).parents[2].parent / "shared/data/stripe/signature_vectors.json"
    return json.loads(path.read_text())["vectors"] if path.is_file() else []


def _refusal(body: bytes, header: bytes, secrets: tuple[SigningSecret, ...] = (OURS,), now: float = NOW) -> str:
    with pytest.raises(WebhookRefused) as refused:
        verify(body, header, secrets, now=now)
    return refused.value.code


@pytest.mark.skipif(not _vectors(), reason="no shared sample data next to the project")
def test_signature_is_judged_as_every_published_vector_says() -> None:
    vectors = _vectors()
    assert len(vectors) == 21
    for vector in vectors:
        secret = SigningSecret("local", vector["secret"].encode())
        try:
            verify(
                vector["payload"].encode(),
                vector["header"].encode(),
                (secret,),
                now=vector["now"],
                tolerance=vector["tolerance"],
            )
        except WebhookRefused:
            valid = False
        else:
            valid = True
        assert valid == STRICTER.get(vector["name"], vector["valid"]), vector["name"]


def test_signature_is_refused_when_its_time_is_beyond_the_tolerance_either_way() -> None:
    header = sign(BODY, OURS, now=NOW)
    for now in (NOW - 300, NOW, NOW + 300):
        assert verify(BODY, header, (OURS,), now=now) == (NOW, 0, "local")
    assert _refusal(BODY, header, now=NOW + 301) == "too_old"
    assert _refusal(BODY, header, now=NOW - 301) == "in_future"


def test_signature_names_the_secret_that_made_it_when_several_are_configured() -> None:
    other = SigningSecret("acme", b"whsec_other")
    for number, signer in enumerate((OURS, other)):
        signed = verify(BODY, sign(BODY, signer, now=NOW), (OURS, other), now=NOW)
        assert signed == (NOW, number, signer.tenant)
    assert _refusal(BODY, sign(BODY, SigningSecret("eve", b"whsec_eve"), now=NOW), (OURS, other)) == "bad_signature"
    assert _refusal(BODY, sign(BODY, OURS, now=NOW), ()) == "bad_signature"


def test_signature_is_refused_when_any_byte_of_the_body_differs() -> None:
    header = sign(BODY, OURS, now=NOW)
    for place in range(len(BODY)):
        altered = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        assert _refusal(altered, header) == "bad_signature"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"", "no_signature"),
        (b"t=,v1=ab", "no_signature"),
        (b"t=+1700000000,v1=ab", "no_signature"),
        (b"t=1_700_000_000,v1=ab", "no_signature"),
        (b"t=\xc2\xb2,v1=ab", "no_signature"),
        (b"t=" + b"9" * 5000 + b",v1=ab", "no_signature"),
        (b"t=1700000000,v2=ab,=,,", "no_signature"),
        (b"t=1700000000,v1=", "bad_signature"),
        (b"t=1700000000,v1=\xff\xfe" + b",v1=x" * 200, "bad_signature"),
    ],
)
def test_header_is_refused_when_it_is_no_signature(header: bytes, code: str) -> None:
    assert _refusal(BODY, header) == code


def test_secrets_are_read_with_their_tenants() -> None:
    assert parse_secrets(" whsec_a, acme=whsec_b,, ", default_tenant="local") == (
        SigningSecret("local", b"whsec_a"),
        SigningSecret("acme", b"whsec_b"),
    )
    assert parse_secrets("", default_tenant="local") == ()
    for wrong in ("acme=", "=whsec_a", "a/b=whsec_a", "whsec_\u00e9"):
        with pytest.raises(SetupError):
            parse_secrets(wrong, default_tenant="local")


def test_secret_is_not_shown_when_it_is_printed() -> None:
    assert "whsec" not in repr(OURS)
