"""A movie's history: all its collections in the lake, and what of them is lost (docs/adr/0015).

An object is lost when it is missing or damaged, or when its collection holds fewer reviews than the
manifest says. A loss is open until a person gives the object up (`rebuild --accept-loss`), or until
a complete collection, begun since the loss was found, shows all that the warehouse knows. Then the
loss is settled: noted in the warehouse and in the lake, and passed over from then on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

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
"""Collections that ended in good order, whose manifest counts just what was written.

One that broke off may have counted a batch that could not be written any more.
"""


class HistoryLost(LakeDamaged):
    """A movie's history cannot be replayed: objects are lost and not given up; nothing changed."""

    reason = "history_lost"

    def __init__(self, losses: Sequence[Loss]) -> None:
        """Word what is lost and what to do; keep the losses beside the sentence."""
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

    Attributes:
        source: The source.
        imdb_id: The movie.
        manifests: Those with a readable manifest, by its URI, in the order in which they count.
        losses: What is known to be lost.
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
    """Read the manifests of a movie's collections; one that is lost is among the losses.

    Args:
        source: The source.
        imdb_id: The movie.
        loads: When each collection that is loaded was begun (UTC), by its manifest's URI.
        uris: The manifests that are to be read.
        context: The lake.

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
            begun = loads.get(uri) or _begun_at(name)
            losses.append(_loss(name, name, source, imdb_id, begun, error, context))
    in_order = dict(sorted(manifests.items(), key=lambda item: (item[1].started_at, item[0])))
    return History(source, imdb_id, in_order, tuple(losses))


def look_through(history: History, context: Context) -> History:
    """Read every object of a history; return it with all that is lost.

    Raises:
        LakeUnavailable: The lake did not answer.
    """
    losses = list(history.losses)
    for uri, manifest in history.manifests.items():
        name = context.lake.name_of(uri)
        folder = name.rpartition("/")[0]
        ids: set[str] = set()
        lost_before = len(losses)
        for part in manifest.parts:
            alone = manifest.model_copy(update={"parts": (part,)})
            try:
                ids.update(review.review_id for review in context.lake.read_reviews(uri, alone))
            except (LakeDamaged, ObjectMissing) as error:
                losses.append(_loss_of(f"{folder}/{part}", name, manifest, error, context))
        if is_short(manifest, len(ids)) and len(losses) == lost_before:
            losses.append(_loss_of(name, name, manifest, None, context))
    return history._replace(losses=tuple(losses))


def is_short(manifest: Manifest, read: int) -> bool:
    """Tell whether a collection holds fewer different reviews than its manifest says."""
    return manifest.status in _COUNTED and read < manifest.distinct_ids


def with_notes(connection: wh.Connection, history: History, kept: Kept) -> History:
    """Add to the losses of a history what was noted of them before, and what is known now.

    Args:
        connection: The warehouse.
        history: With all that is lost of it.
        kept: What the warehouse knows and no readable object holds.
    """
    key = {"source": history.source, "imdb_id": history.imdb_id}
    noted = {loss.object: loss for loss in lost_objects(connection, **key)}
    losses = []
    for loss in history.losses:
        before = noted.get(loss.object)
        if before is not None and before.settled_by is not None:
            losses.append(before)
            continue
        known = {"known_reviews": kept.reviews, "known_revisions": kept.revisions}
        found_at = {"found_at": before.found_at if before else loss.found_at}
        losses.append(loss.model_copy(update=known | found_at))
    return history._replace(losses=tuple(losses))


def settle(history: History, *, is_given_up: bool) -> History:
    """Settle the open losses of a history, if that may be.

    Raises:
        HistoryLost: They stay open.
    """
    opened = [loss for loss in history.losses if loss.settled_by is None]
    if not opened:
        return history
    is_known = not any(loss.known_reviews or loss.known_revisions for loss in opened)
    found_at = max(loss.found_at for loss in opened)
    is_collected = any(
        manifest.started_at > found_at and manifest.mode == "full" and manifest.status == "complete"
        for manifest in history.readable().values()
    )
    if not is_given_up and not (is_known and is_collected):
        raise HistoryLost(opened)
    how: SettledBy = "collection" if is_known and is_collected else "person"
    done = {"settled_by": how, "settled_at": datetime.now(UTC)}
    return history._replace(
        losses=tuple(
            loss if loss.settled_by else loss.model_copy(update=done) for loss in history.losses
        )
    )


def note(connection: wh.Connection, losses: Collection[Loss], context: Context) -> None:
    """Write losses down; those that are settled in the lake first."""
    for loss in losses:
        if loss.settled_by is not None:
            context.lake.write(loss.note, loss.model_dump_json(indent=1).encode())
        note_lost_object(connection, **loss.model_dump())


def bring_notes_back(context: Context) -> None:
    """Note in the warehouse the settled losses that only the lake knows of.

    A note that cannot be read is passed over: its loss is open again, and named as such.
    """
    found = []
    for name in context.lake.names(FOLDER):
        with suppress(ValidationError):
            found.append(Loss.model_validate_json(context.lake.read(name)).model_dump())
    if found:
        note_lost_object.many(context.warehouse, found)


def drop_notes(source: str, imdb_id: str, erased_at: datetime, context: Context) -> None:
    """Delete the lake's notes of what a movie lost before the movie was erased (UTC)."""
    for name in context.lake.names(f"{FOLDER}/{source}/{imdb_id}"):
        try:
            begun = Loss.model_validate_json(context.lake.read(name)).collected_at
        except ValidationError:
            begun = erased_at  # nobody can read the note, so nobody needs it
        if begun <= erased_at:
            context.lake.delete(name)


def _loss_of(
    name: str, manifest_name: str, manifest: Manifest, error: Exception | None, context: Context
) -> Loss:
    loss = _loss(
        name, manifest_name, manifest.source, manifest.imdb_id, manifest.started_at, error, context
    )
    return loss.model_copy(update={"reviews": manifest.distinct_ids})


def _loss(
    name: str,
    manifest_name: str,
    source: str,
    imdb_id: str,
    begun: datetime,
    error: Exception | None,
    context: Context,
) -> Loss:
    digest = None
    with suppress(LakeUnavailable):
        digest = sha256(context.lake.read(name)).hexdigest()
    fault: Fault = "too_few" if error is None else "damaged"
    return Loss(
        object=name,
        source=source,
        imdb_id=imdb_id,
        manifest=manifest_name,
        collected_at=begun,
        fault="missing" if isinstance(error, ObjectMissing) else fault,
        sha256=digest,
        found_at=datetime.now(UTC),
    )


def _begun_at(manifest_name: str) -> datetime:
    """Say by its folder when a collection was begun; now, where that does not say."""
    with suppress(ValueError):
        stamp = manifest_name.split("/")[-2][:15]
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return datetime.now(UTC)
