"""Score reviews through an endpoint's limit of 600 requests a minute, of which 5 % fail with 503.

The endpoint is `llmock serve` in a process of its own, with real quotas. What it saves up while
idle, a whole minute's requests, is used up before, so the limit holds from the first review on.
How much of it is used is the endpoint's own count of requests that it let in (answered or 503) over
what the limit allows in that time; the rest is in the ledger on a throwaway Postgres.

    python benchmarks/bench_llm.py [--reviews 1000 --per-minute 600 --errors 0.05]
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from filmpulse.analysis.llm.analyser import LlmAnalyser
from filmpulse.analysis.llm.prompt import prompt_version
from filmpulse.config import Settings
from filmpulse.items import ReviewText, analysed_text, content_hash
from filmpulse.local import ports, postgres
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.ledger import open_ledger
from filmpulse.warehouse.migrate import migrate

MOVIE, KEY = "tt99000001", "sk-of-a-benchmark"
LATENCY_MS = 200
BODY = "The light falls through the orchard and nobody says what they came to say. " * 9


@contextmanager
def endpoint(per_minute: int, errors: float) -> Iterator[httpx.Client]:
    """Run llmock with a limit; yield a client of it, with the key that is limited."""
    port = ports.choose()
    command = [
        str(Path(sys.executable).parent / "llmock"), "serve", "--port", str(port),
        "--log-level", "warning", "--rpm", str(per_minute), "--error-rate", f"503={errors}",
        "--latency-ms", str(LATENCY_MS),
    ]  # fmt: skip
    headers = {"Authorization": f"Bearer {KEY}"}
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client,
    ):
        try:
            while not _answers(client):
                assert server.poll() is None, "llmock did not start"
                time.sleep(0.1)
            yield client
        finally:
            server.terminate()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False


def use_up(client: httpx.Client) -> None:
    """Use what the endpoint has saved up, by requests that cost it nothing, until it refuses."""
    with ThreadPoolExecutor(64) as pool:
        while not any(r.status_code == 429 for r in pool.map(client.get, ["/v1/models"] * 128)):
            continue


def store(url: str, count: int) -> list[ReviewText]:
    """Store reviews of about 700 characters; return what an analyser is given of them."""
    bodies = [f"{BODY}{number}" for number in range(count)]
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'M', now())",
            (MOVIE,),
        )
        with db.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
                "content_hash, first_seen_at) VALUES ('imdb', %s, %s, 'T', %s, false, %s, now())",
                [(f"rw{n}", MOVIE, b, content_hash("T", b)) for n, b in enumerate(bodies)],
            )
    return [
        ReviewText(
            source="imdb",
            review_id=f"rw{n}",
            imdb_id=MOVIE,
            content_hash=content_hash("T", b),
            language="en",
            text=analysed_text("T", b),
        )
        for n, b in enumerate(bodies)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=int, default=1_000)
    parser.add_argument("--per-minute", type=int, default=600)
    parser.add_argument("--errors", type=float, default=0.05)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, endpoint(args.per_minute, args.errors) as client:
        with postgres.Throwaway(Path(root), ports.choose(), secrets.token_hex(8)) as server:
            url = server.dsn()
            migrate(url)
            texts = store(url, args.reviews)
            settings = Settings(
                llm_base_url=str(client.base_url.join("/v1")), llm_api_key=KEY,
                llm_provider="openai", llm_requests_per_minute=10 * args.per_minute,
                llm_tokens_per_minute=10**9,
            )  # fmt: skip
            use_up(client)
            client.delete("/_llmock/requests")
            cpu, began = time.process_time(), time.monotonic()
            with open_ledger(
                Warehouse(url), run_id="bench", model=settings.llm_model,
                prompt_version=prompt_version(), run_usd=10.0, day_usd=10.0,
            ) as ledger:  # fmt: skip
                statuses = Counter(
                    analysis.status for analysis in LlmAnalyser(settings, ledger).analyse(texts)
                )
            took, cpu = time.monotonic() - began, time.process_time() - cpu
            with psycopg.connect(url) as db:
                outcomes = Counter(
                    row[0] for row in db.execute("SELECT outcome FROM ops.llm_calls")
                )
        records = client.get("/_llmock/requests").json()["requests"]
        graded = client.get("/_llmock/verdict").json()
    _report(args.per_minute, records, statuses, outcomes, graded["findings"], took, cpu)


def _report(
    per_minute: int,
    records: list[dict[str, Any]],
    statuses: Counter[str],
    outcomes: Counter[str],
    findings: list[dict[str, Any]],
    took: float,
    cpu: float,
) -> None:
    chats = [r for r in records if r["path"].endswith("/chat/completions")]
    let_in = [r for r in chats if r["status"] != 429]
    span = max(r["ended_at"] for r in chats) - min(r["started_at"] for r in chats)
    table = Table("", "", title=f"{sum(statuses.values()):,} reviews, {per_minute} a minute")
    table.add_row("reviews", ", ".join(f"{n:,} {status}" for status, n in statuses.items()))
    table.add_row("requests", ", ".join(f"{n:,} {outcome}" for outcome, n in outcomes.items()))
    table.add_row("let in", f"{len(let_in):,} in {span:.1f} s")
    table.add_row("of the limit", f"{len(let_in) / (span * per_minute / 60):.1%}")
    table.add_row("endpoint's grade", ", ".join(f["code"] for f in findings) or "no finding")
    table.add_row("whole run", f"{took:.1f} s, {1000 * cpu / len(chats):.1f} ms of CPU a request")
    Console().print(table)


if __name__ == "__main__":
    main()
