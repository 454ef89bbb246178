"""The OpenAPI document of the API, made of its routes."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import Response

from filmpulse import __version__
from filmpulse.web import render
from filmpulse.web.api import answers
from filmpulse.web.door import Right, erases
from filmpulse.web.guard import READING
from filmpulse.web.problems import API, MEDIA_TYPE, Problem

Json = dict[str, Any]

_ABOUT = """\
How movies are received, why, and how that is changing: what the Movies pages show, as data.

Every figure is read from the marts, so it is the same here, on the pages and in Superset. A mean \
stands with its n, its 95 % interval (`half_interval` to either side) and `is_enough`: below 30 \
reviews or 20 % coverage it is too few to be compared or ranked.

Lists are JSON or CSV: `?format=csv`, or the header `Accept: text/csv`. In CSV an apostrophe \
stands before a text that a spreadsheet would take for a formula; numbers stay numbers. Long lists \
come in pages: `limit` rows each, and `next` is the `cursor` of the page that follows, also in the \
header `Link`. Reviews that come or go meanwhile move no other review to another page.

Answers have an `ETag`; send it as `If-None-Match` to get 304 and nothing more while nothing \
changed. What goes wrong is told as `application/problem+json` (RFC 9457). After 503, try again \
once the seconds of `Retry-After` are over. Times are UTC.
"""

_TAGS = {
    "Movies": "The movies that are tracked, or were; and what is done with them.",
    "Reception": "How a movie is received, and how that changes.",
    "Reviews": "The reviews themselves. Their words only when asked for.",
    "Catalogue": "IMDb's datasets: any title and person, tracked or not; for personal, "
    "non-commercial use, with the line `credit` wherever they are shown.",
    "Work": "Collections, checks, analysers, what they cost, and whether all is well.",
}

_STATUS_MEANS = {
    200: "What was asked for.",
    201: "It was done.",
    202: "It was begun.",
    204: "It was done; there is nothing to say.",
    304: "Nothing changed since the answer whose ETag was sent.",
    401: "Log in first: no bearer token, or one that is over.",
    403: "The log-in may not do this, or a cookie came without the token of our pages.",
    404: "There is no such movie, review, title or person.",
    406: "The header Accept allows neither JSON nor CSV.",
    409: "What is asked for does not fit what there is.",
    413: "The request is too large.",
    422: "A part of the request cannot be used; `errors` names it.",
    503: "A part that is needed does not answer now; see Retry-After.",
}


def router_of(tag: str | None) -> APIRouter:
    """Return a router whose operations are named as their functions; none in the document."""
    return APIRouter(
        tags=[tag] if tag else None,
        include_in_schema=tag is not None,
        generate_unique_id_function=lambda route: route.name,
    )


router = router_of(None)


def answered(*statuses: int, csv: bool = False) -> dict[int | str, Json]:
    """Return `responses` of a route: what it may answer besides what any may.

    With `csv`, the answer may also be CSV, if the request's header allows it.
    """
    found: dict[int | str, Json] = {}
    if csv:
        found[200] = {
            "description": _STATUS_MEANS[200],
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
        statuses = (*statuses, 406)
    for status in sorted({401, 403, 422, 503, *statuses}):
        found[status] = {"description": _STATUS_MEANS[status]}
        if status >= 400:
            of = {"schema": {"$ref": "#/components/schemas/Problem"}}
            found[status]["content"] = {MEDIA_TYPE: of}
    return found


def document(request: Request) -> Json:
    """Return the OpenAPI document (3.1), with the address of this app as its server."""
    app: FastAPI = request.app
    if app.openapi_schema is None:
        app.openapi_schema = _made([one for one in app.routes if isinstance(one, APIRoute)])
    return app.openapi_schema | {"servers": [{"url": render.url(request, "") or "/"}]}


def _made(routes: list[APIRoute]) -> Json:
    routes = [route for route in routes if route.path.startswith(API) and route.include_in_schema]
    made = get_openapi(
        title="Filmpulse",
        version=__version__,
        description=_ABOUT,
        routes=routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
    )
    schemas = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form of 422
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    made["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "Airflow's token: POST /auth/token with username and password.",
        },
        "cookie": {
            "type": "apiKey", "in": "cookie", "name": "_token",
            "description": "A browser's log-in; changes also need the token of our pages.",
        },
    }  # fmt: skip
    made["security"] = [{"bearer": []}, {"cookie": []}]
    for route in routes:
        for method in route.methods:
            operation = made["paths"][route.path_format][method.lower()]
            operation["x-right"] = _right(method, route)
            _complete(operation, schemas)
    return made


def _right(method: str, route: APIRoute) -> str:
    if method in READING:
        return Right.READ.value
    return (Right.ERASE if erases in route.dependencies else Right.CHANGE).value


def _complete(operation: Json, schemas: Json) -> None:
    """Say what good answers mean; give each, and the request, an example made of its fields'."""
    for status, answer in operation["responses"].items():
        if answer["description"] == "Successful Response":
            answer["description"] = _STATUS_MEANS[int(status)]
    parts = [operation.get("requestBody", {})]
    parts += [one for status, one in operation["responses"].items() if status.startswith("2")]
    for part in parts:
        content = part.get("content", {}).get("application/json")
        if content and "example" not in content:
            content["example"] = example_of(content["schema"], schemas)


def example_of(schema: Json, schemas: Json) -> Any:
    """Return an example of what a schema describes: its own, or one made of its parts."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        return example_of(schemas[name], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for word in ("example", "const", "default"):
        if schema.get(word) is not None:
            return schema[word]
    if some := schema.get("anyOf") or schema.get("allOf"):
        return example_of(some[0], schemas)
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {name: example_of(one, schemas) for name, one in properties.items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return {"integer": 1, "number": 1.0, "boolean": True, "null": None}.get(schema["type"], "text")


@router.get("/openapi.json")
def read_document(request: Request) -> Response:
    """The document itself."""
    return answers.whole(request, json.dumps(document(request), ensure_ascii=False), "json")
