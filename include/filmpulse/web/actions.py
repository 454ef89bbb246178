"""What a visitor can have done, for pages and API alike: one function an action.

Each takes the door and what a person typed; rights were checked before (`guard`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from filmpulse import jobs
from filmpulse.errors import BadInput, FilmpulseError
from filmpulse.items import Mode
from filmpulse.jobs import IdFile
from filmpulse.warehouse import pages
from filmpulse.web.door import Door, Visitor

_YEAR = re.compile(r" \([0-9]{4}\)$")
RECEPTION, BACKLOG, CATALOGUE = "movie_reception", "analyse_backlog", "refresh_catalogue"


class Tracking(NamedTuple):
    """What tracking movies did.

    Attributes:
        imdb_ids: The movies that were asked for, each once.
        new: Those that were not tracked before.
        run_id: The run that reads the new ones; None if there is none.
        problem: Why no run was started, although movies were added; the next detection takes them
            up within the hour.
    """

    imdb_ids: list[str]
    new: list[str]
    run_id: str | None = None
    problem: str | None = None


def track(typed: Sequence[str], door: Door, visitor: Visitor) -> Tracking:
    """Track movies, and start reading those that are new.

    Args:
        typed: IMDb ids, or addresses of movies' pages there.
        door: The house.
        visitor: Who asks.

    Raises:
        BadInput: An entry is neither, there are none, or the list cannot be changed.
    """
    imdb_ids = jobs.typed_ids(typed)
    if not imdb_ids:
        raise BadInput("No movie was asked for.")
    return _read_new(imdb_ids, door.change_tracked(add=imdb_ids).added, door, visitor)


def track_many(
    content: bytes, name: str | None, door: Door, visitor: Visitor
) -> tuple[Tracking, IdFile]:
    """Track the movies that a file or a pasted text (without a name) names.

    Lines that name none are passed over.

    Returns:
        As `track`, and what the file holds. If more movies are new than one run takes, no run is
        started: the detector takes them up.

    Raises:
        BadInput: It names no movie, cannot be read, or the list cannot be changed.
    """
    found = jobs.read_ids(name or "The text", content)
    made = door.change_tracked(add=found.imdb_ids, file_name=name)
    if len(made.added) > door.context().settings.movies_per_run:
        return Tracking(list(found.imdb_ids), made.added), found
    return _read_new(list(found.imdb_ids), made.added, door, visitor), found


def _read_new(imdb_ids: list[str], new: list[str], door: Door, visitor: Visitor) -> Tracking:
    """Start reading movies that are new."""
    if not new:
        return Tracking(imdb_ids, new)
    try:
        run_id = door.start(RECEPTION, {"imdb_ids": new, "mode": "full"}, visitor)
    except FilmpulseError as error:  # the movies are tracked nevertheless
        return Tracking(imdb_ids, new, problem=str(error))
    return Tracking(imdb_ids, new, run_id)


def untrack(imdb_id: str, door: Door) -> bool:
    """Stop tracking a movie; what was collected stays. Return whether it was tracked."""
    return bool(door.change_tracked(remove=[imdb_id]).removed)


def refresh(imdb_id: str, mode: Mode, door: Door, visitor: Visitor) -> str | None:
    """Start reading a movie's reviews now; return the run's id.

    None, and nothing is started, while the movie is being read or scored. Raises as `Door.start`.
    """
    if _is_at_work(imdb_id, door):
        return None
    return door.start(RECEPTION, {"imdb_ids": [imdb_id], "mode": mode}, visitor)


def rescore(imdb_id: str, door: Door, visitor: Visitor) -> str | None:
    """Start scoring what the configured analyser has not scored; return as `refresh` does.

    A model is also asked again about texts to which its answer could not be read.
    """
    if _is_at_work(imdb_id, door):
        return None
    door.check_start(BACKLOG, visitor)
    jobs.ask_again(door.context(is_scoring=True), [imdb_id])
    return door.start(BACKLOG, {"imdb_ids": [imdb_id]}, visitor)


def _is_at_work(imdb_id: str, door: Door) -> bool:
    state = pages.states.first(door.context().warehouse, imdb_ids=[imdb_id])
    return state is not None and state.is_at_work


def erase(imdb_id: str, typed_title: str, door: Door) -> jobs.Erased:
    """Stop tracking a movie and erase all that is stored of it, for ever, as `filmpulse forget`.

    Args:
        imdb_id: The movie.
        typed_title: Its title, or its title and year, as a person typed it to confirm.
        door: The house.

    Raises:
        BadInput: Nothing is stored of the movie, or the typed title is not its title.
        Retryable: The lake or the warehouse did not answer; the same request does the rest.
    """
    context = door.context()
    if not jobs.find_stored("movie", imdb_id, None, context):
        raise BadInput(f"Nothing is stored of {imdb_id}.", reason="nothing_stored")
    label = jobs.label(imdb_id, context)
    if _plain(typed_title) not in {_plain(label), _plain(_YEAR.sub("", label)), imdb_id}:
        raise BadInput(
            f'To erase it, type its title: "{label}". Nothing was erased.', reason="other_title"
        )
    untrack(imdb_id, door)
    return jobs.erase("movie", imdb_id, context)


def accept_catalogue(subset: str, door: Door, visitor: Visitor) -> str | None:
    """Note that a person accepted the terms of IMDb's datasets, and start loading a subset.

    Returns:
        Why no run was started, although the terms are accepted; the weekly run loads them then.

    Raises:
        BadInput: There is no such subset.
        HTTPException: 403, the visitor may not start the load; nothing is accepted.
    """
    door.check_start(CATALOGUE, visitor)
    jobs.accept_catalogue(subset, door.context())
    try:
        refresh_catalogue(door, visitor)
    except FilmpulseError as error:
        return str(error)
    return None


def refresh_catalogue(door: Door, visitor: Visitor) -> str:
    """Start loading the datasets that changed; return the run's id. Raises as `Door.start`."""
    return door.start(CATALOGUE, {}, visitor)


def set_tag(imdb_id: str, tag: str, door: Door) -> str:
    """Put a tag on a movie; return the tag as it is written. Raises as `jobs.add_tag`."""
    return jobs.add_tag(imdb_id, tag, door.context())


def remove_tag(imdb_id: str, tag: str, door: Door) -> bool:
    """Take a tag off a movie; return whether the movie had it."""
    return jobs.remove_tag(imdb_id, tag, door.context())


def _plain(text: str) -> str:
    """Fold case, spaces and forms of one character, which people type differently."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
