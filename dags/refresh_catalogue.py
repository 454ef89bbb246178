"""Load IMDb's datasets that changed, and put them in the place of the catalogue that readers see.

* **Kind:** "now" DAG, Saturdays at 1:20 UTC, or by hand. Repair a failure with a new run: readers
  keep the old catalogue, and what a failed run loaded is dropped.
* **Writes:** schemas `catalogue` and `catalogue_live`, by way of `catalogue_next`;
  `ops.catalogue_loads`.
* **Needs:** terms that a person accepted (`filmpulse catalogue accept`; until then all is skipped);
  connection `filmpulse_warehouse`. Optional: `FILMPULSE_CATALOGUE_URL`, a server of one's own.

A file that did not change is not loaded. If a file cannot be used, none of the run is shown.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from filmpulse import airflow_bridge as bridge

TITLES = ["title.ratings", "title.basics"]
DETAILS = ["title.crew", "title.episode", "title.akas", "name.basics", "title.principals"]
LOAD = {"execution_timeout": timedelta(hours=6), "max_active_tis_per_dagrun": 2}
NAMED = {"map_index_template": "{{ dataset }}"}


@dag(
    schedule="20 1 * * 6",  # 1:20 UTC on Saturdays, two hours before `retention`
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=bridge.default_args(retry_minutes=5),
    tags=["catalogue"],
    **bridge.ALERTS,
    doc_md=__doc__,
)
def refresh_catalogue():
    @task.short_circuit
    def plan(run_id: str) -> bool:
        """Find what changed, check that there is room; if there is nothing to do, skip the rest."""
        return bridge.plan_catalogue(run_id)

    @task(**LOAD, **NAMED)
    def load_titles(dataset: str, run_id: str) -> dict:
        """Load a dataset that decides which titles are kept; skip it if it did not change."""
        return bridge.load_dataset(dataset, run_id)

    @task(trigger_rule="none_failed", execution_timeout=timedelta(hours=2))
    def choose_titles(run_id: str) -> None:
        """Keep the titles of the subset that was chosen with the terms."""
        from filmpulse import jobs

        jobs.choose_titles(run_id, bridge.job_context())

    @task(**LOAD, **NAMED)
    def load_details(dataset: str, run_id: str) -> dict:
        """Load another dataset, for the titles that are kept; skip it if it did not change."""
        return bridge.load_dataset(dataset, run_id)

    @task(trigger_rule="none_failed", execution_timeout=timedelta(hours=6))
    def build(run_id: str) -> None:
        """Make genres, credits and the tables of the search."""
        from filmpulse import jobs

        jobs.build_catalogue(run_id, bridge.job_context())

    @task(trigger_rule="all_done", execution_timeout=timedelta(hours=1))
    def swap(run_id: str) -> float:
        """Show the new catalogue; or drop it if it is not whole, and fail, saying why."""
        from filmpulse import jobs

        return jobs.swap_catalogue(run_id, bridge.job_context())

    titles, chosen = load_titles.expand(dataset=TITLES), choose_titles()
    details, built = load_details.expand(dataset=DETAILS), build()
    plan() >> titles >> chosen >> details >> built
    [titles, chosen, details, built] >> swap()  # if one fails, others may still be under way


refresh_catalogue()
