"""Erasing on request: a movie, a review, or all that one author wrote (docs/adr/0016).

What was erased is noted in the warehouse and in the lake, so that neither brings it back: reading
and loading pass it over, and a rebuild or a restore erases it again (`replay_erasures`). A note
holds ids of movies and reviews and keyed hashes of authors, no name and no user id of a site.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pydantic import ValidationError

from filmpulse import sources as registry
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LakeDamaged
from filmpulse.items import FIRST_SOURCE, Review, author_key, is_imdb_id
from filmpulse.jobs.context import Context, Progress, silent
from filmpulse.jobs.reception.read_history import drop_notes
from filmpulse.jobs.reception.refresh import refresh_figures_or_fail
from filmpulse.jobs.upkeep.find_kept import ALL_SOURCES, Holding, Named, find_kept, table_sources
from filmpulse.jobs.upkeep.tombstones import Tombstones
from filmpulse.lake import AREAS, MANIFEST, Manifest
from filmpulse.sources import KEYED as KEYED_IN_PAGES
from filmpulse.sources.tables.rows import KEYED as KEYED_IN_TABLES
from filmpulse.sources.tables.values import key_of
from filmpulse.warehouse import Connection
from filmpulse.warehouse import erasures as wh
from filmpulse.warehouse.erasures import FOLDER, Erasure, Kind
from filmpulse.warehouse.load import lock_movie

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
    """What an erasure took out, or would.

    `reviews` counts rows of `core.reviews`, `rows` those of all tables; `lines` reviews in the
    lake's collections, one seen in ten of them ten times; `objects` whole objects of the lake:
    collections of a movie, kept pages, files of the inbox.
    """

    reviews: int = 0
    rows: int = 0
    lines: int = 0
    objects: int = 0

    def __add__(self, other: tuple[int, ...]) -> Erased:  # type: ignore[override]
        """Add figure by figure."""
        return Erased(*(a + b for a, b in zip(self, other, strict=True)))


def find_key(kind: Kind, given: str, source: str, settings: Settings) -> str:
    """Turn what a person typed into the key under which it is stored.

    Args:
        kind: What it names.
        given: An IMDb id, a review's id, or an author: the author's key as it stands in tables
            (`author_key`), in pages (`key-...`) or in waiting tables (`filmpulse-author-...`),
            a site's id of the user, the address of the user's page, or what a file calls the
            author. All but the key is hashed here and kept nowhere.
        source: Where the review stands or the author writes.
        settings: For the secret of the hash.

    Raises:
        BadInput: It cannot be one, or an author's own id was given without the secret.
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
    """Return what a person's words name, so far as something is stored of it.

    What was erased before counts too, so that an erasure that broke off is completed.

    Args:
        kind: What they name.
        given: As `find_key` takes it.
        source: Where the review stands or the author writes. None: every live source for a
            review; for an author every source of which the warehouse, the lake or the inbox knows.
        context: Settings, warehouse and lake.

    Returns:
        Sorted; empty where nothing is stored.

    Raises:
        BadInput: As `find_key`.

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
    noted = _noted_names(context)
    now = datetime.now(UTC)
    return sorted(
        one
        for one in named
        if one in stored or _erasure(kind, one.key, one.source, now).name in noted
    )


def _author_keys(given: str, source: str, settings: Settings) -> set[str]:
    """Return every key under which a source may hold the author whom a person named.

    The authors of a file are hashed as the file calls them, and a file may call them by whatever
    somebody copied: by a site's id, or by a key in one of its forms.
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
    """Return the authors of whom the warehouse, the lake, the inbox or the quarantine holds any."""
    now = datetime.now(UTC)
    tombstones = Tombstones.of(_erasure("author", one.key, one.source, now) for one in named)
    written = {Named(one.source, one.author_key) for one in _written_by(tombstones, context)}
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
    """Erase a movie, a review or an author from warehouse, lake, inbox and quarantine.

    The request is noted first: broken off at any point, the same call does the rest. What a person
    names goes through `find_stored` first, which knows whether anything of it is stored. Reviews
    and authors stay erased; of a movie, what is seen after this moment may be stored again. With an
    author, the ids of their reviews are noted too, since not every page says who wrote them.

    Args:
        kind: movie, review or author.
        key: As `find_key` gives it.
        context: Settings, warehouse and lake.
        source: Where the review stands or the author writes; of a movie all sources are erased.
        progress: Told the movies looked through and all.

    Returns:
        What there was; all zero where nothing was stored of it.

    Raises:
        Retryable: The lake or the warehouse did not answer, or what was erased is still counted in
            the comparison of all movies; do the same again.

    Reads every collection of the source, or of the movie, in the lake.
    """
    erasure = _erasure(kind, key, source, datetime.now(UTC))
    _note([erasure], context)
    erased = _apply(Tombstones.of([erasure]), erasure.erased_at, context, progress)
    refresh_figures_or_fail(context)
    log.info("%s was erased: %s", erasure, erased)
    return erased


def replay_erasures(context: Context, since: datetime | None = None) -> Erased:
    """Erase again whatever was ever erased, where a backup, or work under way, brought it back.

    What only the lake or only the warehouse knows of is noted in the other too. Files that wait in
    the inbox are left: importing them passes over what was erased.

    Args:
        context: Settings, warehouse and lake.
        since: Take up only what was erased later (UTC), and what one of the two had lost; all of
            it when None.

    Returns:
        What had come back; a second call erases nothing.

    Raises:
        BadInput: A note in the lake cannot be read, and the warehouse has not the same.
    """
    in_warehouse = {erasure.name: erasure for erasure in wh.erasures(context.warehouse)}
    in_lake = {erasure.name: erasure for erasure in _noted_in_lake(context, in_warehouse)}
    wanted = []
    lost = []
    for name in sorted(in_warehouse.keys() | in_lake.keys()):
        both = [known[name] for known in (in_warehouse, in_lake) if name in known]
        newest = max(both, key=lambda erasure: erasure.erased_at)
        is_lost = len({erasure.erased_at for erasure in both}) > 1 or len(both) == 1
        if is_lost:
            lost.append(newest)
        if since is None or is_lost or newest.erased_at > since:
            wanted.append(newest)
    _note(lost, context)
    if not wanted:
        return Erased()
    latest = max(erasure.erased_at for erasure in wanted)
    erased = _apply(Tombstones.of(wanted), latest, context, with_waiting=False)
    if any(erased):
        log.warning("What was erased before had come back, and was erased again: %s", erased)
    return erased


def take_out(manifest_uri: str, tombstones: Tombstones, context: Context) -> Manifest:
    """Take erased reviews out of one collection in the lake; return its manifest as it is now.

    For who meets them while reading: the caller holds the movie's lock.
    """
    folder = context.lake.name_of(manifest_uri).rpartition("/")[0]
    source = context.lake.subject_of(manifest_uri)[0]
    context.lake.rewrite(
        context.lake.names(folder),
        lambda lines: _concerns(lines, tombstones, source),
        lambda review: None if tombstones.covers(review) else review,
    )
    return context.lake.read_manifest(manifest_uri)


def sweep_kept_pages(context: Context) -> int:
    """Delete pages kept since they hold erased reviews: in quarantine, `done/` and `failed/`.

    A page saved by hand, or one that could not be read, may show what was erased before it came.

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
        BadInput: It was (`erased`); what was still there of the collection is deleted.
        LakeUnavailable: It could not be read.
    """
    erased_at = tombstones.movies.get(imdb_id)
    is_gone = (
        erased_at is not None and context.lake.size(context.lake.name_of(manifest_uri)) is None
    )
    manifest = None if is_gone else context.lake.read_manifest(manifest_uri)
    if manifest is not None and not tombstones.covers_collection(manifest):
        return manifest
    context.lake.delete_collection(context.lake.name_of(manifest_uri).rpartition("/")[0])
    raise BadInput(
        f"{imdb_id} was erased on request at {erased_at:%Y-%m-%d %H:%M} UTC, and this was seen "
        "before: it was deleted, not stored. What is seen from now on will be.",
        reason="erased",
    )


def _erasure(kind: Kind, key: str, source: str, erased_at: datetime) -> Erasure:
    source = ALL_SOURCES if kind == "movie" else source
    return Erasure(kind=kind, source=source, key=key, erased_at=erased_at)


def _note(erasures: Sequence[Erasure], context: Context) -> None:
    """Write requests down, in the lake first."""
    for erasure in erasures:
        context.lake.write(erasure.name, erasure.model_dump_json(indent=1).encode())
    if erasures:
        wh.erase_record.many(context.warehouse, [erasure.model_dump() for erasure in erasures])


def _noted_names(context: Context) -> set[str]:
    """Return the names of all requests that the warehouse or the lake knows."""
    return {*context.lake.names(FOLDER), *(one.name for one in wh.erasures(context.warehouse))}


def _noted_in_lake(context: Context, in_warehouse: Mapping[str, Erasure]) -> list[Erasure]:
    found = []
    for name in context.lake.names(FOLDER):
        if name.endswith(".json"):
            try:
                found.append(Erasure.model_validate_json(context.lake.read(name)))
            except ValidationError as error:
                if name in in_warehouse:  # the note is written anew from there
                    log.warning("%s was damaged, and is written anew.", name)
                    continue
                raise BadInput(
                    f"{name} in the lake should say what was erased, and cannot be read: {error}. "
                    "Bring it back from the lake's backup."
                ) from error
    return found


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
        # Those of an author whose erasure broke off were noted already, and may be found no more.
        if noted.kind == "review" and tombstones.authors.get(noted.source):
            tombstones.reviews[noted.source].add(noted.key)
    written = sorted({(one.source, one.review_id) for one in _written_by(tombstones, context)})
    found = [
        _erasure("review", review_id, source, erased_at)
        for source, review_id in written
        if review_id not in tombstones.reviews.get(source, ())
    ]
    _note(found, context)
    for erasure in found:
        tombstones.reviews[erasure.source].add(erasure.key)
    return _erase(tombstones, context, progress, with_waiting=with_waiting)


class _Written(NamedTuple):
    source: str
    review_id: str
    author_key: str


def _written_by(tombstones: Tombstones, context: Context) -> set[_Written]:
    """Find the reviews of erased authors, in the warehouse and in every collection."""
    return {
        written
        for source, keys in tombstones.authors.items()
        if keys
        for written in _written_in(source, keys, context)
    }


def _written_in(source: str, keys: set[str], context: Context) -> set[_Written]:
    only = Tombstones(authors={source: keys})
    found = {
        _Written(source, row.review_id, row.author_key or "")
        for row in wh.erase_found(
            context.warehouse, source=source, review_ids=[], author_keys=sorted(keys)
        )
    }

    def remember(review: Review) -> Review:
        if only.covers(review):
            found.add(_Written(source, review.review_id, review.author_key or ""))
        return review

    movies = [imdb_id for of, imdb_id in context.lake.movies() if of == source]
    folders = [context.lake.collections(source, imdb_id) for imdb_id in movies]
    for names in (
        names for of in (*folders, context.lake.drained(source)) for names in of.values()
    ):
        context.lake.rewrite(
            names, lambda lines: _concerns(lines, only, source), remember, is_trial=True
        )
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
    movies = _concerned(tombstones, context)
    total = Erased()
    for done, (imdb_id, sources) in enumerate(sorted(movies.items()), start=1):
        with context.warehouse.connect() as connection:
            lock_movie(connection, imdb_id)
            for source in sorted(sources):
                total += _erase_in_lake(source, imdb_id, tombstones, context, is_trial)
            total += _erase_rows(connection, imdb_id, sources, tombstones)
            if is_trial:
                connection.rollback()
        progress(done, len(movies))
    total += _erase_in_drains(tombstones, context, is_trial)
    kept = list(find_kept(tombstones, context, with_waiting=with_waiting))
    if is_trial and not any(total) and not any(holding.named for holding in kept):
        return total  # refused rows go along with what was found, and alone are nothing found
    if not is_trial:
        _delete(kept, context)
    return total + Erased(objects=sum(len(holding.names) for holding in kept))


def _concerned(tombstones: Tombstones, context: Context) -> dict[str, set[str]]:
    """Name the movies that may hold some of it, each with its sources."""
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
            lines += context.lake.rewrite(
                names,
                lambda text: _concerns(text, tombstones, source),
                lambda review: None if tombstones.covers(review) else review,
                is_trial=is_trial,
            )
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
    """Say when a collection was begun: by its manifest, else by its folder, else by its files."""
    manifest = f"{folder}/{MANIFEST}"
    if manifest in names:
        with suppress(LakeDamaged):
            return context.lake.read_manifest(context.lake.uri_of(manifest)).started_at
    with suppress(ValueError):
        return datetime.strptime(folder.rpartition("/")[2][:15], "%Y%m%dT%H%M%S").replace(
            tzinfo=UTC
        )
    return max(context.lake.modified_at(name) for name in names)


def _concerns(lines: bytes, tombstones: Tombstones, source: str) -> bool:
    """Tell by ids alone whether a part of a collection may hold some of it."""
    ids, authors = tombstones.reviews.get(source), tombstones.authors.get(source)
    return bool(
        (ids and not ids.isdisjoint(ids_in(lines, "review_id")))
        or (authors and not authors.isdisjoint(ids_in(lines, "author_key")))
    )


def ids_in(lines: bytes, name: Literal["review_id", "author_key"]) -> Iterator[str]:
    """Yield what a field holds in a part of a collection, without reading its reviews."""
    return map(json.loads, _FIELDS[name].findall(lines))


def _erase_rows(
    connection: Connection, imdb_id: str, sources: Collection[str], tombstones: Tombstones
) -> Erased:
    total = Erased()
    # No text is sent to a model while it is erased, nor afterwards.
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
    """Delete what a model answered about the words of erased reviews; count all of it."""
    answers = wh.erase_answers(connection, hashes=gone.hashes)
    return Erased(reviews=gone.reviews, rows=gone.reviews + gone.others + answers)


def _delete(kept: Iterable[Holding], context: Context) -> None:
    """Delete kept pages and files; name those that were not imported yet."""
    for holding in kept:
        for name in holding.names:  # the note last: it says which movie the rest was about
            context.lake.delete(name)
        if holding.waits:
            log.warning(
                "%s waited and was deleted, since it holds what was erased. If it holds more, "
                "add it again: importing it passes over what was erased.", holding.file,
            )  # fmt: skip
