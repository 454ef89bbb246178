"""Scoring: the texts of a movie that the analyser has not finished with."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from filmpulse import warehouse as wh
from filmpulse.analysis import Analyser, make_analyser
from filmpulse.items import Analysis, ReviewText, analysed_text
from filmpulse.jobs.parts import Parts, Progress, silent

log = logging.getLogger(__name__)

STEP, STEP_SECONDS = 100, 0.5
"""Most free answers that are committed at once, and the longest that they wait for it."""


class Analysed(NamedTuple):
    """How many texts an analysis took up, and how many got a score."""

    texts: int
    scored: int


def analyse(
    imdb_id: str,
    parts: Parts,
    analyser: Analyser | None = None,
    progress: Progress = silent,
) -> Analysed:
    """Score every current text of a movie that the analyser has not finished with.

    Answers are committed as they arrive: one by one where they cost tokens or time, in small steps
    where they cost neither. So a crash loses none that was paid, and a second call takes up only
    the rest. Two calls for one movie take turns, so that no text
    is read (and paid for) twice.
    """
    analyser = analyser or make_analyser("lexicon")
    analyser_id = _register(analyser, parts)
    scored = 0
    with parts.warehouse.connect(autocommit=True) as connection:
        # Held by the connection: a killed worker lets go.
        connection.execute(wh.sql("lock_scoring"), {"imdb_id": imdb_id})
        key = {"imdb_id": imdb_id, "analyser_id": analyser_id}
        done = 0
        # Held beyond each commit, by the server: a long movie's texts never are in memory at once.
        with connection.cursor("unscored_texts", withhold=True) as cursor:
            cursor.itersize = STEP
            cursor.execute(wh.sql("unscored_texts"), key)
            first = cursor.fetchone()
            total = first["total"] if first else 0
            rows = chain([first] if first else [], cursor)
            for step in _steps(analyser.analyse(map(_text, rows))):
                _store(connection, step, analyser_id)
                scored += sum(analysis.status == "scored" for analysis in step)
                done += len(step)
                progress(done, total)
        connection.execute(wh.sql("switch_analyser"), key)
    log.info("%s: %d of %d texts scored by %s", imdb_id, scored, total, analyser.kind)
    return Analysed(total, scored)


def _text(row: DictRow) -> ReviewText:
    return ReviewText(
        text=analysed_text(row["title"], row["body"]),
        **{name: value for name, value in row.items() if name not in ("title", "body", "total")},
    )


def _register(analyser: Analyser, parts: Parts) -> int:
    """Return the number of an analyser, giving it one where it has none."""
    values = {
        "kind": analyser.kind,
        "model": analyser.model,
        "prompt_version": analyser.prompt_version,
        "parameters": Jsonb(analyser.parameters),
    }
    # A statement does not see what another one inserted while it ran: then the next does.
    rows = parts.warehouse.rows("register_analyser", **values) or parts.warehouse.rows(
        "register_analyser", **values
    )
    number: int = rows[0]["analyser_id"]
    return number


def _steps(analyses: Iterable[Analysis]) -> Iterator[list[Analysis]]:
    """Gather answers until they are many, the last one was paid, or a moment has passed."""
    step: list[Analysis] = []
    began = time.monotonic()
    try:
        for analysis in analyses:
            step.append(analysis)
            is_paid = analysis.input_tokens is not None or analysis.cost_usd is not None
            if is_paid or len(step) == STEP or time.monotonic() - began > STEP_SECONDS:
                yield step
                step, began = [], time.monotonic()
    except Exception:  # the analyser cannot go on; what it said before stays valid
        if step:
            yield step
        raise
    if step:
        yield step


def _store(connection: wh.Connection, step: list[Analysis], analyser_id: int) -> None:
    """Store some answers in one transaction, with one round trip a table."""
    rows = [a.model_dump(exclude={"aspects"}) | {"analyser_id": analyser_id} for a in step]
    scores = [
        row | score.model_dump()
        for row, analysis in zip(rows, step, strict=True)
        for score in analysis.aspects
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(wh.sql("store_analyses"), rows)
        if scores:
            cursor.executemany(wh.sql("store_aspect_scores"), scores)
