"""The one shape of an error: `{"error": {"code", "message", "fields"?: [{field, message}]}}`."""

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from curator_app.errors import AppError, TooManySignIns
from curator_app.pages import render_page
from storage.accounts import Locked
from storage.errors import (
    Busy,
    ClaimLost,
    Conflict,
    Forbidden,
    ImageRefused,
    InvalidRecord,
    NotFound,
    StorageError,
    StorageFull,
)

STATUS_OF: dict[type[Exception], tuple[int, str]] = {
    Locked: (429, "locked_out"),
    TooManySignIns: (429, "too_many"),
    NotFound: (404, "not_found"),
    ClaimLost: (409, "claim_lost"),
    Conflict: (409, "conflict"),
    Forbidden: (403, "forbidden"),
    InvalidRecord: (422, "invalid"),
    ImageRefused: (422, "invalid"),
    StorageFull: (507, "storage_full"),
    Busy: (503, "busy"),
}
CODE_OF_STATUS = {
    400: "invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    422: "invalid",
    429: "too_many",
    503: "busy",
    507: "storage_full",
}
MAX_FIELDS = 20
MAX_NAME = 100


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    fields: Sequence[dict[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return an error in the one shape; `fields` is left out when empty."""
    error: dict[str, Any] = {"code": code, "message": message}
    if fields:
        error["fields"] = list(fields)
    return JSONResponse({"error": error}, status_code=status, headers=headers)


def classify(exc: Exception) -> tuple[int, str]:
    """Return (HTTP status, code) of one of our errors; (500, internal) for one that no person can act on."""
    for cls in type(exc).__mro__:
        if cls in STATUS_OF:
            return STATUS_OF[cls]
    return 500, "internal"


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error of the app in the one shape, or as a page where a person asked for a page."""
    app.add_exception_handler(StorageError, answer_ours)
    app.add_exception_handler(AppError, answer_ours)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)


def wants_page(*, path: str, accept: str) -> bool:
    """Whether the answer is for a person's eyes rather than for a script."""
    return "text/html" in accept and not path.startswith(("/api/", "/media/", "/gradio_api/"))


def describe_fields(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Turn pydantic's errors into `{field, message}`; never repeats the value sent."""
    fields = []
    for error in errors[:MAX_FIELDS]:
        parts = [str(part) for part in error["loc"] if part != "body"]
        name = ".".join(parts)[:MAX_NAME].encode("ascii", "backslashreplace").decode()
        message = str(error["msg"]).removeprefix("Value error, ")
        fields.append({"field": name or "body", "message": message.encode("utf-8", "backslashreplace").decode()})
    return fields


def error_page(status: int, message: str, *, title: str = "", headers: dict[str, str] | None = None) -> HTMLResponse:
    """Return an error as a page that says what to do next. Our messages begin small and lack the full stop."""
    heading = title or HTTPStatus(status).phrase
    end = "" if message.endswith((".", "?", "!")) else "."
    said = f"{message[:1].upper()}{message[1:]}{end}"
    return render_page("notice.html", status=status, title=heading, message=said, headers=headers)


def _respond(
    request: Request,
    status: int,
    code: str,
    message: str,
    *,
    fields: Sequence[dict[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    if wants_page(path=request.url.path, accept=request.headers.get("accept", "")):
        lines = [message, *(f"{field['field']}: {field['message']}" for field in fields)]
        return error_page(status, "\n".join(lines), headers=headers)
    return error_response(status, code, message, fields=fields, headers=headers)


async def answer_ours(request: Request, exc: Exception) -> Response:
    """Answer one of our own errors; raises it again when it is one that no person can act on."""
    status, code = classify(exc)
    if status == 500:
        raise exc
    headers = {}
    if isinstance(exc, Locked):
        headers["Retry-After"] = str(math.ceil(exc.seconds))
    elif status in (429, 503):
        headers["Retry-After"] = "2"
    return _respond(request, status, code, str(exc), headers=headers)


async def _answer_invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    fields = describe_fields(exc.errors())
    return _respond(request, 422, "invalid", "the request does not fit; see fields", fields=fields)


async def _answer_http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    status = 422 if exc.status_code == 400 else exc.status_code
    code = CODE_OF_STATUS.get(status, "http_error")
    headers = dict(exc.headers) if exc.headers else None
    return _respond(request, status, code, str(exc.detail), headers=headers)
