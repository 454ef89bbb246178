"""The state of the catalogue, its terms, and what is done with it: accept, refresh, drop."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from filmpulse import jobs
from filmpulse.web import actions
from filmpulse.web.door import Door, DoorDep, VisitorDep, erases
from filmpulse.web.render import page, url
from filmpulse.web.words import KEPT, Said, say_load

router = APIRouter(prefix="/catalogue")

_TRIES = 90
"""How often an open page asks while nothing is under way, every 4 s: a run may have to wait."""


@router.get("", response_class=HTMLResponse)
def catalogue_page(request: Request, door: DoorDep, said: str | None = None) -> HTMLResponse:
    """Show how the catalogue stands; before acceptance, the terms and the choice of a subset."""
    tries = _TRIES if said in ("accepted", "refreshing") else 0
    values: dict[str, Any] = {
        "said": said, "terms": jobs.CATALOGUE_TERMS, **_state(door, tries)
    }  # fmt: skip
    return page(request, "catalogue.html", **values)


@router.get("/state", response_class=HTMLResponse)
def catalogue_state(
    request: Request, door: DoorDep, tries: Annotated[int, Query(ge=0, le=100)] = 0
) -> HTMLResponse:
    """Return the datasets anew, for an open page; `tries` is how often it asks once all is done."""
    return page(request, "_catalogue_state.html", **_state(door, max(tries - 1, 0)))


class DatasetShown(NamedTuple):
    """A dataset as pages and the API show it.

    Attributes:
        rows: That readers see, with `bytes` and `as_of`; None where they see none.
        load_state: How its newest load went, a state of `ops.catalogue_loads`; with `reason` and
            `sentence`.
        loaded_at: When that was; or when it began, if it did not end.
    """

    dataset: str
    rows: int | None
    bytes: int | None
    as_of: datetime | None
    load_state: str
    reason: str | None
    sentence: str | None
    loaded_at: datetime

    @property
    def said(self) -> Said:
        """The load in words."""
        return say_load(self.load_state, self.sentence)


def read_datasets(status: jobs.CatalogueStatus) -> list[DatasetShown]:
    """Return each dataset that was ever loaded, with what readers see of it."""
    seen = {load.dataset: load for load in status.shown}
    found = []
    for load in status.loads:
        live = seen.get(load.dataset)
        found.append(
            DatasetShown(
                load.dataset,
                live and live.rows_kept,
                live and live.table_bytes,
                live and (live.modified_at or live.started_at),
                load.state,
                load.reason,
                load.sentence,
                load.finished_at or load.started_at,
            )
        )
    return found


def _state(door: Door, tries: int) -> dict[str, Any]:
    status = jobs.catalogue_status(door.context())
    return {
        "catalogue": status, "datasets": read_datasets(status),
        "tries": _TRIES if status.is_worked_on else tries, "kept": KEPT,
        "costs": jobs.CATALOGUE_COSTS,
    }  # fmt: skip


@router.post("/accept")
def accept_catalogue(
    request: Request,
    door: DoorDep,
    visitor: VisitorDep,
    subset: Annotated[Literal["rated", "no_episodes", "all"], Form()],
) -> Response:
    """Note that the terms are accepted, and load the titles that were chosen."""
    problem = actions.accept_catalogue(subset, door, visitor)
    return _back(request, "accepted-later" if problem else "accepted")


@router.post("/refresh")
def refresh_catalogue(request: Request, door: DoorDep, visitor: VisitorDep) -> Response:
    """Start loading what changed."""
    actions.refresh_catalogue(door, visitor)
    return _back(request, "refreshing")


@router.get("/drop", response_class=HTMLResponse, dependencies=[erases])
def ask_to_drop(request: Request, door: DoorDep) -> HTMLResponse:
    """Say what goes if the catalogue is dropped."""
    status = jobs.catalogue_status(door.context())
    return page(request, "catalogue_drop.html", catalogue=status)


@router.post("/drop", dependencies=[erases])
def drop_catalogue(request: Request, door: DoorDep) -> Response:
    """Drop the catalogue, and load it no more."""
    jobs.drop_catalogue(door.context())
    return _back(request, "dropped")


def _back(request: Request, said: str) -> Response:
    return RedirectResponse(url(request, f"/catalogue?said={said}"), 303)
