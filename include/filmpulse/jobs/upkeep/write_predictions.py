"""Write what analysers say of labelled reviews, a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filmpulse.analysis.gold import GoldLine
from filmpulse.errors import BadInput
from filmpulse.items import Analysis


class Predictions:
    """The lines written so far; `open_predictions` makes it."""

    def __init__(
        self, out: IO[str] | None, gold: Sequence[GoldLine], analysers: Sequence[str]
    ) -> None:
        """Keep the open file, or None to write nothing."""
        self._out, self._gold, self._analysers = out, gold, analysers
        self.lines: dict[tuple[int, int], str] = {}

    def add(self, analyser: int, row: int, analysis: Analysis) -> None:
        """Write a line at once, so that a paid answer is not lost.

        Args:
            analyser: Its place among the analysers.
            row: The review's place in the file.
            analysis: What the analyser said of the review.
        """
        if self._out is None:
            return
        who = {"analyser": self._analysers[analyser]} if len(self._analysers) > 1 else {}
        scores = {
            found.aspect: {"score": found.score, "quote": found.quote} for found in analysis.aspects
        }
        what = {
            "id": self._gold[row].id,
            "status": analysis.status,
            "aspects": scores,
            "overall": analysis.overall,
        }
        line = json.dumps(who | what, ensure_ascii=False)
        self.lines[analyser, row] = line
        self._out.write(f"{line}\n")
        self._out.flush()


@contextmanager
def open_predictions(
    path: Path | None, gold: Sequence[GoldLine], analysers: Sequence[str]
) -> Iterator[Predictions]:
    """Open the file anew; at the end its lines are put in order: by analyser, then as the reviews.

    Lines have the key `analyser` if there are several. Without a path nothing is written.

    Raises:
        BadInput: The file cannot be written.
    """
    if path is None:
        yield Predictions(None, gold, analysers)
        return
    try:
        with path.open("w", encoding="utf-8") as out:
            written = Predictions(out, gold, analysers)
            try:
                yield written
            finally:
                if list(written.lines) != sorted(written.lines):
                    _sort(path, written)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error


def _sort(path: Path, written: Predictions) -> None:
    part = path.with_name(f"{path.name}.part")
    lines = (f"{written.lines[place]}\n" for place in sorted(written.lines))
    part.write_text("".join(lines), encoding="utf-8")
    part.replace(path)
