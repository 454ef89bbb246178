"""How fast the keyless lexicon reads reviews on one core, and what it keeps in memory.

    python benchmarks/bench_lexicon.py [REVIEWS]

The reviews are shuffled from the gold set's sentences, so that no text is the same. The product
reads 256 at once; smaller batches show what that gains.
"""

from __future__ import annotations

import json
import random
import re
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

WORDS_PER_REVIEW = 116  # the mean of IMDb's reviews
CAST = ("Imogen Tarrowby", "Marta Lindqvist-Roe", "Barnaby Okafor", "Rocco Vance", "Leonie")
GOLD = Path(__file__).parent.parent / "tests/fixtures/gold/en.jsonl"


def gold_sentences() -> list[str]:
    """Return all sentences of the gold set."""
    texts = (json.loads(line)["text"] for line in GOLD.read_text(encoding="utf-8").splitlines())
    return [sentence for text in texts for sentence in re.split(r"(?<=[.!?])\s+", text)]


def write_reviews(sentences: list[str], words: int, count: int) -> Iterator[str]:
    """Write invented reviews of about so many words, title included."""
    rng = random.Random(7)
    for _ in range(count):
        said = ["Seen last night\n\n"]
        while sum(len(sentence.split()) for sentence in said) < words:
            said.append(rng.choice(sentences))
        yield " ".join(said)


def resident_mb() -> float:
    """Return the most memory this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform == "linux" else 1024**2)


def main(count: int) -> None:
    """Measure and print one table."""
    bare = resident_mb()
    from filmpulse.items import ReviewText

    items = resident_mb()
    started = time.perf_counter()
    from filmpulse.analysis import make_analyser

    analyser = make_analyser("lexicon")
    ready = time.perf_counter() - started
    loaded = resident_mb()

    def review(number: int, text: str) -> ReviewText:
        return ReviewText(
            source="bench",
            review_id=str(number),
            imdb_id="tt9900001",
            content_hash="",
            language="en",
            text=text,
            cast=CAST,
        )

    sentences = gold_sentences()
    table = Table(title="lexicon, one core")
    for heading in ("words each", "reviews", "at once", "reviews/s", "mentions each"):
        table.add_column(heading, justify="right")
    for words, batch in ((30, 256), (116, 1), (116, 8), (116, 32), (116, 256), (900, 256)):
        number = max(count * WORDS_PER_REVIEW // words // 3, 1)
        texts = list(map(review, range(number), write_reviews(sentences, words, number)))
        list(analyser.analyse(texts[:100]))  # spellings are looked up once in a process
        started = time.process_time()
        mentions = sum(
            len(analysis.aspects)
            for first in range(0, number, batch)
            for analysis in analyser.analyse(texts[first : first + batch])
        )
        seconds = time.process_time() - started
        table.add_row(
            f"{sum(len(text.text.split()) for text in texts) / number:.0f}",
            f"{number:,}",
            str(batch),
            f"{number / seconds:,.0f}",
            f"{mentions / number:.1f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"memory: Python {bare:.0f} MB, with items {items:.0f} MB, with the lexicon "
        f"{loaded:.0f} MB, at the end {resident_mb():.0f} MB; ready after {ready:.2f} s"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6_000)
