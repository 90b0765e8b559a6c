"""Stage `execution`: runs an approved program, and its cross-check, in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.metering import current_meter
from adapters.ports import BlobStore, SandboxOutcome, SandboxRunner
from processors.stage import stage
from schemas.analyses import AnalysisFailed, Artefact, CodeExecuted, CodeReviewed, ExecutionResult
from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import RetryLater

DOCUMENT = "document.json"
_MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "csv": "text/csv",
    "json": "application/json",
    "txt": "text/plain",
    "md": "text/markdown",
}
# The log carries results to every reader; a program's chatter is cut to what a person would read.
_OUTPUT = 64 * 1024


def _gives_up(event: Event[CodeReviewed], reason: str) -> Sequence[EventData]:
    data = event.data
    return [
        AnalysisFailed(
            stage="execution",
            reason=f"the program could not be run: {reason}",
            program=data.program,
            findings=data.findings,
        )
    ]


@stage(
    "execution",
    consumes=[CodeReviewed],
    emits=[CodeExecuted, AnalysisFailed],
    # Two runs of the sandbox's 120 s, waiting for a free box before each, and starting.
    timeout=600,
    retries=2,
    gives_up=_gives_up,
)
async def execution(event: Event[CodeReviewed], *, sandbox: SandboxRunner, blobs: BlobStore) -> Sequence[EventData]:
    """The outcome of the run, whatever it was; a rejected program is not run.

    Where no program can be run at all, the analysis fails with the reason: writing another one would not help.
    """
    data = event.data
    if not data.approved:
        return []
    inputs = {DOCUMENT: await blobs.get(data.task.description)}
    result = await _run(data.program.code, inputs, sandbox, blobs)
    if result.reason == "sandbox_unavailable":
        return [
            AnalysisFailed(
                stage="execution",
                reason=f"no program can be run on this machine: {result.detail or 'the sandbox does not hold'}",
                program=data.program,
                findings=data.findings,
                execution=result,
            )
        ]
    cross_check = None
    if data.program.cross_check is not None and result.reason == "ok":
        cross_check = await _run(data.program.cross_check, inputs, sandbox, blobs)
    return [
        CodeExecuted(
            task=data.task, program=data.program, findings=data.findings, execution=result, cross_check=cross_check
        )
    ]


async def _run(code: str, inputs: Mapping[str, bytes], sandbox: SandboxRunner, blobs: BlobStore) -> ExecutionResult:
    outcome = await sandbox.run(code, inputs)
    result = outcome.result
    if result.reason in ("cancelled", "internal_error"):
        # Nothing the program did: the box was stopped, or ended without a trace. Another try may go well.
        raise RetryLater(f"the sandbox was interrupted: {result.detail or result.reason}")
    meter = current_meter()
    meter.cpu_seconds += result.cpu_seconds
    meter.bytes_in += sum(map(len, inputs.values()))
    meter.bytes_out += sum(map(len, outcome.artefacts.values())) + len(result.result or "")
    return result.model_copy(
        update={
            "artefacts": await _stored(outcome, blobs),
            "stdout": result.stdout[:_OUTPUT],
            "stderr": result.stderr[-_OUTPUT:],
            "truncated": result.truncated or max(len(result.stdout), len(result.stderr)) > _OUTPUT,
        }
    )


async def _stored(outcome: SandboxOutcome, blobs: BlobStore) -> tuple[Artefact, ...]:
    kept = []
    for name, data in sorted(outcome.artefacts.items()):
        media_type = _MEDIA_TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
        kept.append(Artefact(name=name, blob=await blobs.put(data, media_type)))
    return tuple(kept)
