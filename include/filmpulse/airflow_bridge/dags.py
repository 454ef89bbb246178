"""What DAG files share: parameters, default arguments, assets."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, ExceptionRetryPolicy, Param, RetryAction, RetryRule

from filmpulse.airflow_bridge.alerts import AlertNotifier
from filmpulse.config import MOST_MAPPED, Settings, variable_name

if TYPE_CHECKING:
    from filmpulse.jobs import RunSummary

REVIEWS = Asset(name="filmpulse/reviews", uri="filmpulse://reviews")
ASPECT_SCORES = Asset(name="filmpulse/aspect_scores", uri="filmpulse://aspect_scores")
# An alias sends an event only when a task adds an asset to it: no change, no event.
CHANGED = AssetAlias("filmpulse/changed")

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="filmpulse.errors.Final",
            action=RetryAction.FAIL,
            reason="final: a new try cannot help",
        ),
        RetryRule(
            exception="filmpulse.errors.Retryable",
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=60),
            reason="retryable: a later try may succeed",
        ),
    ]
)
"""What the tree of errors means to Airflow; other errors follow the task's own retries."""

ALERTS = {
    "on_success_callback": AlertNotifier(succeeded=True),
    "on_failure_callback": AlertNotifier(succeeded=False),
}
"""What `@dag` takes to have each run looked at once it has ended, however it ended."""

BUDGET = Param(
    None,
    type=["null", "number"],
    minimum=0,
    title="Budget in USD",
    description="The most that this run may spend on a model; FILMPULSE_LLM_BUDGET_USD_PER_RUN "
    "(0.50) when empty",
)
MODE = Param(
    "incremental",
    enum=["incremental", "full"],
    title="Mode",
    description="full reads every review again and so finds edits and removals",
)


def by_browser(pool: str = "browser", hours: float | None = None) -> dict[str, Any]:
    """Return the arguments of a task that drives a browser: pool, queue, most hours."""
    return _place(pool, "browser_queue", hours)


def by_model(hours: float) -> dict[str, Any]:
    """Return the arguments of a task that scores reviews: pool, queue, most hours."""
    return _place("llm", "llm_queue", hours)


def _place(pool: str, setting: str, hours: float | None) -> dict[str, Any]:
    """Return where a task runs: a pool says how many at once, a queue on which workers.

    Without the setting the task has Airflow's default queue. No other setting is read: one that
    cannot be used must not keep the DAG from being read.
    """
    name = variable_name(setting)
    queue = getattr(Settings.from_env({name: os.environ.get(name, "")}), setting)
    limit = None if hours is None else timedelta(hours=hours)
    given = {"pool": pool, "queue": queue, "execution_timeout": limit}
    return {key: value for key, value in given.items() if value is not None}


def default_args(retry_minutes: int = 1, **more: Any) -> dict[str, Any]:
    """Return the arguments of every task of a DAG: two retries, by `RETRY_POLICY`."""
    return {
        "retries": 2,
        "retry_delay": timedelta(minutes=retry_minutes),
        "retry_policy": RETRY_POLICY,
        **more,
    }


def movies(at_least: int = 0) -> Param:
    """Return the parameter that names movies, by id or address; `at_least` so many."""
    examples = "IMDb ids, such as tt0111161, or addresses of movies, one a line"
    pattern = r"^tt[0-9]{7,9}$|imdb\.com/.*title/tt[0-9]{7,9}"
    return Param(
        [],
        type="array",
        items={"type": "string", "pattern": pattern},
        title="Movies",
        minItems=at_least,
        maxItems=MOST_MAPPED,
        description=examples if at_least else f"{examples}; all movies when empty",
    )


def tell(summary: RunSummary, outlet_events: Any, *changed: Asset) -> list[str]:
    """Emit the assets that a run changed, if rows changed; return the lines of its summary."""
    if summary.changed_rows:
        for asset in changed:
            outlet_events[CHANGED].add(asset)
    return summary.lines
