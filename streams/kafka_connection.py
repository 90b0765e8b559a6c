"""How a Kafka cluster is reached: addresses, TLS, SASL, the prefix of names; and what its errors mean here."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiokafka import errors
from aiokafka.conn import create_conn

from schemas.errors import SetupError, Unavailable

Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

# A client is told of a broker that does not answer after this long.
REQUEST_TIMEOUT_MS = 10_000
_CONNECT_TIMEOUT_MS = 5_000

# What no waiting mends: somebody has to set something right.
_REFUSALS = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
    errors.UnsupportedVersionError,
    ssl.SSLCertVerificationError,
)
KAFKA_ERRORS: tuple[type[BaseException], ...] = (
    errors.KafkaError,
    errors.ConsumerStoppedError,
    errors.IllegalOperation,
    OSError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """An address and the names on it. Topics and consumer groups of one instance share `prefix` ("prod.").

    `tls_ca` and the client's certificate are PEM files; without `tls_ca` the machine's authorities are trusted.
    """

    bootstrap_servers: str
    prefix: str = ""
    security: Security = "PLAINTEXT"
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    mechanism: Mechanism = "PLAIN"
    username: str = ""
    password: str = field(default="", repr=False)

    def topic(self, name: str) -> str:
        """What a topic of ours is called on Kafka."""
        return self.prefix + name

    def own(self, topic: str) -> str:
        """Our name of a topic on Kafka."""
        return topic.removeprefix(self.prefix)

    def group(self, name: str) -> str:
        """What a consumer group (a stage) is called on Kafka."""
        return f"{self.prefix}{name}.v1"

    def options(self) -> dict[str, Any]:
        """Arguments of any aiokafka client. Raises SetupError for certificates that cannot be used."""
        chosen: dict[str, Any] = {"bootstrap_servers": self.bootstrap_servers, "security_protocol": self.security}
        return chosen | self._access()

    def _access(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {}
        if self.security in ("SSL", "SASL_SSL"):
            chosen["ssl_context"] = self._trust()
        if self.security.startswith("SASL"):
            chosen |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return chosen

    def _trust(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.tls_ca)
            if self.tls_certificate is not None:
                context.load_cert_chain(self.tls_certificate, self.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(f"the certificates for Kafka cannot be used: {error}") from error
        return context

    async def reach(self, patience: float = 0.0) -> None:
        """Log in at one of the addresses; a broker that does not answer is tried again for `patience` seconds.

        Raises SetupError when the login or the certificate is refused, Unavailable when nobody answers. aiokafka's
        clients would say the same of both, and only in their log.
        """
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            try:
                return await self._reach_one()
            except Unavailable:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(0.3)

    async def _reach_one(self) -> None:
        failure: BaseException | None = None
        for host, port in self._addresses():
            try:
                connection = await create_conn(
                    host,
                    port,
                    security_protocol=self.security,
                    request_timeout_ms=_CONNECT_TIMEOUT_MS,
                    **self._access(),
                )
            except _REFUSALS as error:
                raise SetupError(f"Kafka at {host}:{port} refuses the connection: {_words(error)}") from error
            except KAFKA_ERRORS as error:
                failure = error
            else:
                connection.close()
                return
        reason = _words(failure) if failure is not None else "no address is given"
        if isinstance(failure, ConnectionResetError | errors.KafkaConnectionError | ssl.SSLError):
            reason += f" (does it speak {self.security} there?)"
        raise Unavailable(f"Kafka at {self.bootstrap_servers} cannot be reached: {reason}")

    def _addresses(self) -> Iterator[tuple[str, int]]:
        for address in self.bootstrap_servers.split(","):
            host, _, port = address.strip().rpartition(":")
            if not host or not port.isdecimal():
                raise SetupError(f"{address.strip()!r} is no Kafka address: host:port, several with commas")
            yield host, int(port)


@contextmanager
def reaching_kafka(what: str) -> Iterator[None]:
    """Turns aiokafka's errors into SetupError (refused) or Unavailable (the rest): `with reaching_kafka("the log")`."""
    try:
        yield
    except _REFUSALS as error:
        raise SetupError(f"Kafka refuses {what}: {_words(error)}") from error
    except KAFKA_ERRORS as error:
        raise Unavailable(f"{what} cannot be reached: {_words(error)}") from error


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
