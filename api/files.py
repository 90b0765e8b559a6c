"""Bytes of a job: the normalised picture and what its code drew."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from api.problems import documented, not_found
from api.reads import JobId, find_job
from api.services import ApiServices, Services, Tenant
from schemas.base import BlobRef

router = APIRouter(tags=["jobs"])

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What a browser may show in place. The sandbox policy keeps even these from running anything.
_INLINE = {
    ".png": "image/png",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TYPES = ("image/png", "text/csv", "text/plain", "application/json", "application/octet-stream")


@router.get(
    "/v1/jobs/{job_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/png": _BINARY}, "description": "PNG"}, **documented(401, 404, 503)},
    summary="The picture that was analysed",
)
async def picture(job_id: JobId, request: Request, services: Services, tenant: Tenant) -> Response:
    """The normalised picture: PNG, upright, without metadata. Boxes of figures are in its pixels."""
    detail = await find_job(services, tenant, job_id)
    if detail.picture is None:
        raise not_found("This job has no picture: it was refused.")
    return await _file(services, request, detail.picture.blob, "picture.png")


@router.get(
    "/v1/jobs/{job_id}/artefacts/{name}",
    response_class=Response,
    responses={
        200: {
            "content": dict.fromkeys(_TYPES, _BINARY),
            "description": "the file",
        },
        **documented(401, 404, 503),
    },
    summary="A file the code wrote",
)
async def artefact(
    job_id: JobId,
    name: str,
    request: Request,
    services: Services,
    tenant: Tenant,
) -> Response:
    """A picture, table or other file written by the analysis' program, by the name in `execution.artefacts`."""
    detail = await find_job(services, tenant, job_id)
    for one in detail.execution.artefacts if detail.execution else ():
        if one.name == name:
            return await _file(services, request, one.blob, one.name)
    raise not_found("This job has no file of that name.")


async def _file(services: ApiServices, request: Request, ref: BlobRef, name: str) -> Response:
    """The bytes under the type their name and content allow; what is not known to be harmless is a download."""
    etag = f'"{ref.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=31536000, immutable", "Vary": "Authorization"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    data = await services.blobs.get(ref)
    media_type = _INLINE.get(PurePosixPath(name).suffix.lower())
    if media_type == "image/png" and not data.startswith(_PNG_SIGNATURE):
        media_type = None
    headers["Content-Security-Policy"] = _FILE_POLICY
    kind = "inline" if media_type else "attachment"
    headers["Content-Disposition"] = f"{kind}; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
    return Response(data, media_type=media_type or "application/octet-stream", headers=headers)
