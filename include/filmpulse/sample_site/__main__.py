"""Serve the sample site: `python -m filmpulse.sample_site --port 8091 --state DIR`.

Needs the package's extra `sample-site`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from filmpulse.sample_site.app import create_app
from filmpulse.sample_site.shelf import TITLES


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m filmpulse.sample_site", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="directory that keeps changes")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--extra-movies", type=int, default=0, help="movies beyond the six")
    parser.add_argument("--extra-reviews", type=int, default=10, help="reviews of each of those")
    parser.add_argument("--dataset-titles", type=int, default=TITLES, help="size of the datasets")
    asked = parser.parse_args()
    app = create_app(
        asked.state,
        asked.seed,
        asked.extra_movies,
        asked.extra_reviews,
        dataset_titles=asked.dataset_titles,
    )
    # A refusal names its own server, so uvicorn must not.
    uvicorn.run(app, host=asked.host, port=asked.port, server_header=False, log_level="warning")


if __name__ == "__main__":
    main()
