"""The API against its own description, by generated requests: valid, invalid, and in sequences."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from api.openapi import openapi_document
from projections.runner import ProjectionRunner
from tests.api.harness import Api, served
from tests.api.parts import SignaturePictureReader, png

# A cursor and a file that is a picture are strings no schema can tell from others: refusing one is right.
LEFT_OUT = "positive_data_acceptance"


class WillingPictureReader(SignaturePictureReader):
    """Takes anything for a picture, so that generated uploads become jobs to ask for."""

    async def normalise(self, data: bytes) -> tuple[bytes, int, int]:
        return png(), 4, 3


@pytest.mark.slow
async def test_api_is_as_described_for_generated_requests(keyed: Api, tmp_path: Path) -> None:
    key = await keyed.key("acme")
    limits = replace(keyed.services.limits, feed_seconds=0.2)
    open_to_all = keyed.with_services(pictures=WillingPictureReader(), limits=limits)
    projections = ProjectionRunner(keyed.pool, keyed.log)
    projections.progress = keyed.services.progress
    await projections.start()
    async with served(open_to_all) as url:
        command = (
            f"-m schemathesis.cli run {url}/openapi.json --max-examples 5 --seed 7 --checks all "
            f"--exclude-checks {LEFT_OUT} --phases coverage,fuzzing,stateful --request-timeout 10 --no-color"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command.split(),
            "--header",
            f"Authorization: Bearer {key}",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    await projections.stop()
    assert process.returncode == 0, output.decode()
    assert keyed.log.stored(), "no generated upload was taken"


async def test_document_is_made_without_services(api: Api) -> None:
    async with api.client() as client:
        assert (await client.get("/openapi.json")).json() == openapi_document()
