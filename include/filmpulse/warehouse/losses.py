"""Objects of the lake that are lost (docs/adr/0015)."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

from pydantic import AwareDatetime

from filmpulse.items import Item
from filmpulse.warehouse.statement import Command, Query

Fault = Literal["missing", "damaged", "too_few"]
SettledBy = Literal["person", "collection"]

FOLDER = "losses"


class Loss(Item):
    """One lost object; the comments of `ops.lost_objects` explain each field."""

    object: str
    source: str
    imdb_id: str
    manifest: str
    collected_at: AwareDatetime
    fault: Fault
    sha256: str | None = None
    reviews: int | None = None
    found_at: AwareDatetime
    settled_by: SettledBy | None = None
    settled_at: AwareDatetime | None = None
    known_reviews: int = 0
    known_revisions: int = 0

    @property
    def note(self) -> str:
        """The name of its note in the lake, always the same."""
        digest = sha256(self.object.encode()).hexdigest()
        return f"{FOLDER}/{self.source}/{self.imdb_id}/{digest}.json"


lost_objects = Query("lost_objects", Loss)
note_lost_object = Command("note_lost_object")
drop_found_objects = Command("drop_found_objects")
