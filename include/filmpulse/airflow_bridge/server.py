"""Airflow's web server as the web app's door: log-ins, rights, the tracked list, runs of DAGs.

Reading needs the right to read the DAG `movie_reception`. Changing needs the rights to edit the
Variable `tracked_movies` and to trigger that DAG. Erasing needs the rights to delete both the
Variable and the DAG's runs. Whoever starts a run needs the right to trigger that very DAG, too.
Each auth manager of Airflow answers these questions; what is imported here of Airflow is not its
public API, so the tests hold it to the locked version.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from filmpulse import jobs
from filmpulse.airflow_bridge.connections import stored_model
from filmpulse.airflow_bridge.context import stored_context
from filmpulse.airflow_bridge.variables import TRACKED_MOVIES, change_variable, read_variable
from filmpulse.errors import Retryable
from filmpulse.jobs import Changed, Context, Tracked
from filmpulse.web.door import Right, Visitor

RECEPTION = "movie_reception"
_KEPT_SECONDS = 60.0
"""How long a context is kept: a changed Connection counts after a minute."""


@dataclass(frozen=True)
class _AirflowVisitor(Visitor):
    """A visitor with the user that the auth manager knows."""

    user: Any = None


class AirflowDoor:
    """The door of an app that Airflow's web server has mounted."""

    def __init__(self) -> None:
        """Take Airflow's own key for the tokens of forms."""
        from airflow.configuration import conf

        self.secret = conf.get_mandatory_value("api", "secret_key").encode()
        self._lock = threading.Lock()
        self._contexts: dict[bool, tuple[float, Context]] = {}

    async def visitor(self, request: HTTPConnection) -> Visitor | None:
        """Return who asks, as Airflow itself tells it; None for a stranger."""
        from airflow.api_fastapi.core_api.security import get_user
        from fastapi.security import HTTPAuthorizationCredentials
        from fastapi.security.utils import get_authorization_scheme_param

        scheme, token = get_authorization_scheme_param(request.headers.get("authorization"))
        bearer = None
        if scheme.lower() == "bearer":
            bearer = HTTPAuthorizationCredentials(scheme=scheme, credentials=token)
        try:
            user = await get_user(request, None, bearer)  # type: ignore[arg-type]
        except HTTPException:
            return None
        return _AirflowVisitor(
            user.get_name(), bearer is None, lambda right: _may(user, right), user=user
        )

    def log_in_url(self, next_url: str) -> str:
        """Return the address of the log-in, which leads on to `next_url`."""
        from airflow.api_fastapi.app import get_auth_manager

        return str(get_auth_manager().get_url_login(next_url=next_url))

    def tracked(self) -> Tracked:
        """Return the tracked movies."""
        return jobs.all_tracked(read_variable(), self.context().warehouse)

    def change_tracked(
        self,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        file_name: str | None = None,
    ) -> Changed:
        """Change which movies are tracked, under the Variable's lock."""
        asked: Any = {
            "add": add, "remove": remove, "file_name": file_name,
            "origin": "file" if file_name else "page",
        }  # fmt: skip
        context = self.context()
        return change_variable(lambda raw: jobs.change_tracked(raw, context, **asked))

    def check_start(self, dag_id: str, visitor: Visitor) -> None:
        """Ask Airflow whether the visitor may trigger a DAG.

        Raises:
            HTTPException: 403, the visitor may not.
        """
        if not _may_trigger(cast(_AirflowVisitor, visitor).user, dag_id):
            raise HTTPException(403, f"Your log-in may not trigger the DAG {dag_id}.")

    def start(self, dag_id: str, conf: dict[str, Any], visitor: Visitor) -> str:
        """Start a run of a DAG by hand.

        Raises:
            HTTPException: 403, as `check_start`.
            Retryable: Airflow does not know the DAG yet, or started no run.
        """
        from airflow.api.common.trigger_dag import trigger_dag
        from airflow.exceptions import DagNotFound
        from airflow.utils.types import DagRunTriggeredByType

        self.check_start(dag_id, visitor)
        try:
            run = trigger_dag(
                dag_id,
                triggered_by=DagRunTriggeredByType.UI,
                triggering_user_name=visitor.name,
                conf=conf,
                replace_microseconds=False,  # two runs of one second have two ids
            )
        except DagNotFound as error:
            raise Retryable(
                f"Airflow does not know the DAG {dag_id} yet: its DAG processor reads new files "
                "within a few minutes.",
                reason="dag_unknown",
            ) from error
        if run is None:
            raise Retryable(f"Airflow started no run of {dag_id}.", reason="no_run")
        return str(run.run_id)

    def run_path(self, run_id: str) -> str | None:
        """Return the path of a run of `movie_reception` in Airflow's pages."""
        from urllib.parse import quote

        return f"/dags/{RECEPTION}/runs/{quote(run_id, safe='')}"

    def context(self, *, is_scoring: bool = False) -> Context:
        """Return the context of jobs; the same one for a minute, so that connections are shared."""
        with self._lock:
            made_at, context = self._contexts.get(is_scoring, (0.0, None))
            if context is None or time.monotonic() - made_at > _KEPT_SECONDS:
                context = stored_context()
                if is_scoring:
                    context = context.with_model(stored_model)
                self._contexts[is_scoring] = time.monotonic(), context
            return context


def _may_trigger(user: Any, dag_id: str) -> bool:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import (
        DagAccessEntity,
        DagDetails,
    )

    return get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
    )


def _may(user: Any, right: Right) -> bool:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import (
        DagAccessEntity,
        DagDetails,
        VariableDetails,
    )

    manager = get_auth_manager()
    dag, variable = DagDetails(id=RECEPTION), VariableDetails(key=TRACKED_MOVIES)
    if right is Right.READ:
        return manager.is_authorized_dag(method="GET", details=dag, user=user)
    is_erasure = right is Right.ERASE
    return manager.is_authorized_variable(
        method="DELETE" if is_erasure else "PUT", details=variable, user=user
    ) and manager.is_authorized_dag(
        method="DELETE" if is_erasure else "POST",
        access_entity=DagAccessEntity.RUN,
        details=dag,
        user=user,
    )
