"""How fast the keyless lexicon reads reviews on one core, and what it keeps in memory.

    python benchmarks/bench_lexicon.py [REVIEWS]

The reviews are drawn from a handful of invented sentences, so that no text is the same.
"""

from __future__ import annotations

import random
import resource
import sys
import time

from rich.console import Console
from rich.table import Table

WORDS_PER_REVIEW = 116  # the mean of IMDb's reviews
SENTENCES = [
    "The {a} is {o} from the first scene to the last.",
    "I thought the {a} was {o}, although the {b} left me cold.",
    "It begins on a ferry in the rain, and a stranger asks the pilot for a light.",
    "Somebody should tell the studio that a {o} {a} is not enough.",
    "The {a} and the {b} are {o}, but nothing happens for an hour!",
    "We went on a Tuesday and there were four people in the room.",
    "What a {o} film.",
]
ASPECT_WORDS = ["acting", "plot", "music", "photography", "message", "dialogue", "costumes"]
OPINIONS = ["superb", "dull", "not bad", "really great", "awful", "fine", "never boring"]


def write_review(rng: random.Random, words: int) -> str:
    """Write an invented review of at least so many words, title included."""
    sentences = ["Seen last night\n\n"]
    while sum(len(sentence.split()) for sentence in sentences) < words:
        a, b = rng.sample(ASPECT_WORDS, 2)
        sentences.append(rng.choice(SENTENCES).format(a=a, b=b, o=rng.choice(OPINIONS)))
    return " ".join(sentences)


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

    rng = random.Random(7)
    lengths = {"short": 30, "mean": WORDS_PER_REVIEW, "long": 900}
    table = Table(title="lexicon, one core")
    for heading in ("reviews", "words each", "reviews/s", "mentions each"):
        table.add_column(heading, justify="right")
    for words in lengths.values():
        texts = [
            ReviewText(
                source="bench",
                review_id=str(number),
                imdb_id="tt9900001",
                content_hash="",
                language="en",
                text=write_review(rng, words),
            )
            for number in range(max(count * WORDS_PER_REVIEW // words // 3, 1))
        ]
        started = time.process_time()
        mentions = sum(len(analysis.aspects) for analysis in analyser.analyse(texts))
        seconds = time.process_time() - started
        mean_words = sum(len(text.text.split()) for text in texts) / len(texts)
        table.add_row(
            f"{len(texts):,}",
            f"{mean_words:.0f}",
            f"{len(texts) / seconds:,.0f}",
            f"{mentions / len(texts):.1f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"memory: Python {bare:.0f} MB, with items {items:.0f} MB, with the lexicon "
        f"{loaded:.0f} MB, at the end {resident_mb():.0f} MB; ready after {ready:.2f} s"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000)
