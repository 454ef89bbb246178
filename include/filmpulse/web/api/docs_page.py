"""The page `/v1/docs`: the OpenAPI document as a person reads it, rendered here.

Swagger UI and Redoc run scripts of another host, and style their elements one by one, which our
Content-Security-Policy forbids (docs/adr/0039).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from filmpulse.web import render
from filmpulse.web.api.document import Json, document, example_of, router_of

router = router_of(None)


class Field(NamedTuple):
    """A parameter, or a field of a model.

    `place` is path, query or body, and `usual` what counts if it is left out; None in a model.
    """

    name: str
    kind: Kind
    is_required: bool
    meaning: str
    place: str | None = None
    usual: str | None = None


class Kind(NamedTuple):
    """A type in words, and the model that it names, if any."""

    words: str
    model: str | None = None


class Operation(NamedTuple):
    """One thing that the API does."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    right: str
    fields: list[Field]
    curl: str
    answers: list[tuple[str, str, Kind | None]]
    example: str | None


class Group(NamedTuple):
    """The operations of one tag."""

    name: str
    meaning: str
    operations: list[Operation]


class Model(NamedTuple):
    """One schema of the document."""

    name: str
    meaning: str
    fields: list[Field]


@router.get("/docs")
def show_docs(request: Request) -> HTMLResponse:
    """Show the API."""
    made = document(request)
    schemas = made["components"]["schemas"]
    host = f"{request.url.scheme}://{request.url.netloc}"
    return render.page(
        request,
        "api_docs.html",
        about=made["info"]["description"].strip().split("\n\n"),
        version=made["info"]["version"],
        groups=list(_groups(made)),
        models=[_model(name, one) for name, one in sorted(schemas.items()) if "properties" in one],
        names=set(schemas),
        base=f"{host}{render.url(request, '')}",
        token_address=f"{host}{render.airflow_path(request)}/auth/token",
    )


def _groups(made: Json) -> Iterator[Group]:
    operations = [
        (one["tags"][0], _operation(method, path, one, made["components"]["schemas"]))
        for path, methods in made["paths"].items()
        for method, one in methods.items()
    ]
    for tag in made["tags"]:
        of_tag = [one for name, one in operations if name == tag["name"]]
        yield Group(tag["name"], tag["description"], of_tag)


def _operation(method: str, path: str, one: Json, schemas: Json) -> Operation:
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {})
    fields = [_parameter(parameter) for parameter in one.get("parameters", [])]
    if body:
        name = body["schema"]["$ref"].rpartition("/")[2]
        fields += [field._replace(place="body") for field in _model(name, schemas[name]).fields]
    good = next(answer for status, answer in one["responses"].items() if status.startswith("2"))
    example = good.get("content", {}).get("application/json", {}).get("example")
    return Operation(
        anchor=one["operationId"],
        method=method.upper(),
        path=path,
        summary=one["summary"],
        description=one.get("description", ""),
        right=one["x-right"],
        fields=fields,
        curl=_curl(method.upper(), path, one, body.get("example"), schemas),
        answers=[
            (status, answer["description"], _answer_kind(answer))
            for status, answer in sorted(one["responses"].items())
        ],
        example=None if example is None else json.dumps(example, indent=2, ensure_ascii=False),
    )


def _parameter(one: Json) -> Field:
    schema = one["schema"]
    if some := schema.get("anyOf"):  # null is how a parameter is left out
        schema = {"anyOf": [kind for kind in some if kind.get("type") != "null"]}
    usual = one["schema"].get("default")
    return Field(
        one["name"], kind_of(schema), one.get("required", False), one.get("description", ""),
        one["in"], None if usual in (None, "") else json.dumps(usual).strip('"'),
    )  # fmt: skip


def _answer_kind(answer: Json) -> Kind | None:
    """Return what an answer holds in JSON; None for none."""
    content: Mapping[str, Any] = answer.get("content", {})
    schemas = [one["schema"] for kind, one in content.items() if kind.endswith("json")]
    return kind_of(schemas[0]) if schemas else None


def _curl(method: str, path: str, one: Json, body: Any, schemas: Json) -> str:
    """Return a line for a shell in which $FILMPULSE and $TOKEN are set."""
    given = {
        parameter["name"]: example_of(
            {k: v for k, v in parameter["schema"].items() if k != "default"}
            | ({"examples": [parameter["example"]]} if "example" in parameter else {}),
            schemas,
        )
        for parameter in one.get("parameters", [])
        if parameter["in"] == "path" or "example" in parameter
    }
    address = path.format_map(given)
    query = {name: value for name, value in given.items() if f"{{{name}}}" not in path}
    words = ["curl", "-H", '"Authorization: Bearer $TOKEN"']
    if method != "GET":
        words[1:1] = ["-X", method]
    if body is not None:
        words += ["--json", shlex.quote(json.dumps(body))]
    words.append(f'"$FILMPULSE{address}{"?" + urlencode(query) if query else ""}"')
    return " ".join(words)


def _model(name: str, schema: Json) -> Model:
    required = schema.get("required", [])
    fields = [
        Field(field, kind_of(one), field in required, one.get("description", ""))
        for field, one in schema["properties"].items()
    ]
    return Model(name, schema.get("description", ""), fields)


def kind_of(schema: Json) -> Kind:
    """Say in words what a schema allows."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        return Kind(name, name)
    if some := schema.get("anyOf"):
        kinds = [kind_of(one) for one in some]
        model = next((kind.model for kind in kinds if kind.model), None)
        return Kind(" or ".join(kind.words for kind in kinds), model)
    if "enum" in schema or "const" in schema:
        return Kind(" or ".join(map(str, schema.get("enum") or [schema["const"]])))
    if schema.get("type") == "array":
        inner = kind_of(schema["items"])
        return Kind(f"list of {inner.words}", inner.model)
    words = str(schema.get("format") or schema.get("type") or "anything")
    return Kind(words + _limits(schema))


def _limits(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if "maxLength" in schema:
        return f", at most {schema['maxLength']} characters"
    return ""
