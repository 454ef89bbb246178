"""A movie's history: all its collections in the lake, and which of their objects are lost.

An object is lost if it is missing or damaged, or if its collection holds fewer reviews than the
manifest says (docs/adr/0015). A loss is open until a person gives the object up (`rebuild
--accept-loss`), or until a complete collection, begun since the loss was found, shows all that the
warehouse knows. Then the loss is settled: noted in the warehouse and in the lake, and passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic import ValidationError

from filmpulse import warehouse as wh
from filmpulse.errors import LakeDamaged, LakeUnavailable, ObjectMissing
from filmpulse.jobs.context import Context
from filmpulse.lake import Manifest
from filmpulse.warehouse.load import Kept
from filmpulse.warehouse.losses import (
    FOLDER,
    Fault,
    Loss,
    SettledBy,
    lost_objects,
    note_lost_object,
)

_COUNTED = ("complete", "gated")
"""The statuses of collections whose manifest counts exactly the reviews that were written.

A collection that broke off may have counted a batch that could not be written any more.
"""


class HistoryLost(LakeDamaged):
    """A movie's history cannot be replayed: objects are lost and not given up; nothing changed."""

    reason = "history_lost"

    def __init__(self, losses: Sequence[Loss]) -> None:
        """Say what is lost and what to do; keep the losses beside the sentence."""
        first = losses[0]
        more = f" and {len(losses) - 1} more objects" if len(losses) > 1 else ""
        movie = first.imdb_id
        super().__init__(
            f"{movie}: its history cannot be replayed, so nothing of it was changed. In the lake "
            f"{first.object} is {_WORDED[first.fault]}{more}. The warehouse still knows "
            f"{first.known_reviews:,} reviews and {first.known_revisions:,} earlier versions that "
            "no readable object holds. Bring the objects back from the lake's backup. Without a "
            f"backup, run `filmpulse collect --full {movie}` to read again what the site still "
            f"has, then `filmpulse rebuild {movie}`. To give up the rest, run `filmpulse rebuild "
            f"--accept-loss {movie}`: it notes what is lost, and keeps what the warehouse knows."
        )
        self.losses = tuple(losses)


_WORDED: dict[Fault, str] = {
    "missing": "missing",
    "damaged": "damaged",
    "too_few": "of a collection that holds fewer reviews than its manifest says",
}


class History(NamedTuple):
    """The collections of one source's reviews of one movie.

    `manifests` are those that can be read, by their URIs, in the order in which the collections
    were begun; `losses` are the objects that are known to be lost.
    """

    source: str
    imdb_id: str
    manifests: dict[str, Manifest]
    losses: tuple[Loss, ...] = ()

    @property
    def lost_at(self) -> datetime | None:
        """When the last collection that lost something was begun (UTC)."""
        return max((loss.collected_at for loss in self.losses), default=None)

    def readable(self) -> dict[str, Manifest]:
        """Return the manifests without lost parts; a collection that lost one is not whole."""
        return {uri: self._without_lost(uri, manifest) for uri, manifest in self.manifests.items()}

    def _without_lost(self, uri: str, manifest: Manifest) -> Manifest:
        lost = [loss for loss in self.losses if uri.endswith(f"/{loss.manifest}")]
        if not lost:
            return manifest
        names = {loss.object.rpartition("/")[2] for loss in lost}
        left = tuple(part for part in manifest.parts if part not in names)
        return manifest.model_copy(update={"parts": left, "status": "partial"})


def read_history(
    source: str,
    imdb_id: str,
    loads: Mapping[str, datetime],
    uris: Collection[str],
    context: Context,
) -> History:
    """Read the manifests of a movie's collections; a lost manifest is among the losses.

    `loads` says when each loaded collection was begun (UTC), by its manifest's URI.

    Raises:
        LakeUnavailable: The lake did not answer.
    """
    manifests: dict[str, Manifest] = {}
    losses = []
    for uri in uris:
        try:
            manifests[uri] = context.lake.read_manifest(uri)
        except (LakeDamaged, ObjectMissing) as error:
            name = context.lake.name_of(uri)
            begun = (
                loads.get(uri) or begun_at_by_folder(name.rpartition("/")[0]) or datetime.now(UTC)
            )
            about = {"source": source, "imdb_id": imdb_id, "collected_at": begun}
            losses.append(_loss(name, name, error, context, **about))
    in_order = dict(sorted(manifests.items(), key=lambda item: (item[1].started_at, item[0])))
    return History(source, imdb_id, in_order, tuple(losses))


def look_through(history: History, context: Context) -> History:
    """Read every object of a history; return the history with all losses.

    Raises:
        LakeUnavailable: The lake did not answer.
    """
    losses = list(history.losses)
    for uri, manifest in history.manifests.items():
        name = context.lake.name_of(uri)
        folder = name.rpartition("/")[0]
        about = {
            "source": manifest.source,
            "imdb_id": manifest.imdb_id,
            "collected_at": manifest.started_at,
            "reviews": manifest.distinct_ids,
        }
        ids: set[str] = set()
        lost_before = len(losses)
        for part in manifest.parts:
            alone = manifest.model_copy(update={"parts": (part,)})
            try:
                ids.update(review.review_id for review in context.lake.read_reviews(uri, alone))
            except (LakeDamaged, ObjectMissing) as error:
                losses.append(_loss(f"{folder}/{part}", name, error, context, **about))
        if is_short(manifest, len(ids)) and len(losses) == lost_before:
            losses.append(_loss(name, name, None, context, **about))
    return history._replace(losses=tuple(losses))


def is_whole(manifest: Manifest) -> bool:
    """Tell whether a collection held all there was, so that a review that it lacks is gone."""
    return manifest.mode == "full" and manifest.status == "complete"


def is_short(manifest: Manifest, read: int) -> bool:
    """Tell whether a collection holds fewer different reviews than its manifest says."""
    return manifest.status in _COUNTED and read < manifest.distinct_ids


def with_notes(connection: wh.Connection, history: History, kept: Kept) -> History:
    """Add to the losses of a history what `ops.lost_objects` and the warehouse know of them.

    `kept` counts what the warehouse knows and no readable object of the history holds.
    """
    key = {"source": history.source, "imdb_id": history.imdb_id}
    noted = {loss.object: loss for loss in lost_objects(connection, **key)}
    losses = []
    for loss in history.losses:
        before = noted.get(loss.object, loss)
        if before.settled_by is not None:
            losses.append(before)
            continue
        update = {
            "known_reviews": kept.reviews,
            "known_revisions": kept.revisions,
            "found_at": before.found_at,
        }
        losses.append(loss.model_copy(update=update))
    return history._replace(losses=tuple(losses))


def settle(history: History, *, is_given_up: bool) -> History:
    """Settle the open losses of a history.

    Raises:
        HistoryLost: They may not be settled.
    """
    opened = [loss for loss in history.losses if loss.settled_by is None]
    if not opened:
        return history
    is_known = not any(loss.known_reviews or loss.known_revisions for loss in opened)
    found_at = max(loss.found_at for loss in opened)
    is_shown = is_known and any(
        manifest.started_at > found_at and is_whole(manifest)
        for manifest in history.readable().values()
    )
    if not is_given_up and not is_shown:
        raise HistoryLost(opened)
    how: SettledBy = "collection" if is_shown else "person"
    done = {"settled_by": how, "settled_at": datetime.now(UTC)}
    losses = (loss if loss.settled_by else loss.model_copy(update=done) for loss in history.losses)
    return history._replace(losses=tuple(losses))


def note(connection: wh.Connection, losses: Collection[Loss], context: Context) -> None:
    """Note losses in the warehouse; settled ones in the lake too, and there first."""
    for loss in losses:
        if loss.settled_by is not None:
            context.lake.write(loss.note, loss.model_dump_json(indent=1).encode())
        note_lost_object(connection, **loss.model_dump())


def bring_notes_back(context: Context) -> None:
    """Note in the warehouse the settled losses that only the lake knows.

    A note that cannot be read is passed over: its loss is open again.
    """
    found = []
    for name in context.lake.names(FOLDER):
        with suppress(ValidationError):
            found.append(Loss.model_validate_json(context.lake.read(name)).model_dump())
    if found:
        note_lost_object.many(context.warehouse, found)


def drop_notes(source: str, imdb_id: str, erased_at: datetime, context: Context) -> None:
    """Delete the lake's notes of a movie's losses in collections begun before its erasure (UTC)."""
    for name in context.lake.names(f"{FOLDER}/{source}/{imdb_id}"):
        try:
            begun = Loss.model_validate_json(context.lake.read(name)).collected_at
        except ValidationError:
            begun = erased_at  # nobody can read the note, so nobody needs it
        if begun <= erased_at:
            context.lake.delete(name)


def _loss(
    name: str, manifest_name: str, error: Exception | None, context: Context, **about: Any
) -> Loss:
    """Describe a lost object; `about` are the fields of `Loss` that its collection gives."""
    digest = None
    with suppress(LakeUnavailable):
        digest = sha256(context.lake.read(name)).hexdigest()
    fault: Fault = "too_few" if error is None else "damaged"
    return Loss(
        object=name,
        manifest=manifest_name,
        fault="missing" if isinstance(error, ObjectMissing) else fault,
        sha256=digest,
        found_at=datetime.now(UTC),
        **about,
    )


def begun_at_by_folder(folder: str) -> datetime | None:
    """Return when a collection was begun (UTC), as its folder's name says; None if it does not."""
    with suppress(ValueError):
        stamp = folder.rpartition("/")[2][:15]
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return None
