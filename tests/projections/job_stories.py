"""Stories of jobs, event by event, as the pipeline writes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from projections import costs, jobs, lineage
from schemas.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisPlanned,
    Answer,
    CodeExecuted,
    CodeGenerated,
    CodeReviewed,
    ExecutionResult,
    Finding,
    Program,
    Task,
)
from schemas.base import BlobRef, EventData
from schemas.costs import CostRecorded, ModelUse
from schemas.documents import (
    Box,
    Document,
    DocumentDescribed,
    DocumentReceived,
    DocumentRefused,
    Figure,
    Original,
    Picture,
)
from schemas.envelope import Event, derived_id
from schemas.plans import AnalysisPlan, LookupRole
from schemas.wire import Message, encode
from streams.log import Record
from streams.partitioner import partition_of
from streams.topics import TOPICS, topic_of

# The projections that these stories are told to.
OF_JOBS = (jobs.PROJECTION, lineage.PROJECTION, costs.PROJECTION)

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
BLOB = BlobRef(sha256="0" * 64, size=10, media_type="image/png")
PICTURE = Picture(blob=BLOB, width=800, height=600)
ORIGINAL = Original(sha256="1" * 64, size=99, media_type="image/jpeg", filename="invoice.jpg")
FIGURE = Figure(
    label="Total",
    value=Decimal("1234.50"),
    unit="EUR",
    text="1,234.50",
    confidence=0.98,
    box=Box(x=1, y=2, width=3, height=4),
)
DOCUMENT = Document(kind="invoice", total=Decimal("1234.50"), total_figure=0, currency="EUR", figures=(FIGURE,) * 8)


TASK = Task(
    question="What is the total?",
    description=BLOB,
    picture=BLOB,
    plan=AnalysisPlan(steps=(LookupRole(role="total"),)),
    planner="embeddings",
)
RECEIVED = DocumentReceived(picture=PICTURE, original=ORIGINAL, question=TASK.question, business_id="b-1")
REFUSED = DocumentRefused(code="broken", reason="the picture is broken", original=ORIGINAL, question=TASK.question)
DESCRIBED = DocumentDescribed(
    picture=PICTURE, document=DOCUMENT, description=BLOB, question=TASK.question, business_id="b-1", model="rapidocr"
)
PLANNED = AnalysisPlanned(task=TASK, confidence=0.93)
NOT_PLANNED = AnalysisPlanned(task=TASK.model_copy(update={"plan": None}), confidence=0.2, reason="not understood")
ANSWER = Answer(verdict="answered", text="The total is 1234.50 EUR.", value=Decimal("1234.50"), unit="EUR")
OK = ExecutionResult(reason="ok", exit_code=0, stdout="1234.50", wall_seconds=0.4, backend="bubblewrap")
BROKEN = ExecutionResult(
    reason="error", exit_code=1, stderr="KeyError", backend="bubblewrap", detail="it raised KeyError"
)
FINDING = Finding(tool="policy", rule="import", severity="error", message="os is not allowed", line=1)
FAILED = AnalysisFailed(stage="execution", reason="the sandbox is not available")
COST = CostRecorded(
    stage="vision",
    seconds=0.5,
    bytes_in=100,
    models=(
        ModelUse(model="gpt", input_tokens=10, output_tokens=5, seconds=0.2, money=Decimal("0.0012")),
        ModelUse(model="gpt", memoized=True, input_tokens=10, money=Decimal("0.0012")),
        ModelUse(model="local", input_tokens=7),
    ),
)


def program(attempt: int = 1) -> Program:
    return Program(attempt=attempt, author="compiled", code=f"print({attempt})\n" + "# a line of code\n" * 20)


def generated(attempt: int = 1) -> CodeGenerated:
    return CodeGenerated(task=TASK, program=program(attempt))


def reviewed(attempt: int = 1, approved: bool = True) -> CodeReviewed:
    return CodeReviewed(task=TASK, program=program(attempt), approved=approved, findings=() if approved else (FINDING,))


def executed(attempt: int = 1, execution: ExecutionResult = OK) -> CodeExecuted:
    return CodeExecuted(task=TASK, program=program(attempt), execution=execution)


def completed(attempt: int = 1) -> AnalysisCompleted:
    return AnalysisCompleted(
        question=TASK.question,
        answer=ANSWER,
        plan=TASK.plan,
        planner=TASK.planner,
        program=program(attempt),
        execution=OK,
    )


class Story:
    """The events of one job, each caused by the one before, a second apart."""

    def __init__(self, job: str, tenant: str = "local", start: datetime = START) -> None:
        self.job, self.tenant, self.start = job, tenant, start
        self.events: list[Event[EventData]] = []

    def tell(self, *facts: EventData) -> Story:
        for data in facts:
            cause = self.events[-1].id if self.events else None
            self.events.append(
                Event(
                    id=derived_id(cause, data.TYPE, len(self.events)) if cause else self.job,
                    source="vaultra/test/v1",
                    subject=self.job,
                    time=self.start + timedelta(seconds=len(self.events)),
                    correlationid=self.job,
                    causationid=cause,
                    tenantid=self.tenant,
                    partitionkey=self.job,
                    traceparent=None,
                    data=data,
                )
            )
        return self

    def messages(self) -> list[Message]:
        return [encode(event, topic_of(type(event.data)).name) for event in self.events]


def answered(job: str, tenant: str = "local", start: datetime = START) -> Story:
    """A job that went straight to its answer."""
    facts = (RECEIVED, COST, DESCRIBED, PLANNED, generated(), reviewed(), executed(), completed())
    return Story(job, tenant, start).tell(*facts)


def roundabout(job: str, tenant: str = "local", start: datetime = START) -> Story:
    """A job whose code was rejected, then failed, then ran; that was given up in between and replayed."""
    facts = (RECEIVED, DESCRIBED, PLANNED, generated(1), reviewed(1, False), generated(2), reviewed(2))
    more = (executed(2, BROKEN), FAILED, FAILED, generated(3), reviewed(3), executed(3), COST, completed(3), COST)
    return Story(job, tenant, start).tell(*facts, *more)


def records(stories: Iterable[Story]) -> list[Record]:
    """The stories as a log would hold them, one after the other."""
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    ends: dict[tuple[str, int], int] = {}
    found = []
    for number, message in enumerate(message for story in stories for message in story.messages()):
        place = (message.topic, partition_of(message.key, partitions[message.topic]))
        offset = ends.get(place, 0)
        ends[place] = offset + 1
        appended_at = START + timedelta(seconds=number)
        found.append(Record(*place, offset, appended_at, message.key, message.attributes, message.value, message.extra))
    return found


def again(record: Record, offset: int) -> Record:
    """The same message, appended a second time by a producer that did not hear that it had been."""
    return record._replace(offset=offset, appended_at=record.appended_at + timedelta(hours=1))
