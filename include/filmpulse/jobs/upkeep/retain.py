"""Retention: what may be kept for a time only, and what is left over (docs/adr/0016)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from filmpulse.analysis.language import detect_language
from filmpulse.items import Dropped, Review
from filmpulse.jobs.context import Context
from filmpulse.jobs.inbox import store
from filmpulse.jobs.reception.refresh import refresh_figures_or_fail
from filmpulse.jobs.upkeep.clean_again import clean_kept
from filmpulse.jobs.upkeep.erase import ids_in, replay_erasures, sweep_kept_pages
from filmpulse.lake import MANIFEST
from filmpulse.warehouse import retention as wh
from filmpulse.warehouse.load import lock_movie

log = logging.getLogger(__name__)

WORK_UNDER_WAY = timedelta(days=2)
"""A collection that was being made while something was erased is loaded, or lost, well within."""

UNFINISHED_AFTER = timedelta(days=1)
"""Nothing writes longer than this to a collection that has no manifest yet."""

KEEP_HOURS = timedelta(days=400)
"""How long requests by the hour are kept: a year, and enough to hold this month against last's."""


class Retained(NamedTuple):
    """What a round of retention took away.

    `texts` are rows that lost their words. `quotes` are those of their scores, and of the answers
    of a model as they are kept. `lines` are the same texts in the lake, seen in ten collections ten
    times. `pages` were in quarantine, `files` in the inbox. `unfinished` are objects of collections
    that broke off and were never sealed. `erased` is what was erased before and had come back:
    rows, lines and objects. `hours` are rows of `ops.host_hours`. Of what earlier versions kept,
    `cleaned` objects were written anew without people's names and ids, and `not_cleaned` were
    deleted since they could not be cleaned.
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

    Requests by the hour are kept for `KEEP_HOURS`. What is kept of pages and files is cleaned again
    once for each version of the rules.

    Words go from the lake first and then from the warehouse, so that a round that broke off is
    completed by the next. The words of a removed review, or of an earlier version, go only when
    each place that holds the same words of that review is past its time: a rebuild from the lake
    then still gives the warehouse's own tables.

    Args:
        context: Settings (`removed_text_days`, `quarantine_days`, `inbox_days`), warehouse, lake.
        now: The moment to count from (UTC); what is exactly so old goes.

    Returns:
        What was taken away; a second call at the same moment takes nothing.

    Raises:
        Retryable: The lake or the warehouse did not answer, or what was erased is still counted in
            the comparison of all movies; what was done stays done.

    One movie is in memory at a time. Reads the collections only of movies that have such words,
    and lists those of all.
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
    )
    recleaned = clean_kept(context)
    taken = taken._replace(cleaned=recleaned.cleaned, not_cleaned=recleaned.not_cleaned)
    refresh_figures_or_fail(context)
    log.info("%s", taken)
    return taken


def _movies(cutoff: datetime, context: Context) -> Iterator[tuple[str, str]]:
    """Yield source and movie of what may hold words whose time is over."""
    after = {"source": "", "imdb_id": ""}
    while rows := wh.retention_movies(context.warehouse, cutoff=cutoff, **after):
        yield from rows
        after = rows[-1]._asdict()


def _drop_texts(
    source: str, imdb_id: str, cutoff: datetime, context: Context
) -> tuple[int, int, int]:
    """Drop a movie's old words; return how many lines, rows and quotes lost theirs."""
    key = {"source": source, "imdb_id": imdb_id}
    with context.warehouse.connect() as connection:
        lock_movie(connection, imdb_id)
        found = wh.retention_texts(connection, cutoff=cutoff, **key)
        if not found:
            return 0, 0, 0
        texts = {
            (text.review_id, text.content_hash): (text.is_current, text.language) for text in found
        }
        review_ids = {review_id for review_id, _ in texts}

        def drop(review: Review) -> Review:
            known = texts.get((review.review_id, review.content_hash))
            if known is None or review.dropped is not None:
                return review
            is_current, language = known
            if not is_current:
                language = detect_language(f"{review.title}\n{review.body}")
            stays = Dropped(content_hash=review.content_hash, language=language)
            return review.model_copy(update={"title": "", "body": "", "dropped": stays})

        lines = 0
        # Loaded or not: what is sealed may be loaded yet, and what is not is nobody's.
        for names in context.lake.collections(source, imdb_id).values():
            lines += context.lake.rewrite(
                names,
                lambda text: not review_ids.isdisjoint(ids_in(text, "review_id")),
                drop,
            )
        values = {
            "source": source,
            "review_ids": [review_id for review_id, _ in texts],
            "hashes": [content_hash for _, content_hash in texts],
        }
        dropped = wh.retention_drop.one(connection, **values)
        answered = wh.retention_answers.one(connection, hashes=values["hashes"])
    log.info("%s: the words of %d texts were dropped", imdb_id, len(texts))
    return lines, dropped.texts, dropped.quotes + answered


def _delete_old(folders: list[str], before: datetime, context: Context) -> int:
    """Delete what was last written to these folders by a moment; return how many objects."""
    count = 0
    for folder in folders:
        for name in context.lake.names(folder):
            if context.lake.modified_at(name) <= before:
                context.lake.delete(name)
                count += 1
    return count


def _delete_unfinished(before: datetime, context: Context) -> int:
    """Delete collections without a manifest that nothing was written to since a moment."""
    count = 0
    for source, imdb_id in context.lake.movies():
        for folder, names in context.lake.collections(source, imdb_id).items():
            is_sealed = f"{folder}/{MANIFEST}" in names
            if not is_sealed and max(map(context.lake.modified_at, names)) <= before:
                context.lake.delete_collection(folder)
                count += len(names)
    return count
