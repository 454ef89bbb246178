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
from filmpulse import warehouse as wh
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LakeDamaged
from filmpulse.items import FIRST_SOURCE, Review, author_key, is_imdb_id
from filmpulse.jobs.context import Parts, Progress, silent
from filmpulse.jobs.reception.read_history import drop_notes
from filmpulse.jobs.reception.refresh import refresh_figures_or_fail
from filmpulse.jobs.upkeep.find_kept import ALL_SOURCES, Holding, Named, find_kept, table_sources
from filmpulse.jobs.upkeep.tombstones import FOLDER, Erasure, Kind, Tombstones
from filmpulse.lake import AREAS, MANIFEST, Manifest
from filmpulse.sources import KEYED as KEYED_IN_PAGES
from filmpulse.sources.tables.rows import KEYED as KEYED_IN_TABLES
from filmpulse.sources.tables.values import key_of
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


def find_stored(kind: Kind, given: str, source: str | None, parts: Parts) -> list[Named]:
    """Return what a person's words name, so far as something is stored of it.

    What was erased before counts too, so that an erasure that broke off is completed.

    Args:
        kind: What they name.
        given: As `find_key` takes it.
        source: Where the review stands or the author writes. None: every live source for a
            review; for an author every source of which the warehouse, the lake or the inbox knows.
        parts: Settings, warehouse and lake.

    Returns:
        Sorted; empty where nothing is stored.

    Raises:
        BadInput: As `find_key`.

    Reads every collection of the sources, or of the movie, in the lake.
    """
    named, wrong = set[Named](), None
    for of in [source] if source else registry.known():
        try:
            named.add(Named(of, find_key(kind, given, of, parts.settings)))
        except BadInput as error:
            wrong = error
    if wrong is not None and not named:
        raise wrong
    if kind == "author":
        sources = {source} if source else _sources(parts)
        named |= {
            Named(of, key) for of in sources for key in _author_keys(given, of, parts.settings)
        }
        stored = _stored_authors(named, parts)
    else:
        stored = {one for one in named if any(preview(kind, one.key, parts, one.source))}
    noted = _noted_names(parts)
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


def _sources(parts: Parts) -> set[str]:
    """Return the sources that the warehouse, the lake or the inbox knows, and the live ones."""
    in_warehouse = {row["source"] for row in parts.warehouse.rows("erase_sources")}
    return {*registry.known()} | parts.lake.sources() | in_warehouse | table_sources(parts)


def _stored_authors(named: Collection[Named], parts: Parts) -> set[Named]:
    """Return the authors of whom the warehouse, the lake, the inbox or the quarantine holds any."""
    now = datetime.now(UTC)
    tombstones = Tombstones.of(_erasure("author", one.key, one.source, now) for one in named)
    written = {Named(one.source, one.author_key) for one in _written_by(tombstones, parts)}
    kept = {one for holding in find_kept(tombstones, parts) for one in holding.named}
    return (written | kept).intersection(named)


def preview(kind: Kind, key: str, parts: Parts, source: str = FIRST_SOURCE) -> Erased:
    """Count what `forget` would erase now, and change nothing."""
    tombstones = Tombstones.of([_erasure(kind, key, source, datetime.now(UTC))])
    for found in _written_by(tombstones, parts):
        tombstones.reviews[found.source].add(found.review_id)
    return _erase(tombstones, parts, is_trial=True)


def forget(
    kind: Kind, key: str, parts: Parts, source: str = FIRST_SOURCE, progress: Progress = silent
) -> Erased:
    """Erase a movie, a review or an author from warehouse, lake, inbox and quarantine.

    The request is noted first: broken off at any point, the same call does the rest. What a person
    names goes through `find_stored` first, which knows whether anything of it is stored. Reviews
    and authors stay erased; of a movie, what is seen after this moment may be stored again. With an
    author, the ids of their reviews are noted too, since not every page says who wrote them.

    Args:
        kind: movie, review or author.
        key: As `find_key` gives it.
        parts: Settings, warehouse and lake.
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
    _note([erasure], parts)
    erased = _apply(Tombstones.of([erasure]), erasure.erased_at, parts, progress)
    refresh_figures_or_fail(parts)
    log.info("%s was erased: %s", erasure, erased)
    return erased


def replay_erasures(parts: Parts, since: datetime | None = None) -> Erased:
    """Erase again whatever was ever erased, where a backup, or work under way, brought it back.

    What only the lake or only the warehouse knows of is noted in the other too. Files that wait in
    the inbox are left: importing them passes over what was erased.

    Args:
        parts: Settings, warehouse and lake.
        since: Take up only what was erased later (UTC), and what one of the two had lost; all of
            it when None.

    Returns:
        What had come back; a second call erases nothing.

    Raises:
        BadInput: A note in the lake cannot be read, and the warehouse has not the same.
    """
    in_warehouse = {
        erasure.name: erasure
        for erasure in map(Erasure.model_validate, parts.warehouse.rows("erasures"))
    }
    in_lake = {erasure.name: erasure for erasure in _noted_in_lake(parts, in_warehouse)}
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
    _note(lost, parts)
    if not wanted:
        return Erased()
    latest = max(erasure.erased_at for erasure in wanted)
    erased = _apply(Tombstones.of(wanted), latest, parts, with_waiting=False)
    if any(erased):
        log.warning("What was erased before had come back, and was erased again: %s", erased)
    return erased


def take_out(manifest_uri: str, tombstones: Tombstones, parts: Parts) -> Manifest:
    """Take erased reviews out of one collection in the lake; return its manifest as it is now.

    For who meets them while reading: the caller holds the movie's lock.
    """
    folder = parts.lake.name_of(manifest_uri).rpartition("/")[0]
    source = parts.lake.subject_of(manifest_uri)[0]
    parts.lake.rewrite(
        parts.lake.names(folder),
        lambda lines: _concerns(lines, tombstones, source),
        lambda review: None if tombstones.covers(review) else review,
    )
    return parts.lake.read_manifest(manifest_uri)


def sweep_kept_pages(parts: Parts) -> int:
    """Delete pages kept since they hold erased reviews: in quarantine, `done/` and `failed/`.

    A page saved by hand, or one that could not be read, may show what was erased before it came.

    Returns:
        How many objects were deleted.
    """
    erasures = map(Erasure.model_validate, parts.warehouse.rows("erasures"))
    people = Tombstones.of(erasure for erasure in erasures if erasure.kind != "movie")
    if not people.sources:
        return 0
    kept = list(find_kept(people, parts, with_waiting=False))
    _delete(kept, parts)
    return sum(len(holding.names) for holding in kept)


def read_unless_erased(
    manifest_uri: str, imdb_id: str, tombstones: Tombstones, parts: Parts
) -> Manifest:
    """Read the manifest of a collection, unless the movie was erased after it was begun.

    Raises:
        BadInput: It was (`erased`); what was still there of the collection is deleted.
        LakeUnavailable: It could not be read.
    """
    erased_at = tombstones.movies.get(imdb_id)
    is_gone = erased_at is not None and parts.lake.size(parts.lake.name_of(manifest_uri)) is None
    manifest = None if is_gone else parts.lake.read_manifest(manifest_uri)
    if manifest is not None and not tombstones.covers_collection(manifest):
        return manifest
    parts.lake.delete_collection(parts.lake.name_of(manifest_uri).rpartition("/")[0])
    raise BadInput(
        f"{imdb_id} was erased on request at {erased_at:%Y-%m-%d %H:%M} UTC, and this was seen "
        "before: it was deleted, not stored. What is seen from now on will be.",
        reason="erased",
    )


def _erasure(kind: Kind, key: str, source: str, erased_at: datetime) -> Erasure:
    source = ALL_SOURCES if kind == "movie" else source
    return Erasure(kind=kind, source=source, key=key, erased_at=erased_at)


def _note(erasures: Sequence[Erasure], parts: Parts) -> None:
    """Write requests down, in the lake first."""
    for erasure in erasures:
        parts.lake.write(erasure.name, erasure.model_dump_json(indent=1).encode())
    if erasures:
        with parts.warehouse.connect() as connection:
            connection.cursor().executemany(
                wh.sql("erase_record"), [erasure.model_dump() for erasure in erasures]
            )


def _noted_names(parts: Parts) -> set[str]:
    """Return the names of all requests that the warehouse or the lake knows."""
    rows = parts.warehouse.rows("erasures")
    return {*parts.lake.names(FOLDER), *(Erasure.model_validate(row).name for row in rows)}


def _noted_in_lake(parts: Parts, in_warehouse: Mapping[str, Erasure]) -> list[Erasure]:
    found = []
    for name in parts.lake.names(FOLDER):
        if name.endswith(".json"):
            try:
                found.append(Erasure.model_validate_json(parts.lake.read(name)))
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
    parts: Parts,
    progress: Progress = silent,
    *,
    with_waiting: bool = True,
) -> Erased:
    """Note the reviews of erased authors, then erase all of it."""
    for row in parts.warehouse.rows("erasures"):
        # Those of an author whose erasure broke off were noted already, and may be found no more.
        if row["kind"] == "review" and tombstones.authors.get(row["source"]):
            tombstones.reviews[row["source"]].add(row["key"])
    written = sorted({(one.source, one.review_id) for one in _written_by(tombstones, parts)})
    found = [
        _erasure("review", review_id, source, erased_at)
        for source, review_id in written
        if review_id not in tombstones.reviews.get(source, ())
    ]
    _note(found, parts)
    for erasure in found:
        tombstones.reviews[erasure.source].add(erasure.key)
    return _erase(tombstones, parts, progress, with_waiting=with_waiting)


class _Written(NamedTuple):
    source: str
    review_id: str
    author_key: str


def _written_by(tombstones: Tombstones, parts: Parts) -> set[_Written]:
    """Find the reviews of erased authors, in the warehouse and in every collection."""
    return {
        written
        for source, keys in tombstones.authors.items()
        if keys
        for written in _written_in(source, keys, parts)
    }


def _written_in(source: str, keys: set[str], parts: Parts) -> set[_Written]:
    only = Tombstones(authors={source: keys})
    found = {
        _Written(source, row["review_id"], row["author_key"])
        for row in parts.warehouse.rows(
            "erase_found", source=source, review_ids=[], author_keys=sorted(keys)
        )
    }

    def remember(review: Review) -> Review:
        if only.covers(review):
            found.add(_Written(source, review.review_id, review.author_key or ""))
        return review

    movies = [imdb_id for of, imdb_id in parts.lake.movies() if of == source]
    folders = [parts.lake.collections(source, imdb_id) for imdb_id in movies]
    for names in (names for of in (*folders, parts.lake.drained(source)) for names in of.values()):
        parts.lake.rewrite(
            names, lambda lines: _concerns(lines, only, source), remember, is_trial=True
        )
    return found


def _erase(
    tombstones: Tombstones,
    parts: Parts,
    progress: Progress = silent,
    *,
    is_trial: bool = False,
    with_waiting: bool = True,
) -> Erased:
    """Erase from the lake, then from the warehouse, movie by movie; then kept pages and files."""
    movies = _concerned(tombstones, parts)
    total = Erased()
    for done, (imdb_id, sources) in enumerate(sorted(movies.items()), start=1):
        with parts.warehouse.connect() as connection:
            lock_movie(connection, imdb_id)
            for source in sorted(sources):
                total += _erase_in_lake(source, imdb_id, tombstones, parts, is_trial)
            total += _erase_rows(connection, imdb_id, sources, tombstones)
            if is_trial:
                connection.rollback()
        progress(done, len(movies))
    total += _erase_in_drains(tombstones, parts, is_trial)
    kept = list(find_kept(tombstones, parts, with_waiting=with_waiting))
    if is_trial and not any(total) and not any(holding.named for holding in kept):
        return total  # refused rows go along with what was found, and alone are nothing found
    if not is_trial:
        _delete(kept, parts)
    return total + Erased(objects=sum(len(holding.names) for holding in kept))


def _concerned(tombstones: Tombstones, parts: Parts) -> dict[str, set[str]]:
    """Name the movies that may hold some of it, each with its sources."""
    movies: dict[str, set[str]] = {imdb_id: set() for imdb_id in tombstones.movies}
    for source, imdb_id in parts.lake.movies():
        if source in tombstones.sources or imdb_id in tombstones.movies:
            movies.setdefault(imdb_id, set()).add(source)
    for source in tombstones.sources:
        for row in parts.warehouse.rows("erase_found", **_keys(tombstones, source)):
            movies.setdefault(row["imdb_id"], set()).add(source)
    return movies


def _keys(tombstones: Tombstones, source: str) -> dict[str, str | list[str]]:
    return {
        "source": source,
        "review_ids": sorted(tombstones.reviews.get(source, ())),
        "author_keys": sorted(tombstones.authors.get(source, ())),
    }


def _erase_in_lake(
    source: str, imdb_id: str, tombstones: Tombstones, parts: Parts, is_trial: bool
) -> Erased:
    lines = objects = 0
    erased_at = tombstones.movies.get(imdb_id)
    if erased_at is not None and not is_trial:
        drop_notes(source, imdb_id, erased_at, parts)
    for folder, names in parts.lake.collections(source, imdb_id).items():
        if erased_at is not None and _begun_at(folder, names, parts) <= erased_at:
            objects += len(names)
            if not is_trial:
                parts.lake.delete_collection(folder)
        elif source in tombstones.sources:
            lines += parts.lake.rewrite(
                names,
                lambda text: _concerns(text, tombstones, source),
                lambda review: None if tombstones.covers(review) else review,
                is_trial=is_trial,
            )
    return Erased(lines=lines, objects=objects)


def _erase_in_drains(tombstones: Tombstones, parts: Parts, is_trial: bool) -> Erased:
    """Take erased reviews, and those of erased movies, out of what streams told."""
    movies = {imdb_id.encode(): at for imdb_id, at in tombstones.movies.items()}
    lines = 0
    for source in parts.lake.folders("streams"):
        for folder, names in parts.lake.drained(source).items():
            begun_at = _begun_at(folder, names, parts)
            gone = {imdb_id for imdb_id, at in movies.items() if begun_at <= at}

            def concerns(text: bytes, source: str = source, gone: set[bytes] = gone) -> bool:
                is_of_movie = any(imdb_id in text for imdb_id in gone)
                return is_of_movie or _concerns(text, tombstones, source)

            def change(review: Review, gone: set[bytes] = gone) -> Review | None:
                is_gone = review.imdb_id.encode() in gone or tombstones.covers(review)
                return None if is_gone else review

            lines += parts.lake.rewrite(names, concerns, change, is_trial=is_trial)
    return Erased(lines=lines)


def _begun_at(folder: str, names: Sequence[str], parts: Parts) -> datetime:
    """Say when a collection was begun: by its manifest, else by its folder, else by its files."""
    manifest = f"{folder}/{MANIFEST}"
    if manifest in names:
        with suppress(LakeDamaged):
            return parts.lake.read_manifest(parts.lake.uri_of(manifest)).started_at
    with suppress(ValueError):
        return datetime.strptime(folder.rpartition("/")[2][:15], "%Y%m%dT%H%M%S").replace(
            tzinfo=UTC
        )
    return max(parts.lake.modified_at(name) for name in names)


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
    connection: wh.Connection, imdb_id: str, sources: Collection[str], tombstones: Tombstones
) -> Erased:
    total = Erased()
    # No text is sent to a model while it is erased, nor afterwards.
    connection.execute(wh.sql("ledger_turn"))
    for source in sorted(set(sources) & set(tombstones.sources)):
        keys = _keys(tombstones, source) | {"imdb_id": imdb_id}
        total += _counted(connection, "erase_reviews", keys)
    erased_at = tombstones.movies.get(imdb_id)
    if erased_at is not None:
        about = {"imdb_id": imdb_id, "erased_at": erased_at}
        total += _counted(connection, "erase_movie", about)
        gone = connection.execute(wh.sql("erase_movie_row"), about).rowcount
        if not gone:
            connection.execute(wh.sql("erase_movie_facts"), about)
        connection.execute(wh.sql("erase_movie_calls"), about)
        total += Erased(rows=gone)
    return total


def _counted(connection: wh.Connection, query: str, values: Mapping[str, object]) -> Erased:
    """Delete reviews with all that hangs on them, and what a model answered about their words."""
    gone = connection.execute(wh.sql(query), values).fetchone()
    assert gone is not None  # noqa: S101 - it counts
    answers = connection.execute(wh.sql("erase_answers"), gone).rowcount
    return Erased(reviews=gone["reviews"], rows=gone["reviews"] + gone["others"] + answers)


def _delete(kept: Iterable[Holding], parts: Parts) -> None:
    """Delete kept pages and files; name those that were not imported yet."""
    for holding in kept:
        for name in holding.names:  # the note last: it says which movie the rest was about
            parts.lake.delete(name)
        if holding.waits:
            log.warning(
                "%s waited and was deleted, since it holds what was erased. If it holds more, "
                "add it again: importing it passes over what was erased.", holding.file,
            )  # fmt: skip
