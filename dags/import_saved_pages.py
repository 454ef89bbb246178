"""Import pages, tables and title lists that wait in `inbox/`, score them, then say how each went.

* **Kind:** "now" DAG, at 20 minutes past every hour, or by hand. Repair a failure with a new run,
  after putting the file into `inbox/` again; a file whose task broke off still waits there.
* **Writes:** the lake (collections, title lists, `inbox/done/`, `inbox/failed/`); `core.movies`,
  `core.movie_snapshots`, `core.reviews`, `core.review_revisions`, `core.review_analyses`,
  `core.aspect_scores`, `core.calibrations`, `core.title_lists`, `core.title_list_members`,
  `ops.collections`, `ops.loads`, `ops.quality_checks`,
  `ops.file_sources`, `ops.llm_results`, `ops.llm_calls`; keyed by the site's own ids, so a re-run
  is safe. Emits `filmpulse/reviews` and `filmpulse/aspect_scores` when rows changed.
* **Needs:** pool `llm`; connections `filmpulse_warehouse` and `filmpulse_lake`;
  `FILMPULSE_AUTHOR_SECRET`. Optional: connection `filmpulse_llm`, Variable
  `llm_budget_usd_per_day`. It asks no review site for anything.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from filmpulse import airflow_bridge as bridge


@dag(
    schedule="20 * * * *",  # 20 past every hour, when the hourly detection is mostly done
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=bridge.default_args(),
    tags=["reviews"],
    **bridge.ALERTS,
    doc_md=__doc__,
)
def import_saved_pages():
    @task.short_circuit
    def plan() -> list[str]:
        """List the files that wait; if none does, skip the rest of the run."""
        from filmpulse import jobs

        return jobs.plan_import(bridge.job_context())

    @task(execution_timeout=timedelta(hours=1), map_index_template="{{ file }}")
    def import_page(name: str, run_id: str) -> dict:
        """Import one file; if it cannot be read, keep the reason in `failed/`."""
        return bridge.import_file(name, run_id)

    @task(trigger_rule="all_done")
    def pick_movies(imported: list[dict]) -> list[list[str]]:
        """Name the movies that files were imported of, each once, in groups that can be mapped."""
        return bridge.group_movies(imported)

    @task(**bridge.by_model(hours=1), map_index_template="{{ movie }}")
    def analyse(imdb_ids: list[str], run_id: str) -> int:
        """Score every text that has no score yet; return how many got one."""
        from filmpulse import jobs

        context = bridge.job_context_for(*imdb_ids, is_scoring=True)
        return sum(jobs.analyse(imdb_id, context, run_id=run_id).scored for imdb_id in imdb_ids)

    @task(trigger_rule="all_done", retries=0, outlets=[bridge.CHANGED])
    def summarise(names: list[str], imported: list[dict], run_id: str, outlet_events) -> list[str]:
        """Say how each file went; fail, naming each that could not be imported and why."""
        summary = bridge.summarise_import(run_id, names, imported)
        return bridge.tell(summary, outlet_events, bridge.REVIEWS, bridge.ASPECT_SCORES)

    names = plan()
    imported = import_page.expand(name=names)
    analyse.expand(imdb_ids=pick_movies(imported)) >> summarise(names, imported)


import_saved_pages()
