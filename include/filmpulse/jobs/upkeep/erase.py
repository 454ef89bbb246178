"""Erasing on request: a movie, a review, or all that one author wrote (docs/adr/0016).

The request is noted in the warehouse and in the lake. Reading and loading then pass over what was
erased, and a rebuild or a restore erases it again (`replay_erasures`). A note holds ids of movies
and reviews and hashes of authors and auditors, but no name and no user id of a site.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Literal, NamedTuple

from pydantic import ValidationError

from filmpulse import sources as registry
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LakeDamaged
from filmpulse.items import FIRST_SOURCE, Review, author_key, is_imdb_id
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.reception.read_history import begun_at_by_folder, drop_notes
from filmpulse.jobs.upkeep.auditors import drop_noted
from filmpulse.jobs.upkeep.find_kept import ALL_SOURCES, Holding, Named, find_kept, table_sources
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import AREAS, MANIFEST, Manifest
from filmpulse.sources import KEYED as KEYED_IN_PAGES
from filmpulse.sources.tables.rows import KEYED as KEYED_IN_TABLES
from filmpulse.sources.tables.values import key_of
from filmpulse.warehouse import Connection
from filmpulse.warehouse import erasures as wh
from filmpulse.warehouse.erasures import FOLDER, Erasure, Kind
from filmpulse.warehouse.figures import changing

log = logging.getLogger(__name__)


_SOURCE = re.compile(r"[a-z][a-z0-9_-]*")
_REVIEW_ID = re.compile(r"[\x21-\x7e]{1,200}")
# An author's key, alone or in the address of the user's page.
_AUTHOR_KEY = re.compile(
    rf"(?:\S*/user/)?(?:{KEYED_IN_PAGES}|{KEYED_IN_TABLES})?([0-9a-f]{{32}})(?:[/?#]\S*)?"
)
_FIELDS = {
    name: re.compile(rb'"%s":\s*("(?:[^"\\]|\\.)*")' % name.encode())
    for name in ("review_id", "author_key")
}


class Erased(NamedTuple):
    """What an erasure took out, or would take out.

    `reviews` counts rows of `core.reviews`, and `rows` those of all tables. `lines` counts reviews
    in the lake's collections: a review that ten of them hold counts ten times. `objects` counts
    whole objects of the lake: collections of a movie, kept pages, files of the inbox, exports.
    """

    reviews: int = 0
    rows: int = 0
    lines: int = 0
    objects: int = 0

    def __add__(self, other: tuple[int, ...]) -> Erased:  # type: ignore[override]
        """Add number by number."""
        return Erased(*(a + b for a, b in zip(self, other, strict=True)))


def find_key(kind: Kind, given: str, source: str, settings: Settings) -> str:
    """Turn what a person typed into the key under which the warehouse and the lake store it.

    `given` is an IMDb id, a review's id or an author. An author is the author's key as tables
    (`author_key`), pages (`key-...`) or waiting tables (`filmpulse-author-...`) write it, a site's
    id of the user, the address of the user's page, or what a file calls the author. All but the
    key is hashed here and kept nowhere.

    Raises:
        BadInput: `given` or `source` cannot be what it should be, or an author's own id was given
            without the secret of the hash.
    """
    if not _SOURCE.fullmatch(source) or source in AREAS:
        raise BadInput(f"No source of reviews (such as imdb): {source[:80]!r}.")
    if kind == "movie":
        if not is_imdb_id(given):
            raise BadInput(f"No IMDb id (tt and 7 to 9 digits): {given[:80]}.")
        return given
    if kind == "review":
        if not _REVIEW_ID.fullmatch(given):
            raise BadInput(f"No id of a review (such as rw1234567): {given[:80]!r}.")
        return given
    given = key_of(given)
    if hashed := _AUTHOR_KEY.fullmatch(given):
        return hashed[1]
    known = registry.known().get(source)
    own_id = known.author_id(given) if known else given
    if not own_id:
        raise BadInput(
            "No author: give the author_key (32 hexadecimal digits), or the site's own id of the "
            "user, such as ur1234567. Of an author in a file, give what the file says and --source."
        )
    secret = settings.author_key_secret
    if secret is None:
        raise BadInput(
            "An author's own id finds their reviews only with the secret with which they were "
            "stored: set FILMPULSE_AUTHOR_SECRET, or give the author_key."
        )
    return author_key(source, own_id, secret)


def find_stored(kind: Kind, given: str, source: str | None, context: Context) -> list[Named]:
    """Return which stored movies, reviews or authors a person's words name, sorted.

    An erasure that was noted counts as stored, so that one that broke off can be completed. Without
    a source, a review is looked for in every live source, and an author in every source that the
    warehouse, the lake or the inbox knows. `given` and the errors are those of `find_key`.

    Reads every collection of the sources, or of the movie, in the lake.
    """
    named, wrong = set[Named](), None
    for of in [source] if source else registry.known():
        try:
            named.add(Named(of, find_key(kind, given, of, context.settings)))
        except BadInput as error:
            wrong = error
    if wrong is not None and not named:
        raise wrong
    if kind == "author":
        sources = {source} if source else _sources(context)
        named |= {
            Named(of, key) for of in sources for key in _author_keys(given, of, context.settings)
        }
        stored = _stored_authors(named, context)
    else:
        stored = {one for one in named if any(preview(kind, one.key, context, one.source))}
    noted = {*context.lake.names(FOLDER), *(one.name for one in wh.erasures(context.warehouse))}
    now = datetime.now(UTC)
    return sorted(
        one
        for one in named
        if one in stored or _erasure(kind, one.key, one.source, now).name in noted
    )


def _author_keys(given: str, source: str, settings: Settings) -> set[str]:
    """Return every key under which a source may hold the author whom a person named.

    An author of a file is hashed as the file calls the author. A file may use whatever somebody
    copied: a site's id, or a key in one of its forms.
    """
    given = key_of(given)
    hashed = _AUTHOR_KEY.fullmatch(given)
    keys = {hashed[1]} if hashed else set()
    secret = settings.author_key_secret
    if secret is None:
        return keys
    users = {one.name: user for one in registry.known().values() if (user := one.author_id(given))}
    keys |= {author_key(of, user, secret) for of, user in users.items()}
    if source not in registry.known():
        called = {given, *keys, *(f"{KEYED_IN_PAGES}{key}" for key in keys), *users.values()}
        keys |= {author_key(source, name, secret) for name in called}
    return keys


def _sources(context: Context) -> set[str]:
    """Return the sources that the warehouse, the lake or the inbox knows, and the live ones."""
    in_warehouse = set(wh.erase_sources(context.warehouse))
    return {*registry.known()} | context.lake.sources() | in_warehouse | table_sources(context)


def _stored_authors(named: Collection[Named], context: Context) -> set[Named]:
    """Return the authors whom the warehouse, the lake, the inbox or the quarantine holds."""
    now = datetime.now(UTC)
    tombstones = Tombstones.of(_erasure("author", one.key, one.source, now) for one in named)
    written = {Named(one.source, one.author_key or "") for one in _written_by(tombstones, context)}
    kept = {one for holding in find_kept(tombstones, context) for one in holding.named}
    return (written | kept).intersection(named)


def preview(kind: Kind, key: str, context: Context, source: str = FIRST_SOURCE) -> Erased:
    """Count what `erase` would erase now, and change nothing."""
    tombstones = Tombstones.of([_erasure(kind, key, source, datetime.now(UTC))])
    for found in _written_by(tombstones, context):
        tombstones.reviews[found.source].add(found.review_id)
    return _erase(tombstones, context, is_trial=True)


def erase(
    kind: Kind, key: str, context: Context, source: str = FIRST_SOURCE, progress: Progress = silent
) -> Erased:
    """Erase a movie, a review or an author from warehouse, lake, inbox, quarantine and exports.

    The request is noted first: if the erasure breaks off, the same call does the rest. Reviews and
    authors stay erased; what is seen of a movie after this moment may be stored again. With an
    author, the ids of their reviews are noted too, since not every page says who wrote them.

    `key` is as `find_key` gives it; `find_stored` says whether anything is stored under it. A movie
    is erased from all sources. `progress` is told the movies looked through, and all of them.

    Returns:
        What was erased; all zero if nothing was stored.

    Raises:
        Retryable: The lake or the warehouse did not answer; do the same again.

    Reads every collection of the source, or of the movie, in the lake.
    """
    erasure = _erasure(kind, key, source, datetime.now(UTC))
    note([erasure], context)
    erased = _apply(Tombstones.of([erasure]), erasure.erased_at, context, progress)
    log.info("%s was erased: %s", erasure, erased)
    return erased


def replay_erasures(context: Context, since: datetime | None = None) -> Erased:
    """Erase again what was erased before, if a backup or work under way brought it back.

    A request that only the lake or only the warehouse knows is noted in the other too. With `since`
    (UTC), only these requests and those after that moment are replayed. Files that wait in the
    inbox are left: importing them passes over what was erased.

    Returns:
        What had come back; a second call erases nothing.

    Raises:
        BadInput: A note in the lake cannot be read, and the warehouse does not have the same note.
    """
    in_warehouse = {erasure.name: erasure for erasure in wh.erasures(context.warehouse)}
    in_lake = {erasure.name: erasure for erasure in _noted_in_lake(context, in_warehouse)}
    wanted, lost = list[Erasure](), list[Erasure]()
    for name in sorted(in_warehouse.keys() | in_lake.keys()):
        both = [known[name] for known in (in_warehouse, in_lake) if name in known]
        newest = max(both, key=lambda erasure: erasure.erased_at)
        is_lost = in_warehouse.get(name) != in_lake.get(name)
        if is_lost:
            lost.append(newest)
        if since is None or is_lost or newest.erased_at > since:
            wanted.append(newest)
    note(lost, context)
    if not wanted:
        return Erased()
    latest = max(erasure.erased_at for erasure in wanted)
    erased = _apply(Tombstones.of(wanted), latest, context, with_waiting=False)
    if any(erased):
        log.warning("What was erased before had come back, and was erased again: %s", erased)
    return erased


def take_out(manifest_uri: str, tombstones: Tombstones, context: Context) -> Manifest:
    """Take erased reviews out of one collection in the lake; return its manifest as it is now.

    The caller holds the movie's lock.
    """
    folder = context.lake.name_of(manifest_uri).rpartition("/")[0]
    source = context.lake.subject_of(manifest_uri)[0]
    _take_lines_out(context.lake.names(folder), source, tombstones, context)
    return context.lake.read_manifest(manifest_uri)


def _take_lines_out(
    names: Sequence[str],
    source: str,
    tombstones: Tombstones,
    context: Context,
    *,
    is_trial: bool = False,
) -> int:
    """Take erased reviews out of the objects of one collection; return how many lines."""
    return context.lake.rewrite(
        names,
        lambda lines: _concerns(lines, tombstones, source),
        lambda review: None if tombstones.covers(review) else review,
        is_trial=is_trial,
    )


def sweep_kept_pages(context: Context) -> int:
    """Delete kept pages with erased reviews (quarantine, `done/`, `failed/`), and such exports.

    A page or an export that was written after the erasure may still show what was erased.

    Returns:
        How many objects were deleted.
    """
    erasures = wh.erasures(context.warehouse)
    people = Tombstones.of(erasure for erasure in erasures if erasure.kind != "movie")
    if not people.sources:
        return 0
    kept = list(find_kept(people, context, with_waiting=False))
    _delete(kept, context)
    return sum(len(holding.names) for holding in kept)


def read_unless_erased(
    manifest_uri: str, imdb_id: str, tombstones: Tombstones, context: Context
) -> Manifest:
    """Read the manifest of a collection, unless the movie was erased after it was begun.

    Raises:
        BadInput: The movie was erased (`erased`); what was left of the collection is deleted.
        LakeUnavailable: The manifest could not be read.
    """
    name = context.lake.name_of(manifest_uri)
    erased_at = tombstones.movies.get(imdb_id)
    if erased_at is None or context.lake.size(name) is not None:
        manifest = context.lake.read_manifest(manifest_uri)
        if erased_at is None or manifest.started_at > erased_at:
            return manifest
    context.lake.delete_collection(name.rpartition("/")[0])
    raise BadInput(
        f"{imdb_id} was erased on request at {erased_at:%Y-%m-%d %H:%M} UTC, and this was seen "
        "before: it was deleted, not stored. What is seen from now on will be.",
        reason="erased",
    )


def _erasure(kind: Kind, key: str, source: str, erased_at: datetime) -> Erasure:
    source = ALL_SOURCES if kind == "movie" else source
    return Erasure(kind=kind, source=source, key=key, erased_at=erased_at)


def note(erasures: Sequence[Erasure], context: Context) -> None:
    """Write requests down, in the lake first."""
    for erasure in erasures:
        context.lake.write(erasure.name, erasure.model_dump_json(indent=1).encode())
    if erasures:
        wh.erase_record.many(context.warehouse, [erasure.model_dump() for erasure in erasures])


def _noted_in_lake(context: Context, in_warehouse: Mapping[str, Erasure]) -> Iterator[Erasure]:
    for name in context.lake.names(FOLDER):
        if not name.endswith(".json"):
            continue
        try:
            yield Erasure.model_validate_json(context.lake.read(name))
        except ValidationError as error:
            if name not in in_warehouse:
                raise BadInput(
                    f"{name} in the lake should say what was erased, and cannot be read: {error}. "
                    "Bring it back from the lake's backup."
                ) from error
            log.warning("%s was damaged, and is written anew.", name)


def _apply(
    tombstones: Tombstones,
    erased_at: datetime,
    context: Context,
    progress: Progress = silent,
    *,
    with_waiting: bool = True,
) -> Erased:
    """Note the reviews of erased authors, then erase all of it."""
    for noted in wh.erasures(context.warehouse):
        # If an author's erasure broke off, their reviews were noted, and may not be found again.
        if noted.kind == "review" and tombstones.authors.get(noted.source):
            tombstones.reviews[noted.source].add(noted.key)
    written = sorted({(one.source, one.review_id) for one in _written_by(tombstones, context)})
    found = [
        _erasure("review", review_id, source, erased_at)
        for source, review_id in written
        if review_id not in tombstones.reviews.get(source, ())
    ]
    note(found, context)
    for erasure in found:
        tombstones.reviews[erasure.source].add(erasure.key)
    return _erase(tombstones, context, progress, with_waiting=with_waiting)


def _written_by(tombstones: Tombstones, context: Context) -> set[wh.Found]:
    """Find the reviews of erased authors in the warehouse and in the lake."""
    authors = Tombstones(authors=tombstones.authors)
    found: set[wh.Found] = set()

    def remember(review: Review) -> Review:
        if authors.covers(review):
            found.add(wh.Found(review.source, review.imdb_id, review.review_id, review.author_key))
        return review

    for source in authors.sources:
        found.update(wh.erase_found(context.warehouse, **_keys(authors, source)))
        movies = [imdb_id for of, imdb_id in context.lake.movies() if of == source]
        folders = [context.lake.collections(source, imdb_id) for imdb_id in movies]
        concerns = partial(_concerns, tombstones=authors, source=source)
        for of in (*folders, context.lake.drained(source)):
            for names in of.values():
                context.lake.rewrite(names, concerns, remember, is_trial=True)
    return found


def _erase(
    tombstones: Tombstones,
    context: Context,
    progress: Progress = silent,
    *,
    is_trial: bool = False,
    with_waiting: bool = True,
) -> Erased:
    """Erase from the lake, then from the warehouse, movie by movie; then kept pages and files."""
    movies = _concerned_movies(tombstones, context)
    total = Erased()
    for done, (imdb_id, sources) in enumerate(sorted(movies.items()), start=1):
        with context.warehouse.connect() as connection:
            with changing(connection, imdb_id):
                for source in sorted(sources):
                    total += _erase_in_lake(source, imdb_id, tombstones, context, is_trial)
                total += _erase_rows(connection, imdb_id, sources, tombstones)
            if is_trial:
                connection.rollback()
        progress(done, len(movies))
    total += _erase_in_drains(tombstones, context, is_trial)
    total += Erased(rows=drop_noted(context.warehouse, tombstones.auditors, context.settings))
    kept = list(find_kept(tombstones, context, with_waiting=with_waiting))
    if is_trial and not any(total) and not any(holding.named for holding in kept):
        return total  # refused rows alone do not show that anything is stored
    if not is_trial:
        _delete(kept, context)
    return total + Erased(objects=sum(len(holding.names) for holding in kept))


def _concerned_movies(tombstones: Tombstones, context: Context) -> dict[str, set[str]]:
    """Return the movies that may hold what is to be erased, each with its sources."""
    movies: dict[str, set[str]] = {imdb_id: set() for imdb_id in tombstones.movies}
    for source, imdb_id in context.lake.movies():
        if source in tombstones.sources or imdb_id in tombstones.movies:
            movies.setdefault(imdb_id, set()).add(source)
    for source in tombstones.sources:
        for row in wh.erase_found(context.warehouse, **_keys(tombstones, source)):
            movies.setdefault(row.imdb_id, set()).add(source)
    return movies


def _keys(tombstones: Tombstones, source: str) -> dict[str, str | list[str]]:
    return {
        "source": source,
        "review_ids": sorted(tombstones.reviews.get(source, ())),
        "author_keys": sorted(tombstones.authors.get(source, ())),
    }


def _erase_in_lake(
    source: str, imdb_id: str, tombstones: Tombstones, context: Context, is_trial: bool
) -> Erased:
    lines = objects = 0
    erased_at = tombstones.movies.get(imdb_id)
    if erased_at is not None and not is_trial:
        drop_notes(source, imdb_id, erased_at, context)
    for folder, names in context.lake.collections(source, imdb_id).items():
        if erased_at is not None and _begun_at(folder, names, context) <= erased_at:
            objects += len(names)
            if not is_trial:
                context.lake.delete_collection(folder)
        elif source in tombstones.sources:
            lines += _take_lines_out(names, source, tombstones, context, is_trial=is_trial)
    return Erased(lines=lines, objects=objects)


def _erase_in_drains(tombstones: Tombstones, context: Context, is_trial: bool) -> Erased:
    """Take erased reviews, and those of erased movies, out of what streams told."""
    movies = {imdb_id.encode(): at for imdb_id, at in tombstones.movies.items()}
    lines = 0
    for source in context.lake.folders("streams"):
        for folder, names in context.lake.drained(source).items():
            begun_at = _begun_at(folder, names, context)
            gone = {imdb_id for imdb_id, at in movies.items() if begun_at <= at}

            def concerns(text: bytes, source: str = source, gone: set[bytes] = gone) -> bool:
                is_of_movie = any(imdb_id in text for imdb_id in gone)
                return is_of_movie or _concerns(text, tombstones, source)

            def change(review: Review, gone: set[bytes] = gone) -> Review | None:
                is_gone = review.imdb_id.encode() in gone or tombstones.covers(review)
                return None if is_gone else review

            lines += context.lake.rewrite(names, concerns, change, is_trial=is_trial)
    return Erased(lines=lines)


def _begun_at(folder: str, names: Sequence[str], context: Context) -> datetime:
    """Return when a collection was begun: by its manifest, else by its folder, else by its files.

    A drain's manifest does not say it.
    """
    manifest = f"{folder}/{MANIFEST}"
    if manifest in names:
        with suppress(LakeDamaged):
            return context.lake.read_manifest(context.lake.uri_of(manifest)).started_at
    by_folder = begun_at_by_folder(folder)
    return by_folder or max(context.lake.modified_at(name) for name in names)


def _concerns(lines: bytes, tombstones: Tombstones, source: str) -> bool:
    """Tell by ids alone whether a part of a collection may hold what is to be erased."""
    ids, authors = tombstones.reviews.get(source), tombstones.authors.get(source)
    return bool(
        (ids and not ids.isdisjoint(ids_in(lines, "review_id")))
        or (authors and not authors.isdisjoint(ids_in(lines, "author_key")))
    )


def ids_in(lines: bytes, name: Literal["review_id", "author_key"]) -> Iterator[str]:
    """Yield each value of a field in a part of a collection, without parsing its reviews."""
    return map(json.loads, _FIELDS[name].findall(lines))


def _erase_rows(
    connection: Connection, imdb_id: str, sources: Collection[str], tombstones: Tombstones
) -> Erased:
    total = Erased()
    # While this is held no text is sent to a model; afterwards the erased ones are gone.
    wh.take_ledger_turn(connection)
    for source in sorted(set(sources) & set(tombstones.sources)):
        keys = _keys(tombstones, source) | {"imdb_id": imdb_id}
        total += _counted(connection, wh.erase_reviews.one(connection, **keys))
    erased_at = tombstones.movies.get(imdb_id)
    if erased_at is not None:
        about = {"imdb_id": imdb_id, "erased_at": erased_at}
        total += _counted(connection, wh.erase_movie.one(connection, **about))
        gone = wh.erase_movie_row(connection, **about)
        if not gone:
            wh.erase_movie_facts(connection, **about)
        wh.erase_movie_calls(connection, **about)
        total += Erased(rows=gone)
    return total


def _counted(connection: Connection, gone: wh.Gone) -> Erased:
    """Delete a model's answers about the words of erased reviews; count all that is gone."""
    answers = wh.erase_answers(connection, hashes=gone.hashes)
    return Erased(reviews=gone.reviews, rows=gone.reviews + gone.others + answers)


def _delete(kept: Iterable[Holding], context: Context) -> None:
    """Delete kept pages, files and exports; warn of exports and of what was not imported yet."""
    for holding in kept:
        # A file's note comes last: it says which movie the rest is about.
        for name in holding.names:
            context.lake.delete(name)
        if holding.is_export:
            log.warning(
                "%s was deleted, since it holds what was erased: the DAG export_reviews writes a "
                "new one.", holding.file,
            )  # fmt: skip
        if holding.waits:
            log.warning(
                "%s waited and was deleted, since it holds what was erased. If it holds more, "
                "add it again: importing it passes over what was erased.", holding.file,
            )  # fmt: skip
