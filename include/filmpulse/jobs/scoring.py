"""Scoring: the texts of a movie that the analyser has not finished with."""

from __future__ import annotations

import logging
from typing import NamedTuple

from psycopg.types.json import Jsonb

from filmpulse import warehouse as wh
from filmpulse.analysis import Analyser, make_analyser
from filmpulse.items import Analysis, ReviewText, analysed_text
from filmpulse.jobs.parts import Parts, Progress, silent

log = logging.getLogger(__name__)


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

    Each answer is committed in small steps as it arrives, so a crash loses none that was stored,
    and a second call takes up only the rest. Two calls for one movie take turns, so that no text
    is read (and paid for) twice.
    """
    analyser = analyser or make_analyser("lexicon")
    analyser_id = _register(analyser, parts)
    scored = 0
    with parts.warehouse.connect(autocommit=True) as connection:
        # Held by the connection: a killed worker lets go.
        connection.execute(wh.sql("lock_scoring"), {"imdb_id": imdb_id})
        key = {"imdb_id": imdb_id, "analyser_id": analyser_id}
        texts = [
            ReviewText(text=analysed_text(row.pop("title"), row.pop("body")), **row)
            for row in connection.execute(wh.sql("unscored_texts"), key).fetchall()
        ]
        for done, analysis in enumerate(analyser.analyse(texts), start=1):
            with connection.transaction():
                _store_analysis(connection, analysis, analyser_id)
            scored += analysis.status == "scored"
            progress(done, len(texts))
        connection.execute(wh.sql("switch_analyser"), key)
    log.info("%s: %d of %d texts scored by %s", imdb_id, scored, len(texts), analyser.kind)
    return Analysed(len(texts), scored)


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


def _store_analysis(connection: wh.Connection, analysis: Analysis, analyser_id: int) -> None:
    key = analysis.model_dump(exclude={"aspects"}) | {"analyser_id": analyser_id}
    connection.execute(wh.sql("store_analyses"), key)
    if analysis.aspects:
        connection.cursor().executemany(
            wh.sql("store_aspect_scores"), [key | s.model_dump() for s in analysis.aspects]
        )
