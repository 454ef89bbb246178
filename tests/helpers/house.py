"""A house for the web app that is no Airflow: log-ins, a tracked list and runs, in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from filmpulse import jobs
from filmpulse.web.app import create_app
from filmpulse.web.door import Right, Visitor

RIGHTS = {
    "admin": set(Right),
    "editor": {Right.READ, Right.CHANGE},
    "viewer": {Right.READ},
    "nobody": set(),
}
"""Names, each of which is its own bearer token and cookie `_token`, and what each may do."""


class House:
    """A `Door`; `started` has each run that was started, as (DAG, conf, visitor).

    `forbidden` are DAGs that nobody may start.
    """

    secret = b"only for tests"

    def __init__(self, context: jobs.Context | None, raw: str = "[]") -> None:
        self.job_context, self.raw = context, raw
        self.started: list[tuple[str, dict[str, Any], str]] = []
        self.forbidden: set[str] = set()
        self._lock = threading.Lock()
        self.app = create_app(self)

    async def visitor(self, request: HTTPConnection) -> Visitor | None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        name = bearer or request.cookies.get("_token", "")
        if name not in RIGHTS:
            return None
        return Visitor(name, not bearer, RIGHTS[name].__contains__)

    def log_in_url(self, next_url: str) -> str:
        return f"/auth/login?next={next_url}"

    def tracked(self) -> jobs.Tracked:
        if self.job_context is None:
            return jobs.read_tracked(self.raw)
        return jobs.all_tracked(self.raw, self.job_context.warehouse)

    def change_tracked(
        self, add: Sequence[str] = (), remove: Sequence[str] = (), file_name: str | None = None
    ) -> jobs.Changed:
        asked: Any = {
            "add": add, "remove": remove, "file_name": file_name,
            "origin": "file" if file_name else "page",
        }  # fmt: skip
        with self._lock:
            made = jobs.change_tracked(self.raw, self.context(), **asked)
            self.raw = made.variable
        return made

    def check_start(self, dag_id: str, visitor: Visitor) -> None:
        if dag_id in self.forbidden:
            raise HTTPException(403, f"Your log-in may not trigger the DAG {dag_id}.")

    def start(self, dag_id: str, conf: dict[str, Any], visitor: Visitor) -> str:
        self.check_start(dag_id, visitor)
        self.started.append((dag_id, conf, visitor.name))
        return f"manual__{len(self.started)}"

    def run_path(self, run_id: str) -> str | None:
        return f"/dags/movie_reception/runs/{run_id}"

    def context(self, *, is_scoring: bool = False) -> jobs.Context:
        assert self.job_context is not None
        return self.job_context

    def track(self, *imdb_ids: str) -> None:
        """Have these movies tracked, and no other."""
        self.raw = json.dumps(imdb_ids)

    def client(self, name: str | None = "admin", **more: Any) -> TestClient:
        """Return a client of the app as somebody, by bearer token; None for a stranger."""
        headers = {"Authorization": f"Bearer {name}"} if name else {}
        return TestClient(self.app, "http://filmpulse.example", headers=headers, **more)
