"""How much of an endpoint's limit is used: 1,000 reviews through 600 requests a minute.

The endpoint is `llmock serve` in a process of its own, whose minute is used up beforehand (it
begins with all of it at hand); one request in twenty fails with 503. The ledger is the real one,
on a throwaway Postgres. Our own limits are far above, so the endpoint's are learned from its
answers. About two minutes.

    python benchmarks/bench_llm.py [--reviews 1000 --rpm 600 --faults 0.05 --latency-ms 300]
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from filmpulse.analysis.llm.analyser import LlmAnalyser
from filmpulse.config import Settings
from filmpulse.items import ReviewText, analysed_text, content_hash
from filmpulse.local import ports, postgres
from filmpulse.warehouse import Warehouse
from filmpulse.warehouse.ledger import open_ledger
from filmpulse.warehouse.migrate import migrate

MOVIE = "tt99000001"
BODY = "The light falls through the orchard and nobody says what they came to say. " * 9
KEY = "sk-of-a-benchmark"


def stored(warehouse: Warehouse, count: int) -> list[ReviewText]:
    """Store so many reviews of about 700 characters; return what an analyser is given of them."""
    bodies = [f"{BODY}{number}" for number in range(count)]
    texts = [
        ReviewText(
            source="imdb", review_id=f"rw{number}", imdb_id=MOVIE, language="en",
            content_hash=content_hash("Orchard", body), text=analysed_text("Orchard", body),
        )
        for number, body in enumerate(bodies)
    ]  # fmt: skip
    with warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'Bench', now())",
            (MOVIE,),
        )
        connection.cursor().executemany(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at) VALUES ('imdb', %s, %s, 'Orchard', %s, false, %s, now())",
            [
                (text.review_id, MOVIE, body, text.content_hash)
                for text, body in zip(texts, bodies, strict=True)
            ],
        )
    return texts


@contextlib.contextmanager
def endpoint(rpm: int, faults: float, latency_ms: int) -> Iterator[httpx.Client]:
    """Run an endpoint whose limit is used up; yield a client of its address."""
    port = ports.choose()
    command = [
        Path(sys.executable).with_name("llmock"), "serve", "--host", "127.0.0.1", "--port", port,
        "--log-level", "error", "--rpm", rpm, "--latency-ms", latency_ms,
        "--error-rate", f"503={faults}",
    ]  # fmt: skip
    with (
        subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL) as process,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30,
            headers={"Authorization": f"Bearer {KEY}"},
        ) as client,
    ):  # fmt: skip
        try:
            while not is_up(client):
                if process.poll() is not None:
                    sys.exit("llmock did not start.")
                time.sleep(0.05)
            use_up(client)
            yield client
        finally:
            process.terminate()


def is_up(client: httpx.Client) -> bool:
    """Tell whether the endpoint listens."""
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False


def use_up(client: httpx.Client) -> None:
    """Ask for the list of models, which counts as well, until the limit is reached."""

    def ask(_: int) -> bool:
        return client.get("/v1/models").status_code != httpx.codes.TOO_MANY_REQUESTS

    with ThreadPoolExecutor(32) as pool:
        while all(pool.map(ask, range(64))):
            continue
    client.delete("/_llmock/requests")


def score(warehouse: Warehouse, texts: list[ReviewText], url: str) -> Counter[str]:
    """Score the texts with a model; count how each ended."""
    settings = Settings(
        warehouse_url=warehouse.url, llm_base_url=url, llm_api_key=KEY, llm_provider="openai",
        llm_requests_per_minute=600_000, llm_tokens_per_minute=1_000_000_000,
    )  # fmt: skip
    with open_ledger(
        warehouse, run_id="bench", model=settings.llm_model, prompt_version="bench",
        run_usd=100, day_usd=100,
    ) as ledger:  # fmt: skip
        return Counter(a.status for a in LlmAnalyser(settings, ledger).analyse(texts))


def main() -> None:
    """Score once, and print what the endpoint's own journal says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=1_000)
    parser.add_argument("--rpm", type=int, default=600)
    parser.add_argument("--faults", type=float, default=0.05)
    parser.add_argument("--latency-ms", type=int, default=300)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="filmpulse-bench-") as folder:
        password = secrets.token_hex(8)
        with postgres.Throwaway(Path(folder), ports.choose(), password) as server:
            server.add_owner("filmpulse", password, "CREATEDB")
            with server.connect() as admin:
                admin.execute("CREATE DATABASE bench OWNER filmpulse TEMPLATE template1")
            url = postgres.address("filmpulse", password, server.port, "bench")
            migrate(url)
            warehouse = Warehouse(url)
            texts = stored(warehouse, args.reviews)
            with endpoint(args.rpm, args.faults, args.latency_ms) as client:
                cpu = time.process_time()
                ended = score(warehouse, texts, str(client.base_url.join("/v1")))
                cpu = time.process_time() - cpu
                seen = client.get("/_llmock/requests").json()["requests"]
                verdict = client.get("/_llmock/verdict").json()
    report(args, ended, seen, verdict, cpu)


def report(
    args: argparse.Namespace,
    ended: Counter[str],
    seen: list[dict[str, Any]],
    verdict: dict[str, Any],
    cpu: float,
) -> None:
    """Print the figures."""
    chats = [record for record in seen if record["path"].endswith("/chat/completions")]
    by_status = Counter(record["status"] for record in chats)
    started = [record["started_at"] for record in chats]
    elapsed = max(started) - min(started)
    allowed = elapsed * args.rpm / 60
    # The first request went alone, at the moment from which time is counted.
    served, scored = len(chats) - by_status[429] - 1, by_status[200] - 1
    table = Table(title=f"{args.reviews:,} reviews through {args.rpm:,} requests a minute")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for what, figure in (
        ("reviews", ", ".join(f"{count:,} {status}" for status, count in ended.items())),
        ("requests", ", ".join(f"{count:,} x {status}" for status, count in by_status.items())),
        ("seconds", f"{elapsed:.1f}"),
        ("share of the limit used", f"{served / allowed:.1%}"),
        ("of it, without the 503s", f"{scored / allowed:.1%}"),
        ("processor, a review", f"{cpu / args.reviews * 1e3:.1f} ms"),
        ("the endpoint's grade", "passed" if verdict["passed"] else "failed"),
    ):
        table.add_row(what, figure)
    Console().print(table)


if __name__ == "__main__":
    main()
