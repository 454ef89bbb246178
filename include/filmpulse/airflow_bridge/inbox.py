"""The tasks of `import_saved_pages`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from filmpulse.airflow_bridge.context import job_context
from filmpulse.config import MOST_MAPPED

if TYPE_CHECKING:
    from filmpulse.jobs import RunSummary


def import_file(name: str, run_id: str) -> dict[str, Any]:
    """Import one file of the inbox, and name this mapped task after it (`{{ file }}`).

    Returns how that went, as plain values for XCom.
    """
    from airflow.sdk import get_current_context

    from filmpulse import jobs

    get_current_context()["file"] = name  # type: ignore[typeddict-unknown-key]
    imported = jobs.import_file(name, run_id, job_context())
    return {
        "name": name,
        "imdb_ids": imported.imdb_ids,
        "pages": [page._asdict() for page in imported.pages],
    }


def group_movies(imported: list[dict[str, Any]]) -> list[list[str]]:
    """Put the movies of imported files, each once, into groups that can be mapped.

    Up to 1,000 movies, each movie is a group of its own; Airflow maps 1,024 at most.
    """
    imdb_ids = sorted({imdb_id for one in imported for imdb_id in one["imdb_ids"]})
    size = -(-len(imdb_ids) // MOST_MAPPED) or 1
    return [imdb_ids[start : start + size] for start in range(0, len(imdb_ids), size)]


def summarise_import(
    run_id: str, names: Sequence[str], imported: Iterable[dict[str, Any] | None]
) -> RunSummary:
    """Say how each file of an import went.

    Raises:
        CollectionFailed: As `jobs.summarise_import`.
    """
    from filmpulse import jobs

    went = [
        jobs.Imported(one["name"], [jobs.ImportedPage(**page) for page in one["pages"]])
        for one in imported or ()
        if one is not None
    ]
    return jobs.summarise_import(run_id, list(names), went, job_context(is_scoring=True))
