"""What the web app needs of the house that it stands in: who asks, and what to do for them.

In Airflow that house is `airflow_bridge.server.AirflowDoor`. The app itself knows no Airflow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Protocol, cast

from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

from filmpulse.jobs import Changed, Context, Tracked


class Right(StrEnum):
    """What a visitor may do: read; change (track, collect, score, import); erase for ever."""

    READ = "read"
    CHANGE = "change"
    ERASE = "erase"


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        name: The log-in's name.
        by_cookie: Whether a cookie says so, which a browser also sends for other sites' forms.
        asked: Says whether the visitor has a right; `may` remembers the answer for the request.
    """

    name: str
    by_cookie: bool
    asked: Callable[[Right], bool]
    _known: dict[Right, bool] = field(default_factory=dict, repr=False)

    def may(self, right: Right) -> bool:
        """Say whether the visitor has a right."""
        if right not in self._known:
            self._known[right] = self.asked(right)
        return self._known[right]


class Door(Protocol):
    """The house, as the app sees it. Only `visitor` runs in the event loop; the rest may block."""

    secret: bytes
    """Key of the tokens against cross-site requests; the same for all workers."""

    async def visitor(self, request: HTTPConnection) -> Visitor | None:
        """Return who asks, by a bearer token, else by the cookie; None for a stranger."""

    def log_in_url(self, next_url: str) -> str:
        """Return the address of the log-in, which leads on to `next_url`."""

    def tracked(self) -> Tracked:
        """Return the tracked movies, and the Variable's wrong entries.

        Raises:
            BadInput: The Variable is no JSON list.
            Retryable: The database of Airflow or the warehouse does not answer.
        """

    def change_tracked(
        self,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        file_name: str | None = None,
    ) -> Changed:
        """Add and remove tracked movies; of two changes at once, none is lost.

        `file_name` names the file that the added ones came from. Raises as above.
        """

    def check_start(self, dag_id: str, visitor: Visitor) -> None:
        """Refuse a visitor who may not trigger a DAG, before something else is done.

        Raises:
            HTTPException: 403.
        """

    def start(self, dag_id: str, conf: dict[str, Any], visitor: Visitor) -> str:
        """Start a run of a DAG in the visitor's name; return the run's id.

        Raises:
            HTTPException: 403, as `check_start`.
            Retryable: Airflow does not know the DAG yet.
        """

    def run_path(self, run_id: str) -> str | None:
        """Return the path of a collection's run in Airflow's pages; None if it has none."""

    def context(self, *, is_scoring: bool = False) -> Context:
        """Return the context of jobs; with the model's settings if `is_scoring`."""


def door_of(request: HTTPConnection) -> Door:
    """Return the house of a request; the guard noted it."""
    return cast(Door, request.state.door)


def visitor_of(request: HTTPConnection) -> Visitor:
    """Return who asks; the guard let them in."""
    return cast(Visitor, request.state.visitor)


DoorDep = Annotated[Door, Depends(door_of)]
VisitorDep = Annotated[Visitor, Depends(visitor_of)]


def _may_erase(visitor: VisitorDep) -> None:
    if not visitor.may(Right.ERASE):
        raise HTTPException(403, "Your log-in may not erase.")


def _may_change(visitor: VisitorDep) -> None:
    if not visitor.may(Right.CHANGE):
        raise HTTPException(403, "Your log-in may not change anything here.")


changes = Depends(_may_change)
"""For pages that only those need who may change something, and that ask a site."""

erases = Depends(_may_erase)
"""For routes that erase: `dependencies=[erases]`."""
