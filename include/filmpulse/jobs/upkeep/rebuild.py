"""Rebuilding the warehouse from the lake, movie by movie."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Literal, NamedTuple

from filmpulse.errors import BadInput, LakeUnavailable
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.inbox.title_lists import bring_lists_back
from filmpulse.jobs.reception.load import line_of, record_load, store_what_it_says
from filmpulse.jobs.reception.read_history import HistoryLost, bring_notes_back, note, read_history
from filmpulse.jobs.reception.replay import replay_what_is_left
from filmpulse.jobs.upkeep.erase import replay_erasures
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.warehouse.collections import loaded_collection, loaded_movies, movie_loads
from filmpulse.warehouse.figures import changing
from filmpulse.warehouse.load import Loaded, ensure_movie
from filmpulse.warehouse.losses import Loss

log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """How the rebuild of one source's reviews of a movie ended.

    `status` is rebuilt, lost (objects of the lake are lost and not given up) or unreadable (the
    lake did not answer). Nothing was changed if it is not rebuilt: `error` then says what to do.
    `collections` counts those that were read. The `losses` of a movie that was rebuilt are settled.
    """

    source: str
    imdb_id: str
    status: Literal["rebuilt", "lost", "unreadable"]
    collections: int = 0
    loaded: Loaded = Loaded()
    losses: tuple[Loss, ...] = ()
    error: str = ""


class Rebuilt(NamedTuple):
    """How a rebuild went, by movie and source, in their order."""

    verdicts: list[Verdict]

    @property
    def imdb_ids(self) -> list[str]:
        """The movies that were written anew."""
        return sorted({one.imdb_id for one in self.verdicts if one.status == "rebuilt"})

    @property
    def collections(self) -> int:
        """How many collections were read."""
        return sum(one.collections for one in self.verdicts)

    @property
    def loaded(self) -> Loaded:
        """All that changed, added up."""
        return Loaded(*map(sum, zip(Loaded(), *(one.loaded for one in self.verdicts), strict=True)))

    @property
    def failures(self) -> list[str]:
        """Why movies were not rebuilt, a sentence each."""
        return [one.error for one in self.verdicts if one.status != "rebuilt"]

    @property
    def passed_over(self) -> int:
        """How many lost objects were passed over, since their loss is settled."""
        return sum(len(one.losses) for one in self.verdicts if one.status == "rebuilt")


LAKE_IS_AWAY = 3
"""If the lake does not answer for so many movies in a row, the lake itself is away."""


def rebuild(
    context: Context,
    imdb_ids: Collection[str] = (),
    progress: Progress = silent,
    *,
    accept_loss: bool = False,
) -> Rebuilt:
    """Write the reviews of movies anew from all their collections in the lake.

    Rows that come out as they were are not touched, and scores of reviews that stay are kept. An
    empty warehouse also gets the movies' facts, the lines of `ops.collections` and the lists of
    titles back. What a backup brought back of erased reviews is erased first. Each movie is one
    transaction; a second call changes nothing. A movie with lost objects in the lake is left as it
    is.

    Args:
        context: Settings, warehouse and lake.
        imdb_ids: The movies; all that the lake or the warehouse holds when empty.
        progress: Told the movies done and all.
        accept_loss: Give up the lost objects of these movies: note them, and write the movies anew
            from the rest, keeping all that the warehouse knows.

    Raises:
        BadInput: Neither the lake nor the warehouse holds a collection of one of the movies, or
            a loss is to be accepted without naming the movie.
        Retryable: The lake or the warehouse does not answer; the movies before stay rebuilt.
    """
    if accept_loss and not imdb_ids:
        raise BadInput("A loss is accepted for movies that are named: say which.")
    verdicts: list[Verdict] = []
    replay_erasures(context)
    bring_notes_back(context)
    if not imdb_ids:
        bring_lists_back(context)
    movies = _movies_to_rebuild(imdb_ids, context)
    for done, (source, imdb_id) in enumerate(movies, start=1):
        verdicts.append(_rebuild_or_say_why(source, imdb_id, context, accept_loss))
        last = [one.status for one in verdicts[-LAKE_IS_AWAY:]]
        if last == ["unreadable"] * LAKE_IS_AWAY:
            raise LakeUnavailable(verdicts[-1].error)
        progress(done, len(movies))
    return Rebuilt(verdicts)


def _movies_to_rebuild(imdb_ids: Collection[str], context: Context) -> list[tuple[str, str]]:
    """Return each source and movie with a collection in the lake or in `ops.loads`, sorted."""
    known: set[tuple[str, str]] = set(loaded_movies(context.warehouse))
    known |= {context.lake.subject_of(uri) for uri in context.lake.manifests()}
    if unknown := set(imdb_ids) - {imdb_id for _, imdb_id in known}:
        raise BadInput(f"The lake holds no collection of {', '.join(sorted(unknown))}.")
    return sorted(key for key in known if not imdb_ids or key[1] in imdb_ids)


def _rebuild_or_say_why(source: str, imdb_id: str, context: Context, accept_loss: bool) -> Verdict:
    try:
        return _rebuild(source, imdb_id, context, accept_loss)
    except HistoryLost as lost:
        with context.warehouse.connect() as connection:
            note(connection, lost.losses, context)
        return Verdict(source, imdb_id, "lost", losses=lost.losses, error=str(lost))
    except LakeUnavailable as error:
        return Verdict(source, imdb_id, "unreadable", error=f"{imdb_id}: {error}")


def _rebuild(source: str, imdb_id: str, context: Context, accept_loss: bool) -> Verdict:
    """Write one source's reviews of a movie anew."""
    # The lock comes first, so that no collection is loaded meanwhile.
    with context.warehouse.connect() as connection, changing(connection, imdb_id):
        loads = dict(movie_loads(connection, source=source, imdb_id=imdb_id))
        uris = {*loads, *context.lake.manifests(source, imdb_id)}
        history = read_history(source, imdb_id, loads, uris, context)
        if not uris:  # erased since
            return Verdict(source, imdb_id, "rebuilt")
        ensure_movie(connection, imdb_id)
        for manifest in history.manifests.values():
            store_what_it_says(connection, manifest)
        tombstones = Tombstones.read(connection, source, imdb_id)
        history, loaded = replay_what_is_left(
            connection, history, tombstones, context, accept_loss=accept_loss
        )
        readable = history.readable()
        # A run that was tried twice has one line, that of its last try.
        for uri, manifest in reversed(history.manifests.items()):
            record_load(connection, uri, readable[uri], Loaded())
            loaded_collection(connection, manifest_uri=uri, is_restored=True, **line_of(manifest))
    log.info("%s %s: %d collections, %s", source, imdb_id, len(readable), loaded)
    return Verdict(source, imdb_id, "rebuilt", len(readable), loaded, history.losses)
