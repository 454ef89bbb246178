"""What is wrong at present, and what was told of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from filmpulse.warehouse.statement import Command, Query, Scalar


class Trouble(NamedTuple):
    """A movie, check or model that has a trouble; see `alerts_found`.

    `detail` is a word of ours, such as a reason or a source; never a text from outside.
    """

    cause: str
    subject: str
    imdb_id: str | None
    movie: str | None
    detail: str


class Alert(NamedTuple):
    """A row of `ops.alerts` that holds, or whose end is not told yet."""

    alert_id: int
    cause: str
    subject: str
    since: datetime
    run_url: str
    told_at: datetime | None
    ended_at: datetime | None


class ModelEnd(NamedTuple):
    """When a model ends, as its endpoint said; `is_old`: the endpoint should be asked again."""

    ends_on: date | None
    is_old: bool


take_turn = Command("alerts_turn")
troubles = Query("alerts_found", Trouble)
refusing_hosts = Scalar[str]("alerts_hosts")
is_explained = Scalar[bool]("alerts_explains")
unsettled = Query("alerts_unsettled", Alert)
begin = Command("alerts_begin")
carry = Command("alerts_carry")
end = Command("alerts_end")
note_told = Command("alerts_told")
note_end_told = Command("alerts_end_told")
model_end = Query("model_end", ModelEnd)
note_model_end = Command("note_model_end")
