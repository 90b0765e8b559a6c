"""`POST /v1/uploads`."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Header, Request, Response, UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.intake import Upload, take_in
from api.problems import Kind, ProblemError, documented
from api.services import Services, Tenant
from api.telemetry import current_traceparent
from schemas.documents import DocumentRefused

router = APIRouter(tags=["uploads"])

# The kind's status is 422: the picture was understood as a request and judged. Two codes have a status of their own.
_STATUS = {"unsupported_type": 415, "too_large": 413, "too_many_pixels": 413}


class Accepted(BaseModel):
    """The upload is durably on the log and will be analysed."""

    model_config = ConfigDict(frozen=True)
    event_id: str = Field(description="id of the `document received` event, for `wait_for`")
    job_id: str
    status_url: str = Field(examples=["/v1/jobs/01990000-0000-7000-8000-000000000000"])


def _plain_text(value: str) -> str:
    """Text that can be stored and shown: no control characters but line ends and tabs, no lone surrogates."""
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in value):
        raise ValueError("control characters are not allowed")
    return value.strip()


Question = Annotated[str, StringConstraints(max_length=500), AfterValidator(_plain_text)]
BusinessId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{0,64}$")]
IdempotencyKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]


async def _multipart(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        raise ProblemError(Kind.UNSUPPORTED_MEDIA_TYPE, "Send a form: multipart/form-data with a part named `file`.")


@router.post(
    "/v1/uploads",
    status_code=202,
    dependencies=[Depends(_multipart)],
    response_model=Accepted,
    responses={
        202: {"headers": {"Location": {"schema": {"type": "string"}, "description": "the job"}}},
        **documented(400, 401, 403, 413, 415, 422, 503),
    },
    form_limits={"max_files": 1, "max_fields": 8, "max_part_size": 16 * 1024},
    summary="Upload a picture of a document",
    response_description="on the log, and about to be analysed",
)
async def upload(
    request: Request,
    response: Response,
    services: Services,
    tenant: Tenant,
    file: Annotated[UploadFile, File(description="PNG, JPEG, GIF or WEBP, at most 20 MB and 50 megapixels")],
    question: Annotated[Question | None, Form(description="what to find out; a summary when absent")] = None,
    business_id: Annotated[BusinessId | None, Form(description="the business the document belongs to")] = None,
    idempotency_key: Annotated[
        IdempotencyKey | None,
        Header(description="repeating a request with the same key and content never makes a second job"),
    ] = None,
) -> Accepted:
    """Check, store and record a picture. 202 means it is on the log: it will end in an analysis or a stated failure.

    A picture that is not accepted is recorded too, and answered with a problem that says why (`code`, `reason`,
    `job_id`). After a 503 nothing was acknowledged: repeat the request, best with an `Idempotency-Key`.
    """
    event = await take_in(
        Upload(
            data=await file.read(),
            filename=file.filename,
            question=question or None,
            business_id=business_id or None,
            idempotency_key=idempotency_key,
            traceparent=current_traceparent(request.scope),
        ),
        tenant,
        services,
    )
    if isinstance(event.data, DocumentRefused):
        raise ProblemError(
            Kind.PICTURE_REFUSED,
            event.data.reason,
            status=_STATUS.get(event.data.code),
            code=event.data.code,
            reason=event.data.reason,
            job_id=event.id,
        )
    status_url = f"/v1/jobs/{event.id}"
    response.headers["Location"] = status_url
    return Accepted(event_id=event.id, job_id=event.id, status_url=status_url)
