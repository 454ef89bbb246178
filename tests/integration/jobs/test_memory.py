"""A job's memory does not grow with the length of a movie; answers are stored in small steps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import SiteUnavailable
from filmpulse.items import Analysis, Review, ReviewText
from filmpulse.lake import Manifest
from filmpulse.warehouse import Warehouse

AT = datetime(2026, 10, 1, tzinfo=UTC)
BODY = "The ferry leaves in the rain and nobody on it says what they came to say. " * 80  # 6 kB
SHORT, LONG = 400, 6_000
MOST_MORE_MB = 20  # of 34 MB of text

# The peak is the kernel's. Refusing every text costs the analyser nothing.
JOB = """
import re, sys
from pathlib import Path
from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Analysis
parts = jobs.Context.from_settings(Settings.from_env())
class Refusing:
    kind, model, prompt_version, parameters = "refusing", None, "1", {}
    def analyse(self, texts):
        for text in texts:
            keys = text.model_dump(exclude={"text", "language", "cast"})
            yield Analysis(status="refused", **keys)
more = (Refusing(),) if sys.argv[1] == "analyse" else ()
if sys.argv[1] == "export":
    made = jobs.export(parts, parts.settings.lake_url + "-out", [sys.argv[2]], with_text=True)
    done = [made.manifest.tables["reviews"].rows]
else:
    done = getattr(jobs, sys.argv[1])(sys.argv[2], parts, *more)
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(int(peak[1]) / 1024, done[0])
"""


@pytest.fixture
def context(warehouse_url: str, tmp_path: Path) -> jobs.Context:
    (tmp_path / "lake").mkdir()
    env = {
        "FILMPULSE_WAREHOUSE_URL": warehouse_url,
        "FILMPULSE_LAKE_URL": f"file://{tmp_path}/lake",
    }
    return jobs.Context.from_settings(Settings.from_env(env))


def collection(context: jobs.Context, imdb_id: str, count: int, body: str = BODY) -> str:
    """Write a collection into the lake; answer its manifest's URI."""
    writer = context.lake.begin("imdb", imdb_id, AT)
    for start in range(0, count, 200):
        writer.append(
            [
                Review(
                    review_id=f"{imdb_id}-{n}", imdb_id=imdb_id, title=f"No {n}", body=f"{body}{n}"
                )
                for n in range(start, min(start + 200, count))
            ]
        )
    return writer.close(
        Manifest(
            run_id=imdb_id, source="imdb", imdb_id=imdb_id, mode="full", started_at=AT,
            finished_at=AT, status="complete", distinct_ids=count, parts=tuple(writer.parts),
        )
    )  # fmt: skip


def peak_of(job: str, argument: str, context: jobs.Context, expected: int) -> float:
    """Run one job in a process of its own; return the most memory that it had (MB)."""
    settings = context.settings
    env = os.environ | {
        "FILMPULSE_WAREHOUSE_URL": settings.warehouse_url.get_secret_value(),
        "FILMPULSE_LAKE_URL": settings.lake_url,
    }
    command = [sys.executable, "-c", JOB, job, argument]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    peak, changed = done.stdout.split()
    assert int(changed) == expected
    return float(peak)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_loading_and_scoring_need_no_more_memory_for_a_long_movie(context: jobs.Context) -> None:
    movies = {"tt9900001": SHORT, "tt9900002": LONG}
    loading, scoring = [], []
    for imdb_id, count in movies.items():
        uri = collection(context, imdb_id, count)
        loading.append(peak_of("load", uri, context, count))
        scoring.append(peak_of("analyse", imdb_id, context, count))
    assert loading[1] - loading[0] < MOST_MORE_MB
    assert scoring[1] - scoring[0] < MOST_MORE_MB
    assert max(loading + scoring) < 250


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_exporting_needs_no_more_memory_for_a_long_movie(
    context: jobs.Context, tmp_path: Path
) -> None:
    peaks = []
    for imdb_id, count in {"tt9900001": 2_500, "tt9900002": 7_500}.items():  # 15 and 45 MB of text
        jobs.load(collection(context, imdb_id, count), context)
        peaks.append(peak_of("export", imdb_id, context, count))
        shutil.rmtree(tmp_path / "lake-out")
    assert peaks[1] - peaks[0] < MOST_MORE_MB


class Scripted:
    """An analyser that does as it is told, and looks at what is stored meanwhile."""

    kind, model, prompt_version = "scripted", None, "1"

    def __init__(self, url: str, *, tokens: int | None, fails_at: int | None = None) -> None:
        self.parameters = {"tokens": tokens, "fails_at": fails_at}
        self._url, self._tokens, self._fails_at = url, tokens, fails_at
        self.stored_before: list[int] = []

    def analyse(self, texts: Iterable[ReviewText]) -> Iterator[Analysis]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            for number, text in enumerate(texts):
                if number == self._fails_at:
                    raise SiteUnavailable("The model is gone.")
                query = "SELECT count(*) FROM core.review_analyses"
                self.stored_before.append(connection.execute(query).fetchone()[0])
                yield Analysis(
                    status="unsupported_language", input_tokens=self._tokens,
                    **text.model_dump(exclude={"text", "language", "cast"}),
                )  # fmt: skip


@pytest.fixture
def loaded(context: jobs.Context) -> jobs.Context:
    jobs.load(collection(context, "tt9900003", 250, "Short. "), context)
    return context


def stored(context: jobs.Context) -> int:
    with Warehouse(context.warehouse.url).connect() as connection:
        return connection.execute("SELECT count(*) AS n FROM core.review_analyses").fetchone()["n"]


def test_an_answer_that_was_paid_for_is_stored_before_the_next_is_asked(
    loaded: jobs.Context,
) -> None:
    analyser = Scripted(loaded.warehouse.url, tokens=5)
    assert jobs.analyse("tt9900003", loaded, analyser).texts == 250
    assert analyser.stored_before == list(range(250))


def test_free_answers_are_stored_in_steps(loaded: jobs.Context) -> None:
    told: list[tuple[int, int | None]] = []
    analyser = Scripted(loaded.warehouse.url, tokens=None)
    jobs.analyse("tt9900003", loaded, analyser, lambda done, total: told.append((done, total)))
    assert len(set(analyser.stored_before)) < 50
    assert told[-1] == (250, 250)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert stored(loaded) == 250


@pytest.mark.parametrize("tokens", [None, 5])
def test_an_analyser_that_gives_up_leaves_what_it_said(
    loaded: jobs.Context, tokens: int | None
) -> None:
    analyser = Scripted(loaded.warehouse.url, tokens=tokens, fails_at=130)
    with pytest.raises(SiteUnavailable, match="model is gone"):
        jobs.analyse("tt9900003", loaded, analyser)
    assert stored(loaded) == 130


def test_a_movie_without_texts_is_no_work(loaded: jobs.Context) -> None:
    assert jobs.analyse("tt9900004", loaded).texts == 0
