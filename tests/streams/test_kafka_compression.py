"""Packing and unpacking batches of records with zstd, as aiokafka has it done."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import cramjam
import pytest
import zstandard
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from streams.kafka_compression import pack, reuse_contexts, unpack

VALUE = b"total = Decimal('1')\n" * 40
_ZSTD = 4


def test_batch_of_records_comes_back_when_aiokafka_packs_and_unpacks_it() -> None:
    reuse_contexts()
    module = sys.modules[DefaultRecordBatch.__module__]
    assert (module.zstd_encode, module.zstd_decode) == (pack, unpack)
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=_ZSTD,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for offset in range(3):
        builder.append(offset, 1_790_000_000_000, b"key", VALUE, [("ce_id", b"1")])
    written = bytes(builder.build())

    assert len(written) < len(VALUE)
    batch = DefaultRecordBatch(bytearray(written))
    assert batch.compression_type == _ZSTD
    assert [(record.offset, bytes(record.value)) for record in batch] == [(offset, VALUE) for offset in range(3)]


@pytest.mark.parametrize(
    "packed",
    [
        zstandard.ZstdCompressor(write_content_size=False).compress(VALUE),
        zstandard.compress(VALUE[:100]) + zstandard.compress(VALUE[100:]),
        bytes(cramjam.zstd.compress(VALUE)),
    ],
    ids=["size not stated", "two frames", "by another library"],
)
def test_frames_are_unpacked_when_others_wrote_them(packed: bytes) -> None:
    assert unpack(packed) == VALUE
    assert unpack(memoryview(packed)) == VALUE


@pytest.mark.parametrize(
    "packed",
    [b"", b"no zstd", zstandard.compress(VALUE)[:-9], b"\x28\xb5\x2f\xfd\xc0\x00" + b"\xff" * 7 + b"\x7f"],
    ids=["nothing", "something else", "cut off", "claims more than any memory"],
)
def test_what_is_no_frame_is_refused_as_aiokafka_refuses_it(packed: bytes) -> None:
    with pytest.raises(cramjam.DecompressionError):
        unpack(packed)


def test_contexts_are_not_shared_between_threads() -> None:
    values = [bytes([number]) * 50_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            assert list(pool.map(unpack, pool.map(pack, values))) == values
