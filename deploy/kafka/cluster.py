"""A Kafka cluster of this machine's own: brokers as child processes, in KRaft mode, on loopback.

    python -m deploy.kafka.cluster --brokers 1 --port 9092     # in the foreground, until Ctrl-C

Tests and benchmarks use `KafkaCluster`. A broker that is killed or paused keeps its port and its data.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.kafka.distribution import PROJECT, KafkaMissing, fetch, java

_LOGGING = Path(__file__).with_name("log4j2.properties")
# Starts in seconds and stays small; `make kafka` is for development, not for production.
# Compiled once and lightly: a broker that lives for minutes spends more on the second compiler than that gives back.
_JVM = (
    "-Xms128m",
    "-Xmx320m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xshare:auto",
)
_START = 90.0
_STOP = 20.0


class Broker:
    """One broker, which is a controller as well. `number` from 1; `port` is its client port."""

    def __init__(self, number: int, directory: Path, port: int, controller_port: int) -> None:
        self.number = number
        self.directory = directory
        self.port = port
        self.controller_port = controller_port
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def output(self) -> Path:
        """What the broker printed."""
        return self.directory / "broker.log"

    def launch(self, command: list[str]) -> None:
        if self.running:
            return
        with self.output.open("ab") as output:
            # The broker dies with whoever started it, also when that is killed.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command, self.directory / "server.properties"],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
            )

    def send(self, number: signal.Signals) -> None:
        """A signal: SIGKILL, SIGSTOP, SIGCONT …; harmless when the broker is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    async def ended(self, patience: float) -> None:
        """Wait until the process is gone; it is killed when it takes longer."""
        if self.process is None:
            return
        try:
            await asyncio.to_thread(self.process.wait, patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)
        self.process = None


class KafkaCluster:
    """Brokers under one directory. Use `running`, or `start` and `stop`.

    `settings` are broker properties that override the defaults; with three brokers every topic's replication factor
    defaults to 3 with two in-sync replicas. `port` is the first broker's, the others follow; None takes free ones.
    `secured` are further listeners of a single broker, by protocol, at a free port each (`secured_port`).
    """

    def __init__(
        self,
        directory: Path,
        *,
        brokers: int = 1,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        secured: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self.secured_port = dict(zip(secured, _free_ports(len(secured)), strict=True))
        self._settings = dict(settings or {})
        ports = _free_ports(2 * brokers)
        clients = ports[:brokers] if port is None else range(port, port + brokers)
        self.brokers = tuple(
            Broker(n, directory / f"broker-{n}", client, controller)
            for n, (client, controller) in enumerate(zip(clients, ports[brokers:], strict=True), 1)
        )

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        directory: Path,
        *,
        brokers: int = 1,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        secured: Sequence[str] = (),
    ) -> AsyncIterator[KafkaCluster]:
        """A cluster that is ready, stopped at the end. Raises KafkaMissing."""
        cluster = cls(directory, brokers=brokers, port=port, settings=settings, secured=secured)
        try:
            await cluster.start()
            yield cluster
        finally:
            await cluster.stop()

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    def broker(self, number: int) -> Broker:
        return self.brokers[number - 1]

    async def start(self) -> None:
        """Format what is new, start every broker and wait until all serve. Raises KafkaMissing."""
        command = [java(), "-cp", f"{await asyncio.to_thread(fetch)}/*", *_JVM]
        command.append(f"-Dlog4j2.configurationFile={_LOGGING}")
        self._command = [*command, "kafka.Kafka"]
        await self._format([*command, "kafka.tools.StorageTool"])
        for broker in self.brokers:
            broker.launch(self._command)
        await self.ready()

    async def ready(self) -> None:
        """Wait until every broker that runs is a member of the cluster and takes requests."""
        wanted = sum(broker.running for broker in self.brokers)
        try:
            async with asyncio.timeout(_START):
                while await self._members() < wanted:
                    self._check_alive()
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise KafkaMissing(f"Kafka was not ready within {_START:g} s: see {self.directory}/*/broker.log") from error

    async def kill(self, number: int) -> None:
        """kill -9, and wait until it is gone."""
        self.broker(number).send(signal.SIGKILL)
        await self.broker(number).ended(_STOP)

    async def shut_down(self, number: int) -> None:
        """An orderly stop of one broker."""
        self.broker(number).send(signal.SIGTERM)
        await self.broker(number).ended(_STOP)

    async def restart(self, number: int) -> None:
        """Start a broker that ended, on its port and data, and wait until it serves."""
        self.broker(number).launch(self._command)
        await self.ready()

    def pause(self, number: int) -> None:
        """Stop the process without ending it: connections stay, nothing answers."""
        self.broker(number).send(signal.SIGSTOP)

    def resume(self, number: int) -> None:
        self.broker(number).send(signal.SIGCONT)

    async def stop(self) -> None:
        """End every broker; nothing of the data is removed."""
        for broker in self.brokers:
            broker.send(signal.SIGCONT)
            broker.send(signal.SIGTERM)
        await asyncio.gather(*(broker.ended(_STOP) for broker in self.brokers))

    async def _members(self) -> int:
        """How many brokers the cluster counts; 0 while nobody answers."""
        if not all(_listens(broker.port) for broker in self.brokers if broker.running):
            return 0
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=2_000)
        try:
            async with asyncio.timeout(3.0):
                await admin.start()
                return len((await admin.describe_cluster())["brokers"])
        except (KafkaError, TimeoutError, OSError):
            return 0
        finally:
            with contextlib.suppress(KafkaError):
                await admin.close()

    def _check_alive(self) -> None:
        for broker in self.brokers:
            if broker.process is not None and broker.process.poll() is not None:
                tail = broker.output.read_text(errors="replace")[-2000:]
                raise KafkaMissing(f"broker {broker.number} ended with {broker.process.returncode}:\n{tail}")

    async def _format(self, command: list[str]) -> None:
        """Write each broker's properties and lay out the storage of those that have none."""
        cluster = base64.urlsafe_b64encode(uuid.uuid5(uuid.NAMESPACE_URL, str(self.directory)).bytes)
        for broker in self.brokers:
            broker.directory.mkdir(parents=True, exist_ok=True)
            properties = broker.directory / "server.properties"
            properties.write_text("".join(f"{name}={value}\n" for name, value in self._properties(broker).items()))
            if (broker.directory / "data" / "meta.properties").exists():
                continue
            # One word with its value: an id may begin with a dash.
            format_storage = [
                *command,
                "format",
                f"--cluster-id={cluster.decode().rstrip('=')}",
                f"--config={properties}",
            ]
            process = await asyncio.create_subprocess_exec(
                *format_storage, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            said, _ = await process.communicate()
            if process.returncode:
                raise KafkaMissing(f"the storage cannot be laid out: {said.decode(errors='replace')[-2000:]}")

    def _properties(self, broker: Broker) -> dict[str, str]:
        copies = min(3, len(self.brokers))
        ports = {"PLAINTEXT": broker.port, **self.secured_port}
        clients = ",".join(f"{protocol}://127.0.0.1:{port}" for protocol, port in ports.items())
        return {
            "process.roles": "broker,controller",
            "node.id": str(broker.number),
            "controller.quorum.voters": ",".join(f"{b.number}@127.0.0.1:{b.controller_port}" for b in self.brokers),
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{clients},CONTROLLER://127.0.0.1:{broker.controller_port}",
            "advertised.listeners": clients,
            "listener.security.protocol.map": ",".join(
                ["CONTROLLER:PLAINTEXT", *(f"{protocol}:{protocol}" for protocol in ports)]
            ),
            "log.dirs": str(broker.directory / "data"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": str(copies),
            "min.insync.replicas": str(max(1, copies - 1)),
            "offsets.topic.replication.factor": str(copies),
            "offsets.topic.num.partitions": "8",
            "transaction.state.log.replication.factor": str(copies),
            "transaction.state.log.min.isr": str(max(1, copies - 1)),
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": str(copies),
            "share.coordinator.state.topic.min.isr": str(max(1, copies - 1)),
            "group.initial.rebalance.delay.ms": "0",
            # A killed broker may come back once the controller has given its former self up.
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "3000" if copies == 1 else "6000",
            # Small indexes and buffers: tests make hundreds of partitions.
            "log.index.size.max.bytes": str(1024**2),
            "log.cleaner.dedupe.buffer.size": str(8 * 1024**2),
            "log.retention.ms": "-1",
            # Positions of a group that nobody runs are kept for a year, not for a week.
            "offsets.retention.minutes": str(365 * 24 * 60),
            "replica.fetch.max.bytes": str(16 * 1024**2),
            **self._settings,
        }


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


async def _run(brokers: int, port: int, directory: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    print("starting Kafka (the first time it is fetched)", flush=True)
    async with KafkaCluster.running(directory, brokers=brokers, port=port) as cluster:
        print(f"ready: VAULTRA_KAFKA__BOOTSTRAP_SERVERS={cluster.bootstrap_servers}", flush=True)
        await stop.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy.kafka.cluster", description="Kafka on this machine, until Ctrl-C.")
    parser.add_argument("--brokers", type=int, default=1, choices=(1, 3))
    parser.add_argument("--port", type=int, default=9092, help="of the first broker")
    parser.add_argument("--fetch", action="store_true", help="only fetch the jars")
    arguments = parser.parse_args()
    try:
        if arguments.fetch:
            print(os.path.relpath(fetch()))
        else:
            directory = PROJECT / ".cache" / "kafka" / f"cluster-{arguments.brokers}-{arguments.port}"
            asyncio.run(_run(arguments.brokers, arguments.port, directory))
    except KafkaMissing as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
