"""Reaching a cluster: logins and certificates on a broker that demands them, and what is said when it is not right."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.kafka.cluster import KafkaCluster
from schemas.errors import SetupError, Unavailable
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_topics import check, create, inspect
from streams.topics import Topic
from tests.contracts.log_kit import TOPICS, ids, message, read_all


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, its key beside it."""
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", "key.pem", "-out", "certificate.pem", "-days", "2", "-subj", "/CN=vaultra-test"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    return directory / "certificate.pem"


@pytest.fixture(scope="module")
async def secured(
    kafka_present: None, certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[KafkaCluster]:
    """A broker with a listener that asks for a password and one that asks for certificates, both ways."""
    pem = certificate.read_text().replace("\n", "\\n")
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="open sesame";'
    settings = {
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": login,
        "listener.name.sasl_ssl.plain.sasl.jaas.config": login,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": pem,
        "ssl.keystore.key": certificate.with_name("key.pem").read_text().replace("\n", "\\n"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": pem,
        "listener.name.ssl.ssl.client.auth": "required",
    }
    directory = tmp_path_factory.mktemp("secured")
    protocols = ("SASL_PLAINTEXT", "SSL", "SASL_SSL")
    async with KafkaCluster.running(directory, settings=settings, secured=protocols) as cluster:
        yield cluster


def connection(cluster: KafkaCluster, security: str, certificate: Path) -> KafkaConnection:
    """A connection that is right for the listener."""
    made = KafkaConnection(
        f"127.0.0.1:{cluster.secured_port[security]}",
        f"{security}.",
        security,
    )
    if security.startswith("SASL"):
        made = replace(made, mechanism="PLAIN", username="alice", password="open sesame")
    if security.endswith("SSL"):
        made = replace(made, tls_ca=certificate)
    if security == "SSL":
        made = replace(made, tls_certificate=certificate, tls_key=certificate.with_name("key.pem"))
    return made


@pytest.mark.parametrize("security", ["SASL_PLAINTEXT", "SSL", "SASL_SSL"])
async def test_log_works_when_the_broker_demands_credentials(
    secured: KafkaCluster, certificate: Path, security: str
) -> None:
    right = connection(secured, security, certificate)
    await create(right, TOPICS)
    log = await KafkaEventLog.open(right, TOPICS)
    await log.append([message("a")])
    assert ids(await read_all(log, "words")) == ["a"]
    await log.close()


async def test_reach_is_a_setup_error_when_the_password_is_wrong(secured: KafkaCluster, certificate: Path) -> None:
    wrong = replace(connection(secured, "SASL_PLAINTEXT", certificate), password="open barley")
    with pytest.raises(SetupError, match="refuses the connection") as refused:
        await KafkaEventLog.open(wrong, TOPICS, patience=60.0)
    assert "open barley" not in str(refused.value)
    assert "open barley" not in repr(wrong)


async def test_reach_is_a_setup_error_when_the_mechanism_is_not_offered(
    secured: KafkaCluster, certificate: Path
) -> None:
    wrong = replace(connection(secured, "SASL_PLAINTEXT", certificate), mechanism="SCRAM-SHA-512")
    with pytest.raises(SetupError, match="refuses the connection"):
        await wrong.reach()


async def test_reach_is_a_setup_error_when_the_certificate_is_not_trusted(
    secured: KafkaCluster, certificate: Path
) -> None:
    wrong = replace(connection(secured, "SASL_SSL", certificate), tls_ca=None)
    with pytest.raises(SetupError, match="CERTIFICATE_VERIFY_FAILED"):
        await wrong.reach()


async def test_reach_is_unavailable_when_the_listener_speaks_another_protocol(
    secured: KafkaCluster, certificate: Path
) -> None:
    wrong = replace(connection(secured, "SASL_PLAINTEXT", certificate), security="SASL_SSL")
    with pytest.raises(Unavailable, match="does it speak SASL_SSL there"):
        await wrong.reach()


async def test_options_are_a_setup_error_when_a_certificate_is_missing() -> None:
    wrong = KafkaConnection("127.0.0.1:1", security="SSL", tls_ca=Path("/absent/ca.pem"))
    with pytest.raises(SetupError, match="certificates"):
        wrong.options()


@pytest.mark.parametrize("servers", ["", "localhost", "localhost:", ":9092", "a:1,b:x"])
async def test_reach_is_a_setup_error_when_an_address_is_none(servers: str) -> None:
    with pytest.raises(SetupError, match="no Kafka address"):
        await KafkaConnection(servers).reach()


async def test_reach_is_unavailable_when_nobody_answers_in_time() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = KafkaConnection(f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable, match="cannot be reached"):
            await nobody.reach(patience=0.5)


async def test_reach_waits_when_the_broker_starts_later(kafka: KafkaCluster) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    reaching = asyncio.create_task(KafkaConnection(f"127.0.0.1:{port}").reach(patience=30.0))
    await asyncio.sleep(0)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", kafka.broker(1).port)
        to_writer.write(await reader.read(65536))
        writer.write(await to_reader.read(65536))
        await writer.drain()
        for end in (writer, to_writer):
            end.close()

    async with await asyncio.start_server(forward, "127.0.0.1", port):
        await reaching


async def test_check_names_what_is_wrong_when_topics_differ(kafka: KafkaCluster, prefix: str) -> None:
    there = KafkaConnection(kafka.bootstrap_servers, prefix)
    await create(there, [Topic("narrow", 2, ()), Topic("wide", 9, ())])
    declared = [Topic("narrow", 4, ()), Topic("wide", 4, ()), Topic("absent", 1, ())]
    with pytest.raises(SetupError) as wrong:
        await check(there, declared)
    assert "topic narrow has 2 partitions, 4 are declared" in str(wrong.value)
    assert "topic absent is missing" in str(wrong.value)
    assert "wide" not in str(wrong.value)
    with pytest.raises(SetupError, match="vaultra topics create"):
        await KafkaEventLog.open(there, declared)


async def test_create_adds_partitions_only_on_demand(kafka: KafkaCluster, prefix: str) -> None:
    there = KafkaConnection(kafka.bootstrap_servers, prefix)
    await create(there, [Topic("narrow", 2, ())])
    with pytest.raises(SetupError, match="moves keys"):
        await create(there, [Topic("narrow", 4, ())])
    assert [state.standing for state in await inspect(there, [Topic("narrow", 4, ())])] == [2]
    await create(there, [Topic("narrow", 4, ())], add_partitions=True)
    assert [state.standing for state in await inspect(there, [Topic("narrow", 4, ())])] == [4]


async def test_create_succeeds_when_several_create_at_once(kafka: KafkaCluster, prefix: str) -> None:
    there = KafkaConnection(kafka.bootstrap_servers, prefix)
    await asyncio.gather(*(create(there, TOPICS) for _ in range(4)))
    await check(there, TOPICS)


async def test_create_is_a_setup_error_when_copies_exceed_the_brokers(kafka: KafkaCluster, prefix: str) -> None:
    with pytest.raises(SetupError, match="cannot be made"):
        await create(KafkaConnection(kafka.bootstrap_servers, prefix), TOPICS, copies=3)
