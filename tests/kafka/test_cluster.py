"""The cluster that tests and `make kafka` run: it comes back with its data, whatever happened to its brokers."""

from __future__ import annotations

from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.kafka.cluster import KafkaCluster


async def test_cluster_keeps_what_it_acknowledged_when_a_broker_is_killed(kafka_present: None, tmp_path: Path) -> None:
    async with KafkaCluster.running(tmp_path) as cluster:
        admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
        await admin.start()
        await admin.create_topics([NewTopic("kept", 1, 1)])
        await admin.close()
        producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap_servers, acks="all")
        await producer.start()
        await producer.send_and_wait("kept", b"value", partition=0)
        await producer.stop()

        await cluster.kill(1)
        assert not cluster.broker(1).running
        await cluster.restart(1)

        consumer = AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap_servers, auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([TopicPartition("kept", 0)])
        assert (await consumer.getone()).value == b"value"
        await consumer.stop()
