"""Airflow below a path: asked with the path or without, a mounted app is found."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from filmpulse.web.proxied import BelowPath


def client(root: str) -> TestClient:
    """A client of an app with an app mounted in it, both of which say what they were asked."""

    def said(request: Request) -> list[str]:
        return [request.url.path, request.scope["root_path"]]

    inner = FastAPI()
    inner.get("/page")(said)
    outer = FastAPI(root_path=root)
    outer.mount("/films", inner)
    outer.get("/airflow-is-here")(said)
    outer.add_middleware(BelowPath)
    # The test client would put the path of its own address before.
    return TestClient(outer)


@pytest.mark.parametrize("asked", ["/films/page", "/airflow/films/page"])
def test_a_mounted_app_is_found(asked: str) -> None:
    answer = client("/airflow").get(asked)
    assert answer.json() == ["/airflow/films/page", "/airflow/films"]


def test_a_path_that_only_begins_alike_is_below() -> None:
    assert client("/airflow").get("/airflow-is-here").json()[0] == "/airflow/airflow-is-here"


def test_without_a_path_nothing_changes() -> None:
    assert client("").get("/films/page").json() == ["/films/page", "/films"]
    assert client("").get("/airflow/films/page").status_code == 404
