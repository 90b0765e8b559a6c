"""Every setting, in one frozen model. The environment (and `.env`) is read here and nowhere else.

Names are `VAULTRA_<FIELD>`, nested with two underscores: `VAULTRA_SANDBOX__TIMEOUT=60`. `.env.example` lists them
all and a test compares the two.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.backends import BackendName
from sandbox.engine import Runtime
from schemas.errors import SetupError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelServer(_Section):
    """An OpenAI-compatible server. Empty `base_url` means none is configured."""

    base_url: str = Field(default="", description="for example http://127.0.0.1:8000/v1 (vLLM) or Ollama's /v1")
    model: str = Field(default="", description="name of the model on that server")
    api_key: SecretStr = Field(default=SecretStr(""), description="sent as a bearer token when set")
    timeout: float = Field(default=60.0, gt=0, description="seconds for one answer")
    concurrency: int = Field(default=2, ge=1, description="calls under way at once")
    price_input: Decimal | None = Field(default=None, description="money per million input tokens")
    price_output: Decimal | None = Field(default=None, description="money per million output tokens")

    @property
    def configured(self) -> bool:
        return bool(self.base_url and self.model)


class Critic(_Section):
    """What programs are held to before they run."""

    policy: Path | None = Field(default=None, description="file to use in place of adapters/critic/policy.toml")
    opinion: bool = Field(default=False, description="also record what the code model thinks; it decides nothing")


class Sandbox(_Section):
    """Limits of one run of untrusted code."""

    backend: BackendName = Field(default="bubblewrap", description="what the walls are made of; none stands in for it")
    warm: int = Field(default=2, ge=0, le=16, description="boxes kept ready, each used once; 45 MiB of memory each")
    docker_url: str = Field(default="unix:///var/run/docker.sock", description="the engine of backend docker, a socket")
    docker_runtime: Runtime = Field(
        default="runsc", description="runsc is gVisor; runc lets programs talk to the host's kernel"
    )
    cpus: float = Field(default=2.0, gt=0, description="CPU cores")
    memory: int = Field(default=2 * 1024**3, ge=64 * 1024**2, description="bytes, swap included")
    timeout: float = Field(default=120.0, gt=0, description="seconds of wall time")
    allow_degraded: bool = Field(
        default=False, description="run without cgroups (memory watchdog only); never for other people's code"
    )


class Blobs(_Section):
    """A bucket for pictures and artefacts. Without `url` they lie in a directory under data_dir."""

    url: str = Field(default="", description="s3://bucket or s3://bucket/prefix; empty keeps blobs in data_dir")
    endpoint: str = Field(default="", description="for example http://minio:9000; empty means AWS")
    region: str = Field(default="us-east-1", description="region of the bucket")
    access_key_id: SecretStr = Field(
        default=SecretStr(""), description="empty looks for credentials as AWS's own clients do"
    )
    secret_access_key: SecretStr = Field(default=SecretStr(""), description="goes with the key id")


class Stripe(_Section):
    """What Stripe is allowed to tell us, and what we may ask of it."""

    webhook_secrets: SecretStr = Field(
        default=SecretStr(""), description="whsec_… of /v1/webhooks/stripe; several: commas; of a tenant: acme=whsec_…"
    )
    connect_webhook_secrets: SecretStr = Field(
        default=SecretStr(""), description="the same for /v1/webhooks/stripe/connect"
    )
    api_key: SecretStr = Field(default=SecretStr(""), description="sk_… or rk_…: imports, thin events, connecting")
    client_id: str = Field(default="", description="ca_… of your platform: connecting accounts through OAuth")
    redirect_url: str = Field(default="", description="where Stripe sends people back; this server's own when empty")
    api_base: str = Field(default="", description="another address of the API, for tests; Stripe's when empty")
    connect_base: str = Field(default="", description="another address of OAuth, for tests; Stripe's when empty")


class Kafka(_Section):
    """The cluster that holds the log when the runtime is kafka."""

    bootstrap_servers: str = Field(default="127.0.0.1:9092", description="host:port, several with commas")
    prefix: str = Field(default="vaultra.", description="begins every topic's and consumer group's name")
    replication: int = Field(default=1, ge=1, description="copies of every partition: 3 on three brokers or more")
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="how brokers are talked to"
    )
    tls_ca: str = Field(default="", description="PEM file of the brokers' authority; the machine's when empty")
    tls_certificate: str = Field(default="", description="PEM file of this client's certificate")
    tls_key: str = Field(default="", description="PEM file of its key")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="how the login is proved"
    )
    sasl_username: str = Field(default="", description="login at the brokers")
    sasl_password: SecretStr = Field(default=SecretStr(""), description="its password")
    patience: float = Field(default=30.0, ge=0, description="seconds to wait at start for brokers that do not answer")
    session_timeout: float = Field(
        default=45.0, ge=1, description="seconds of silence after which a worker is replaced"
    )
    rebalance_timeout: float = Field(
        default=180.0, ge=4, description="seconds others wait for a handler before its work is given back"
    )
    retry_delay: float = Field(default=60.0, gt=0, description="seconds until a delivery that was put off comes back")
    long_retry_delay: float = Field(default=600.0, gt=0, description="the same from its second time on")
    worker: Literal["faust", "aiokafka"] = Field(default="faust", description="what fetches for the stages")
    instance: str = Field(
        default="", description="unique name of this process, kept over restarts: its partitions wait for it"
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="VAULTRA_", env_nested_delimiter="__", env_file=".env", frozen=True, extra="ignore"
    )

    runtime: Literal["embedded", "kafka"] = Field(default="embedded", description="where the log lives")
    data_dir: Path = Field(default=Path(".vaultra"), description="embedded database, blobs, sandbox root")
    database_url: SecretStr = Field(
        default=SecretStr(""), description="postgresql://…; empty starts the embedded PostgreSQL in data_dir"
    )
    blobs: Blobs = Field(default=Blobs(), description="where pictures and artefacts lie")
    host: str = Field(default="127.0.0.1", description="address of the API; not loopback needs API keys")
    port: int = Field(default=8321, ge=0, le=65535, description="port of the API; 0 takes a free one")
    url: str = Field(default="", description="running instance that `analyze` talks to; empty starts one of its own")
    api_key: SecretStr = Field(default=SecretStr(""), description="key for that instance")
    log_format: Literal["auto", "console", "json"] = Field(default="auto", description="auto: console on a terminal")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level shown")
    sentry_dsn: SecretStr = Field(default=SecretStr(""), description="errors go to Sentry when set")
    otlp_endpoint: str = Field(default="", description="OpenTelemetry collector (HTTP); empty exports no traces")
    halt_after: int = Field(default=20, ge=1, description="dead letters in a row that halt a stage")
    stop_grace: float = Field(default=10.0, gt=0, description="seconds to finish what is under way when told to stop")
    ocr_threads: int = Field(default=2, ge=1, description="threads of the text reader")
    planner: ModelServer = Field(default=ModelServer(), description="language model that plans; embeddings when empty")
    code: ModelServer = Field(default=ModelServer(), description="language model that writes free-form code")
    vision: ModelServer = Field(default=ModelServer(), description="vision model; RapidOCR when empty")
    stripe: Stripe = Field(default=Stripe(), description="webhooks, connected accounts, imports")
    kafka: Kafka = Field(default=Kafka(), description="the cluster of the kafka runtime")
    critic: Critic = Field(default=Critic(), description="what programs are held to before they run")
    sandbox: Sandbox = Field(default=Sandbox(), description="limits of code that runs")


def load(overrides: Mapping[str, Any]) -> Settings:
    """The settings of this process. Raises SetupError for a value that does not fit and for a name that is none.

    Other programs' variables in `.env` are left alone; a `VAULTRA_…` that is no setting is a slip of the pen.
    """
    known = set(names(Settings))
    for name in {**dotenv_values(".env"), **os.environ}:
        if name.startswith("VAULTRA_") and name.upper() not in known:
            raise SetupError(f"{name} is no setting; .env.example lists them all")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "VAULTRA_" + "__".join(str(part).upper() for part in first["loc"])
        raise SetupError(f"setting {name}: {first['msg']}") from error


def names(model: type[BaseModel], prefix: str = "VAULTRA_") -> list[str]:
    """Names of every variable that is read; a section may also be given whole, as JSON."""
    found = []
    for field, info in model.model_fields.items():
        name = prefix + field.upper()
        found.append(name)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found += names(info.annotation, f"{name}__")
    return found
