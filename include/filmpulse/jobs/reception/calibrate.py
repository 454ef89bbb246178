"""Learn from all reviews of a movie what a single one does not say (docs/adr/0041).

That is who acts in the movie, before its texts are scored, and then where the grades of its reviews
cut their wholes into steps. Both are kept in `core.calibrations`, and learned anew after a week.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from filmpulse import warehouse as wh
from filmpulse.items import analysed_text
from filmpulse.warehouse import scores
from filmpulse.warehouse.figures import changing

if TYPE_CHECKING:
    from filmpulse.analysis.lexicon.cuts import Rated

log = logging.getLogger(__name__)

TEXTS_AT_ONCE = 500
"""How many texts are fetched at a time while names are learned from all of a movie's."""


def learn_names(connection: wh.Connection, imdb_id: str, analyser_id: int) -> None:
    """Learn who acts in a movie from all its current texts, and store it.

    `connection` commits each statement by itself.
    """
    from filmpulse.analysis.lexicon import learn_names as names_in

    with scores.current_texts.streamed(connection, TEXTS_AT_ONCE, imdb_id=imdb_id) as texts:
        names = names_in(analysed_text(row.title, row.body) for row in texts)
    scores.store_names(connection, imdb_id=imdb_id, analyser_id=analyser_id, names=list(names))


def cut_all_anew(
    connection: wh.Connection,
    due: Sequence[scores.DueCalibration],
    analyser_id: int,
    run_id: str | None,
) -> None:
    """Cut the wholes of some movies anew; see `cut_anew`."""
    of_all = cache(lambda: _rated(connection, analyser_id, None))
    for movie in due:
        cut_anew(connection, movie, analyser_id, run_id, of_all)


def cut_anew(
    connection: wh.Connection,
    movie: scores.DueCalibration,
    analyser_id: int,
    run_id: str | None,
    of_all: Callable[[], Rated],
) -> int:
    """Learn where the whole of a movie's reviews is cut, and cut all of them there.

    It is one transaction, in which one statement changes the reviews: a reader sees all of them cut
    as before, or all as now. Texts that are scored meanwhile wait for its end, and are cut as now.
    Of two workers the second one changes nothing.

    Returns:
        How many texts got another overall score; 0 while the movie is not shown under the analyser.
    """
    from filmpulse.analysis.lexicon.cuts import choose_cuts

    key = {"imdb_id": movie.imdb_id, "analyser_id": analyser_id}
    with connection.transaction(), changing(connection, movie.imdb_id):
        if not scores.hold_calibration(connection, **key, calibrated_at=movie.calibrated_at):
            return 0
        found = choose_cuts(_rated(connection, analyser_id, movie.imdb_id), of_all)
        values = found._asdict() | {"cuts": list(found.cuts)}
        changed = scores.cut_anew(connection, **key, cuts=values["cuts"])
        changed = scores.store_cuts.one(
            connection, **key, **values, texts=movie.texts, changed_texts=changed, run_id=run_id
        )
    log.info(
        "%s: cuts %s, learned from %s (%d rated reviews); %d texts show another overall score",
        movie.imdb_id, found.cuts, found.learned_from, found.rated_reviews, changed,
    )  # fmt: skip
    return changed


def _rated(connection: wh.Connection, analyser_id: int, imdb_id: str | None) -> Rated:
    """Count the rated reviews of a movie, or of all, by valence and grade: some thousand rows."""
    from filmpulse.analysis.lexicon.cuts import RESOLUTION

    rows = scores.rated_valences(
        connection, imdb_id=imdb_id, analyser_id=analyser_id, resolution=RESOLUTION
    )
    return {(row.valence, row.grade): row.reviews for row in rows}
