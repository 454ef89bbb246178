"""What is answered when something goes wrong: problem+json below /v1, a page everywhere else.

A problem is what RFC 9457 describes: `title` is the status in words, `detail` the sentence of the
error, `reason` its stable word, and `errors` names the fields of a request that cannot be used.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Match

from filmpulse import errors
from filmpulse.web import render
from filmpulse.web.door import Door, door_of
from filmpulse.web.headers import path_of

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
API = "/v1"

WAIT_SECONDS = 30
"""What Retry-After says of an error that tells no time: a part that starts anew takes as long."""

_STATUS: Mapping[type[errors.FilmpulseError], int] = {
    errors.BadInput: 422,
    errors.NotFound: 404,
    errors.ForeignPage: 422,
    errors.NotCleaned: 422,
    errors.Blocked: 503,
    errors.HostPaused: 503,
    errors.LayoutChanged: 502,
    errors.LlmRefused: 502,
    errors.LakeDamaged: 500,
    errors.Retryable: 503,
    errors.FilmpulseError: 500,
}
"""The status of an error is that of the nearest class above it."""

_STATUS_OF_REASON = {"unknown": 404, "nothing_stored": 404, "other_title": 409}
"""What `BadInput` says of a movie, and of a title that was typed to confirm."""

# The words of these name the server, its user and its tables: they are for the log.
_INSIDE = (
    *("warehouse_unavailable", "warehouse_schema", "warehouse_url", "transaction_pooler"),
    "airflow_unavailable",
)
_NO_DATABASE = (
    "A database behind this does not answer as it should. Nothing was half-stored; try again "
    "in a minute. `filmpulse doctor` and the web server's log say more."
)
_LONG_FIELD = "A text field may hold 1 MB at most: send a file."
_PLAINER = {
    "Not Found": "There is nothing at this address.",
    "There was an error parsing the body": "The body of the request cannot be read.",
    "Part exceeded maximum size of 1024KB.": _LONG_FIELD,
    "Field exceeded maximum size of 1024KB.": _LONG_FIELD,
    "Method Not Allowed": "This address does not take the request's method.",
}
"""What the framework says, in our words."""

_UNEXPECTED = "Something went wrong here. The web server's log says what."


class WrongField(BaseModel):
    """One part of a request that cannot be used."""

    field: str = Field(description="Where it stands: `query.limit`, `path.imdb_id`, `body.movie`.")
    message: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """Why a request was refused or failed (RFC 9457)."""

    type: str = Field("about:blank", description="No page of its own: the status says the kind.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="What happened, to what, and what to do.")
    reason: str | None = Field(None, description="A short stable word, where the error has one.")
    errors: list[WrongField] | None = Field(
        None, description="The parts of the request that cannot be used; with 422 only."
    )


class Fault(NamedTuple):
    """An error as it is answered, in either form."""

    status: int
    detail: str
    reason: str | None = None
    headers: Mapping[str, str] = {}
    wrong: tuple[WrongField, ...] = ()

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase


def install(app: FastAPI) -> None:
    """Have an app answer every error so."""
    for kind in (errors.FilmpulseError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    # A page asks for rights, and that may ask a database or another server.
    return await run_in_threadpool(answer_for, request, error, door_of(request))


def answer_for(request: Request, error: Exception, door: Door) -> Response:
    """Return the answer for an error: a problem below /v1, a page elsewhere."""
    fault = fault_of(error)
    if fault.status == 405:
        fault = fault._replace(headers={"Allow": ", ".join(sorted(_methods(request)))})
    if f"{path_of(request.scope)}/".startswith(f"{API}/"):
        return problem(fault)
    return _page(request, fault, door)


def _methods(request: Request) -> set[str]:
    """Return the methods that an address takes; the framework names those of one route."""
    routes = [one for one in request.app.routes if one.matches(request.scope)[0] is not Match.NONE]
    return {method for route in routes for method in getattr(route, "methods", ())}


def fault_of(error: Exception) -> Fault:
    """Say how an error is answered; the only place that maps our errors to a status."""
    if isinstance(error, errors.FilmpulseError):
        return _ours(error)
    if isinstance(error, RequestValidationError):
        wrong = tuple(_wrong_fields(error.errors()))
        named = ", ".join(dict.fromkeys(one.field for one in wrong))
        return Fault(422, f"Not as it should be: {named}.", "bad_input", wrong=wrong)
    if isinstance(error, HTTPException):
        # The framework's 400 is of a body that is no JSON, or no form.
        status = 422 if error.status_code == 400 else error.status_code
        detail = _PLAINER.get(error.detail, error.detail)
        return Fault(status, detail, headers=error.headers or {})
    return Fault(500, _UNEXPECTED)  # the web server logs it


def _ours(error: errors.FilmpulseError) -> Fault:
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    if isinstance(error, errors.BadInput):
        status = _STATUS_OF_REASON.get(error.reason, status)
    detail = str(error)
    if error.reason in _INSIDE:
        log.error("%s", error)
        status, detail = 503, _NO_DATABASE
    elif status >= 500:
        log.warning("A request failed (%s): %s", error.reason, error)
    headers = {"Retry-After": str(_wait(error))} if status == 503 else {}
    return Fault(status, detail, error.reason, headers)


def _wait(error: errors.FilmpulseError) -> int:
    """Return after how many seconds a new try makes sense."""
    if isinstance(error, errors.HostPaused):
        return max(1, ceil((error.until - datetime.now(UTC)).total_seconds()))
    return max(1, ceil(getattr(error, "retry_after", None) or WAIT_SECONDS))


def _wrong_fields(found: Iterable[Mapping[str, Any]]) -> Iterable[WrongField]:
    """Name each field and what is wrong; never what was given, which may be long or private."""
    for one in found:
        where = [str(part)[:80] for part in one["loc"]]
        if one["type"] == "json_invalid":
            where = ["body"]
        yield WrongField(field=".".join(where), message=str(one["msg"])[:300])


def problem(fault: Fault) -> Response:
    """Return a fault as problem+json."""
    said = Problem(
        title=fault.title, status=fault.status, detail=fault.detail, reason=fault.reason,
        errors=list(fault.wrong) or None,
    )  # fmt: skip
    content = said.model_dump(exclude_none=True)
    return JSONResponse(content, fault.status, dict(fault.headers), MEDIA_TYPE)


def _page(request: Request, fault: Fault, door: Door) -> Response:
    """Return a fault as a page; a bare one for a stranger, or if something unexpected is broken."""
    is_known = getattr(request.state, "visitor", None) is not None
    if is_known and fault.status != 500:
        template = "error_part.html" if render.is_part(request) else "error.html"
        answer = render.page(request, template, fault.status, fault=fault)
        answer.headers.update(fault.headers)
        return answer
    headers = dict(fault.headers)
    log_in = None
    if fault.status == 401:
        is_address = request.method == "GET" and not render.is_part(request)
        log_in = door.log_in_url(request.url.path if is_address else render.url(request))
        if render.is_part(request):
            headers["HX-Redirect"] = log_in  # the whole page goes there, not the part
    text = render.environment().get_template("refused.html").render(
        fault=fault,
        log_in=log_in,
        home=render.url(request) if is_known else None,
        airflow=f"{render.airflow_path(request)}/",
    )  # fmt: skip
    return HTMLResponse(text, fault.status, headers)
