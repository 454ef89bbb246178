"""Quality: judge whether a loaded collection looks as it should."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection

from filmpulse import sources
from filmpulse import warehouse as wh
from filmpulse.jobs.context import Context
from filmpulse.lake import Manifest
from filmpulse.warehouse.quality import Check, Observed, Told, check_load
from filmpulse.warehouse.scores import collections_quality

log = logging.getLogger(__name__)

RUNBOOK = "docs/runbooks/data_quality.md"


def check(
    connection: wh.Connection, manifest_uri: str, manifest: Manifest, observed: Observed
) -> list[Check]:
    """Judge a collection in the transaction that loaded it; store the verdicts.

    They go into `ops.quality_checks`; nothing is raised and nothing taken back. Costs two queries
    over the movie's reviews.
    """
    source = sources.known().get(manifest.source)
    checks = check_load(
        connection,
        manifest_uri=manifest_uri,
        imdb_id=manifest.imdb_id,
        collected_at=manifest.started_at,
        told=Told(
            source=manifest.source,
            status=manifest.status,
            is_import=manifest.mode == "import",
            distinct_ids=manifest.distinct_ids,
            site_reviews=manifest.review_count_end,
            observed=observed,
            asks_for=source.asks_for if source else frozenset(),
            began_on=source.began_on if source else None,
        ),
    )
    for found in checks:
        if found.passed is False:
            log.warning("%s: check %s failed: %s", manifest.imdb_id, found.name, found.sentence)
    return checks


def failed_checks(
    manifest_uris: Collection[str], context: Context, *, brought: bool = True
) -> list[str]:
    """Return a line for each movie with a fault that these collections brought, by id.

    With `brought` False: with a fault that they found, and that an earlier collection brought.
    """
    if not manifest_uris:
        return []
    found: dict[str, list[str]] = defaultdict(list)
    for failed in collections_quality(context.warehouse, manifest_uris=list(manifest_uris)):
        if failed.fails_run == brought:
            said = f"{failed.sentence.rstrip('.')} (`{failed.check_name}`)"
            found[f"{failed.imdb_id} {failed.title}"].append(said)
    return [
        f"{movie}: {'' if brought else 'still '}not as it should be: {'; '.join(said)}. "
        f"Look at the page; see {RUNBOOK}."
        for movie, said in found.items()
    ]
