"""The main job on a page that IMDb really served, given to the real browser by a local server."""

from __future__ import annotations

import http.server
import json
import os
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
MOVIE = "tt1375666"


@pytest.fixture
def saved_site():
    """Serve the saved reviews page where IMDb has it; all else, robots.txt too, is a 404."""
    captures = os.environ.get("FILMPULSE_CAPTURES")
    if not captures:
        pytest.skip("FILMPULSE_CAPTURES is not set")
    (page,) = Path(captures).glob(f"imdb/reviews/*_{MOVIE}.html")
    content = page.read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path.split("?")[0] == f"/title/{MOVIE}/reviews/"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content if found else b"<title>404</title>")

        def log_message(self, *args):
            """Keep the terminal quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_saved_page_is_collected_loaded_and_scored(saved_site, shell, warehouse):
    conf = json.dumps({"imdb_ids": [MOVIE], "mode": "full"})
    run = shell(
        f"airflow dags test movie_reception --conf '{conf}'",
        FILMPULSE_IMDB_URL=saved_site,
        FILMPULSE_PAGE_TIMEOUT_SECONDS="10",
    )
    # 25 of 5,081 is no complete collection, and a run says so by failing, with the figures.
    assert run.returncode == 1
    assert "25 of 5,081 reviews were shown" in run.stdout + run.stderr
    (line,) = warehouse.rows("SELECT * FROM ops.collections WHERE imdb_id = %s", MOVIE)
    assert (line["status"], line["reason"]) == ("partial", "no_more_loaded")
    assert (line["distinct_ids"], line["review_count_end"]) == (25, 5081)
    (movie,) = warehouse.rows("SELECT * FROM mart.movies WHERE imdb_id = %s", MOVIE)
    assert (movie["reviews"], movie["analysed_reviews"], movie["site_reviews"]) == (25, 25, 5081)
    assert float(movie["coverage"]) == pytest.approx(25 / 5081, abs=1e-4)
    assert not movie["is_enough"]
    assert movie["scored_reviews"] == 25
    rows = warehouse.rows("SELECT * FROM core.reviews WHERE imdb_id = %s", MOVIE)
    assert sum(r["is_spoiler"] for r in rows) == 11
    assert all(r["rating_1_10"] and r["submitted_on"] and r["body"] for r in rows)
    told = shell(f"filmpulse summary {MOVIE}").stdout
    assert "25 of 5,081 reviews (coverage 0.5%)" in told
    assert "too few to grade" in told
