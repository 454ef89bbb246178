"""A house for the web app in tests: one visitor with given rights, and no Airflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.testclient import TestClient

from filmpulse.errors import Retryable
from filmpulse.jobs import Context, Tracked, new_run_id
from filmpulse.web.app import create_app
from filmpulse.web.door import Right, Visitor
from filmpulse.web.guard import token_of


class ADoor:
    """Holds the tracked list in memory and remembers which DAGs were started."""

    secret = b"for tests only"

    def __init__(self, context: Context, rights: Sequence[Right] = tuple(Right)) -> None:
        self._context = context
        self.rights = set(rights)
        self.imdb_ids: list[str] = []
        self.started: list[tuple[str, dict[str, Any]]] = []
        self.with_model: Callable[[Context], Context] = lambda context: context

    async def visitor(self, request: Any) -> Visitor | None:
        return Visitor("ada", True, self.rights.__contains__)

    def log_in_url(self, next_url: str) -> str:
        return "/log-in"

    def tracked(self) -> Tracked:
        return Tracked(list(self.imdb_ids), [])

    def change_tracked(self, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Tracked:
        self.imdb_ids = [i for i in dict.fromkeys([*self.imdb_ids, *add]) if i not in remove]
        return self.tracked()

    def start(self, dag_id: str, conf: dict[str, Any], visitor: Visitor) -> str:
        if not dag_id:
            raise Retryable("no DAG")
        self.started.append((dag_id, conf))
        return new_run_id()

    def run_path(self, run_id: str) -> str | None:
        return f"/dags/movie_reception/runs/{run_id}"

    def context(self, *, is_scoring: bool = False) -> Context:
        return self.with_model(self._context) if is_scoring else self._context

    def client(self) -> TestClient:
        """A browser whose requests carry the token of our pages."""
        visitor = Visitor("ada", True, self.rights.__contains__)
        return TestClient(
            create_app(self),
            base_url="http://127.0.0.1",
            headers={"X-Filmpulse-Token": token_of(visitor, self)},
            follow_redirects=False,
        )
