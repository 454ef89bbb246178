"""Which questions the rights of the Movies page ask an auth manager of Airflow."""

from __future__ import annotations

from typing import Any

import airflow.api_fastapi.app
import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity

from filmpulse.airflow_bridge.server import _may, _may_trigger
from filmpulse.web.door import Right

USER = object()
READ_DAG = ("dag", "GET", None, "movie_reception")
TRIGGER_DAG = ("dag", "POST", DagAccessEntity.RUN, "movie_reception")
DELETE_RUNS = ("dag", "DELETE", DagAccessEntity.RUN, "movie_reception")
EDIT_LIST = ("variable", "PUT", None, "tracked_movies")
DELETE_LIST = ("variable", "DELETE", None, "tracked_movies")

RIGHTS = {
    Right.READ: {READ_DAG},
    Right.CHANGE: {EDIT_LIST, TRIGGER_DAG},
    Right.ERASE: {DELETE_LIST, DELETE_RUNS},
}


class Manager:
    """Says yes but to what is `refused`, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: set[Any] = set()
        self.refused: Any = None

    def _answer(self, user: Any, *question: Any) -> bool:
        assert user is USER
        self.asked.add(question)
        return question != self.refused

    def is_authorized_dag(
        self, *, method: str, user: Any, access_entity: Any = None, details: Any = None
    ) -> bool:
        return self._answer(user, "dag", method, access_entity, details.id)

    def is_authorized_variable(self, *, method: str, user: Any, details: Any = None) -> bool:
        return self._answer(user, "variable", method, None, details.key)


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    made = Manager()
    monkeypatch.setattr(airflow.api_fastapi.app, "get_auth_manager", lambda: made)
    return made


@pytest.mark.parametrize("right", Right)
def test_each_right_asks_its_own_questions(manager: Manager, right: Right) -> None:
    assert _may(USER, right)
    assert manager.asked == RIGHTS[right]


@pytest.mark.parametrize(
    ("right", "refused"), [(right, one) for right, asked in RIGHTS.items() for one in asked]
)
def test_a_right_needs_every_answer(manager: Manager, right: Right, refused: Any) -> None:
    manager.refused = refused
    assert not _may(USER, right)


def test_triggering_asks_about_that_very_dag(manager: Manager) -> None:
    manager.refused = TRIGGER_DAG
    assert _may_trigger(USER, "import_saved_pages")
    assert manager.asked == {("dag", "POST", DagAccessEntity.RUN, "import_saved_pages")}
