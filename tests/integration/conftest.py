"""What integration tests share: the sample site in this process, and a model's analyser."""

from __future__ import annotations

import gc
import secrets
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

import httpx
import psycopg
import pytest
import uvicorn
from helpers.one_browser import OneBrowser
from psycopg.rows import DictRow, dict_row

from filmpulse.analysis.llm.analyser import LlmAnalyser
from filmpulse.analysis.llm.prompt import prompt_version
from filmpulse.config import Settings
from filmpulse.items import Analysis, ReviewText, analysed_text, content_hash
from filmpulse.local import ports
from filmpulse.sample_site import create_app
from filmpulse.sources.imdb import crawl
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.ledger import Ledger, open_ledger

if TYPE_CHECKING:
    from tests.conftest import Databases


class SampleSite:
    """A running sample site and its controls."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._client = httpx.Client(
            base_url=f"{url}/_control/", headers={"X-Control-Token": token}, timeout=120
        )

    def control(self, action: str, /, **values: Any) -> Any:
        """Use one control; answer its JSON."""
        answer = self._client.post(action, json=values)
        assert answer.is_success, answer.text
        return answer.json()

    def state(self) -> Any:
        """Say what the site holds and what was asked of it."""
        return self._client.get("state").json()

    def counts(self) -> dict[str, int]:
        """Say how many reviews each movie has."""
        return {movie["imdb_id"]: movie["reviews"] for movie in self.state()["movies"]}


@pytest.fixture(scope="module")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleSite]:
    """The sample site, as the tests of a file before this one left it."""
    port, token = ports.choose(), secrets.token_hex(16)
    app = create_app(tmp_path_factory.mktemp("site"), seed=7, token=token)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield SampleSite(f"http://127.0.0.1:{port}", token)
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def sample_site(running_site: SampleSite) -> SampleSite:
    """The sample site, as new."""
    running_site.control("reset")
    return running_site


@pytest.fixture(scope="module")
def one_browser() -> Iterator[None]:
    """Have all sites of a file share one browser, where the file is not about browsers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crawl, "Browser", OneBrowser)
        yield
    OneBrowser.end()


class Scoring:
    """Invented reviews in a warehouse, and runs of a model's analyser over them."""

    def __init__(self, url: str, db: psycopg.Connection[DictRow]) -> None:
        self.warehouse, self.db = Warehouse(url), db
        self._count = 0
        for table in ("core.movies", "ops.llm_results", "ops.llm_calls"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608
        db.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) "
            "VALUES ('tt99000001', 'The Glass Orchard', now())"
        )

    def add(self, *bodies: str) -> list[ReviewText]:
        """Store reviews; return what an analyser is given of them."""
        return [self._added(body) for body in bodies]

    def many(self, count: int) -> list[ReviewText]:
        """Store so many reviews, each of the same length as the others."""
        return self.add(*(f"The choir of scene {n:04} sings far too slowly." for n in range(count)))

    def _added(self, body: str) -> ReviewText:
        self._count += 1
        text = ReviewText(
            source="imdb", review_id=f"rw{self._count}", imdb_id="tt99000001",
            content_hash=content_hash("Orchard", body), language="en",
            text=analysed_text("Orchard", body),
        )  # fmt: skip
        self.db.execute(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at) "
            "VALUES ('imdb', %s, %s, 'Orchard', %s, false, %s, now())",
            (text.review_id, text.imdb_id, body, text.content_hash),
        )
        return text

    def settings(self, base_url: str, **values: Any) -> Settings:
        """Return settings of an endpoint of OpenAI's kind whose own limits do not matter."""
        usual = {
            "llm_provider": "openai", "llm_api_key": "sk-of-a-test-0cc175b9c0f1b6a8",
            "llm_timeout_seconds": 20, "llm_requests_per_minute": 600_000,
            "llm_tokens_per_minute": 1_000_000_000,
        }  # fmt: skip
        given: Any = usual | values
        return Settings(warehouse_url=self.warehouse.url, llm_base_url=base_url, **given)

    def ledger(
        self, run_id: str = "run", *, model: str = "gpt-6-luna", run_usd: float = 1.0,
        day_usd: float = 1.0,
    ) -> AbstractContextManager[Ledger]:  # fmt: skip
        """Open a ledger."""
        return open_ledger(
            self.warehouse, run_id=run_id, model=model, prompt_version=prompt_version(),
            run_usd=run_usd, day_usd=day_usd,
        )  # fmt: skip

    @contextmanager
    def analyser(
        self, settings: Settings, *, run_id: str = "run", **budgets: float
    ) -> Iterator[LlmAnalyser]:
        """Open an analyser with a ledger of its own."""
        with self.ledger(run_id, model=settings.llm_model, **budgets) as ledger:
            yield LlmAnalyser(settings, ledger)

    def run(self, settings: Settings, texts: Iterable[ReviewText], **more: Any) -> list[Analysis]:
        """Score texts to the end."""
        with self.analyser(settings, **more) as analyser:
            return list(analyser.analyse(texts))

    def rows(self, statement: LiteralString, *values: object) -> list[DictRow]:
        """Ask the warehouse."""
        return self.db.execute(statement, values).fetchall()

    def calls(self) -> list[DictRow]:
        """Return every call of the ledger, in the order in which they began."""
        return self.rows("SELECT * FROM ops.llm_calls ORDER BY call_id")

    def outcomes(self) -> list[str | None]:
        """Say how the calls ended."""
        return [call["outcome"] for call in self.calls()]


@pytest.fixture(scope="module")
def scoring_url(databases: Databases, _warehouse_template: str) -> Iterator[str]:
    """The address of a warehouse that the tests of a file share."""
    url = databases.create(_warehouse_template)
    yield url
    databases.drop(url)


@pytest.fixture
def scoring(scoring_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scoring]:
    """A warehouse for a model's analyser, which waits a tenth as long as it otherwise would."""
    monkeypatch.setattr("filmpulse.analysis.llm.analyser.FIRST_BACKOFF_SECONDS", 0.05)
    with psycopg.connect(scoring_url, autocommit=True, row_factory=dict_row) as connection:
        yield Scoring(scoring_url, connection)


@pytest.fixture
def no_lost_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where a task's exception was never looked at, or a task or client was left behind."""
    gc.freeze()  # so that only what the test makes is looked through
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    gc.unfreeze()
    lost = [record.getMessage() for record in caplog.records if record.name == "asyncio"]
    assert not lost + [str(w.message) for w in caught if "event loop" in str(w.message)]
