"""Scrape, load and analyse the reviews of each movie asked for, then say how it went.

* **Kind:** "now" DAG, started by `detect_new_reviews` or by hand. Repair it with a new run.
* **Writes:** the lake; `core.movies`, `core.movie_snapshots`, `core.reviews`,
  `core.review_revisions`, `core.review_analyses`, `core.aspect_scores`, `core.calibrations`,
  `ops.collections`, `ops.loads`, `ops.quality_checks`, `ops.llm_results`, `ops.llm_calls`, by the
  source's own ids, so a re-run is safe. If rows changed: assets `filmpulse/reviews` and
  `filmpulse/aspect_scores`.
* **Needs:** pools `browser` and `llm`; connections `filmpulse_warehouse` and `filmpulse_lake`;
  `FILMPULSE_<SOURCE>_URL`. Optional: connection `filmpulse_llm`, Variable `llm_budget_usd_per_day`.

Reviews that `budget_usd` does not cover wait for `analyse_backlog`; the summary counts them.
"""

from datetime import timedelta

from airflow.sdk import dag, task, task_group

from filmpulse import airflow_bridge as bridge


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    default_args=bridge.default_args(map_index_template="{{ movie }}"),
    params={"imdb_ids": bridge.movies(1), "mode": bridge.MODE, "budget_usd": bridge.BUDGET},
    tags=["reviews"],
    **bridge.ALERTS,
    doc_md=__doc__,
)
def movie_reception():
    @task(map_index_template=None)
    def plan(params: dict, run_id: str) -> list[str]:
        """Queue one collection a movie."""
        from filmpulse import jobs

        return jobs.plan(params["imdb_ids"], params["mode"], run_id, bridge.job_context())

    @task_group
    def per_movie(imdb_id: str):
        @task(**bridge.by_browser(hours=4))
        def scrape(imdb_id: str, params: dict, run_id: str) -> list[str]:
            """Read the reviews of each source into the lake; return the manifests' URIs."""
            from filmpulse import jobs

            return jobs.collect(imdb_id, params["mode"], run_id, bridge.job_context_for(imdb_id))

        @task(execution_timeout=timedelta(minutes=30))
        def load(imdb_id: str, manifest_uris: list[str]) -> int:
            """Load the collections and check them; return how many rows changed."""
            from filmpulse import jobs

            return jobs.load_movie(imdb_id, manifest_uris, bridge.job_context_for(imdb_id))

        @task(**bridge.by_model(hours=1))
        def analyse(imdb_id: str, params: dict, run_id: str) -> int:
            """Score every text that has no score yet; return how many got one."""
            from filmpulse import jobs

            context = bridge.job_context_for(imdb_id, is_scoring=True)
            options = {"run_id": run_id, "budget_usd": params["budget_usd"]}
            return jobs.analyse(imdb_id, context, **options).scored

        load(imdb_id, scrape(imdb_id)) >> analyse(imdb_id)

    @task(trigger_rule="all_done", retries=0, map_index_template=None, outlets=[bridge.CHANGED])
    def summarise(params: dict, run_id: str, outlet_events) -> list[str]:
        """Say how each movie went; fail, naming each that did not end well and why."""
        from filmpulse import jobs

        summary = jobs.summarise(run_id, bridge.job_context(is_scoring=True), params["budget_usd"])
        return bridge.tell(summary, outlet_events, bridge.REVIEWS, bridge.ASPECT_SCORES)

    per_movie.expand(imdb_id=plan()) >> summarise()


movie_reception()
