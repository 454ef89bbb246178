"""Errors as answers: problem+json for the API (RFC 9457), a page for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

if TYPE_CHECKING:
    from filmpulse.web.door import Door


def answer_for(request: Request, error: HTTPException, door: Door) -> Response:
    """Return the answer to a request that ended in an error."""
    body = {"title": str(error.detail), "status": error.status_code}
    return JSONResponse(body, error.status_code, error.headers)


def install(app: FastAPI) -> None:
    """Have the app answer errors in this way."""
