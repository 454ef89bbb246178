"""Retention: drop what may be kept for a time only, and what is left over (docs/adr/0016)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from filmpulse.analysis.language import detect_language
from filmpulse.items import Dropped, Review
from filmpulse.jobs.context import Context
from filmpulse.jobs.inbox import store
from filmpulse.jobs.upkeep.clean_again import clean_kept
from filmpulse.jobs.upkeep.erase import ids_in, replay_erasures, sweep_kept_pages
from filmpulse.lake import MANIFEST
from filmpulse.warehouse import retention as wh
from filmpulse.warehouse.figures import changing

log = logging.getLogger(__name__)

WORK_UNDER_WAY = timedelta(days=2)
"""A collection that was under way during an erasure is loaded, or lost, well within this time."""

UNFINISHED_AFTER = timedelta(days=1)
"""Nobody writes to one collection for longer than this before its manifest."""

KEEP_HOURS = timedelta(days=400)
"""How long requests by the hour are kept: a year, and enough to hold this month against last's."""


class Retained(NamedTuple):
    """What a round of retention took away.

    `texts` are rows that lost their words. `quotes` are the quotes of their scores and of the
    model's answers. `lines` are the same texts in the lake: a text that ten collections hold counts
    ten times. `pages` were in quarantine, `files` in the inbox. `unfinished` are objects of
    collections without a manifest. `erased` are rows, lines and objects that were erased before and
    had come back. `hours` are rows of `ops.host_hours`. `cleaned` and `not_cleaned` are objects of
    earlier versions: cleaned again, or deleted since they could not be cleaned.
    """

    texts: int = 0
    quotes: int = 0
    lines: int = 0
    pages: int = 0
    files: int = 0
    unfinished: int = 0
    erased: int = 0
    hours: int = 0
    cleaned: int = 0
    not_cleaned: int = 0


def apply_retention(context: Context, now: datetime) -> Retained:
    """Drop words whose time is over, delete kept pages and files, and finish what was erased.

    Words go from the lake first and then from the warehouse, so that the next round completes one
    that broke off. The words of a removed review, or of an earlier version, go only when each place
    that holds the same words of that review is past its time: a rebuild from the lake then still
    gives the warehouse's own tables. Kept pages and files are cleaned again once for each version
    of the rules.

    The settings `removed_text_days`, `quarantine_days` and `inbox_days` are counted back from `now`
    (UTC); what is exactly so old goes. A second call at the same moment takes nothing.

    Raises:
        Retryable: The lake or the warehouse did not answer; what was done stays done.

    One movie is in memory at a time. Lists the collections of all movies, and reads those of movies
    with such words.
    """
    settings = context.settings
    erased = replay_erasures(context, since=now - WORK_UNDER_WAY)
    kept_pages = sweep_kept_pages(context)
    texts = quotes = lines = 0
    cutoff = now - timedelta(days=settings.removed_text_days)
    for source, imdb_id in _movies(cutoff, context):
        dropped = _drop_texts(source, imdb_id, cutoff, context)
        lines, texts, quotes = lines + dropped[0], texts + dropped[1], quotes + dropped[2]
    unfinished_after = max(UNFINISHED_AFTER, timedelta(days=settings.removed_text_days))
    taken = Retained(
        texts=texts,
        quotes=quotes,
        lines=lines,
        pages=_delete_old(["quarantine"], now - timedelta(days=settings.quarantine_days), context),
        files=_delete_old(
            [store.DONE, store.FAILED, "streams"],
            now - timedelta(days=settings.inbox_days),
            context,
        ),
        unfinished=_delete_unfinished(now - unfinished_after, context),
        erased=erased.rows + erased.lines + erased.objects + kept_pages,
        hours=wh.retention_hours.one(context.warehouse, cutoff=now - KEEP_HOURS),
        **clean_kept(context)._asdict(),
    )
    log.info("%s", taken)
    return taken


def _movies(cutoff: datetime, context: Context) -> Iterator[tuple[str, str]]:
    """Yield the source and the movie of reviews that may hold words whose time is over."""
    after = {"source": "", "imdb_id": ""}
    while rows := wh.retention_movies(context.warehouse, cutoff=cutoff, **after):
        yield from rows
        after = rows[-1]._asdict()


def _drop_texts(
    source: str, imdb_id: str, cutoff: datetime, context: Context
) -> tuple[int, int, int]:
    """Drop a movie's old words; return how many lines, rows and quotes lost theirs."""
    key = {"source": source, "imdb_id": imdb_id}
    with context.warehouse.connect() as connection, changing(connection, imdb_id):
        found = wh.retention_texts(connection, cutoff=cutoff, **key)
        if not found:
            return 0, 0, 0
        texts = {(text.review_id, text.content_hash): text for text in found}
        review_ids = {text.review_id for text in found}

        def drop(review: Review) -> Review:
            known = texts.get((review.review_id, review.content_hash))
            if known is None or review.dropped is not None:
                return review
            language = known.language
            if not known.is_current:
                language = detect_language(f"{review.title}\n{review.body}")
            stays = Dropped(content_hash=review.content_hash, language=language)
            return review.model_copy(update={"title": "", "body": "", "dropped": stays})

        def concerns(part: bytes) -> bool:
            return not review_ids.isdisjoint(ids_in(part, "review_id"))

        # Collections that were never loaded too: one that is sealed may be loaded later.
        collections = context.lake.collections(source, imdb_id).values()
        lines = sum(context.lake.rewrite(names, concerns, drop) for names in collections)
        hashes = [text.content_hash for text in found]
        dropped = wh.retention_drop.one(
            connection,
            source=source,
            review_ids=[text.review_id for text in found],
            hashes=hashes,
        )
        answered = wh.retention_answers.one(connection, hashes=hashes)
    log.info("%s: the words of %d texts were dropped", imdb_id, len(found))
    return lines, dropped.texts, dropped.quotes + answered


def _delete_old(folders: list[str], before: datetime, context: Context) -> int:
    """Delete objects in these folders that were last written by a moment; return how many."""
    names = (name for folder in folders for name in context.lake.names(folder))
    old = [name for name in names if context.lake.modified_at(name) <= before]
    for name in old:
        context.lake.delete(name)
    return len(old)


def _delete_unfinished(before: datetime, context: Context) -> int:
    """Delete collections without a manifest that were last written by a moment; count objects."""
    count = 0
    for source, imdb_id in context.lake.movies():
        for folder, names in context.lake.collections(source, imdb_id).items():
            is_sealed = f"{folder}/{MANIFEST}" in names
            if not is_sealed and max(map(context.lake.modified_at, names)) <= before:
                context.lake.delete_collection(folder)
                count += len(names)
    return count
