"""Scrape, load and analyse the reviews of each movie asked for, then say how it went.

* **Kind:** "now" DAG, started by `detect_new_reviews` or by hand. Repair a failure with a new run;
  an old page cannot be had again.
* **Writes:** the lake; `core.movies`, `core.movie_snapshots`, `core.reviews`,
  `core.review_revisions`, `core.review_analyses`, `core.aspect_scores`, `ops.collections`,
  `ops.loads`, `ops.quality_checks`, `ops.llm_results`, `ops.llm_calls`; keyed by the site's own
  ids, so a re-run is safe. Emits `filmpulse/reviews` and `filmpulse/aspect_scores` when rows
  changed.
* **Needs:** pools `browser` and `llm`; connections `filmpulse_warehouse` and `filmpulse_lake`;
  `FILMPULSE_IMDB_URL`. Optional: connection `filmpulse_llm`, Variable `llm_budget_usd_per_day`.

With `filmpulse_llm` a model scores the reviews as far as `budget_usd` goes; the rest waits for
`analyse_backlog`, and the summary says how much that is.
"""

from datetime import timedelta

from airflow.sdk import Asset, AssetAlias, Param, dag, task, task_group

from filmpulse.airflow_bridge import RETRY_POLICY

MODES = ["incremental", "full"]
REVIEWS = Asset(name="filmpulse/reviews", uri="filmpulse://reviews")
ASPECT_SCORES = Asset(name="filmpulse/aspect_scores", uri="filmpulse://aspect_scores")
# An alias sends an event only when a task adds an asset to it: no change, no event.
CHANGED = AssetAlias("filmpulse/changed")


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
        "retry_policy": RETRY_POLICY,
        "map_index_template": "{{ movie }}",
    },
    params={
        "imdb_ids": Param(
            [],
            type="array",
            items={"type": "string", "pattern": r"^tt[0-9]{7,9}$|imdb\.com/.*title/tt[0-9]{7,9}"},
            minItems=1,
            maxItems=1000,
            title="Movies",
            description="IMDb ids, such as tt0111161, or addresses of movies, one a line",
        ),
        "mode": Param(
            MODES[0],
            enum=MODES,
            title="Mode",
            description="full reads every review again and so finds edits and removals",
        ),
        "budget_usd": Param(
            None,
            type=["null", "number"],
            minimum=0,
            title="Budget in USD",
            description="The most that this run may spend on a model; FILMPULSE_LLM_BUDGET_USD_PER"
            "_RUN (0.50) when empty",
        ),
    },
    tags=["reviews"],
    doc_md=__doc__,
)
def movie_reception():
    @task(map_index_template=None)
    def plan(params: dict, run_id: str) -> list[str]:
        """Queue one collection a movie."""
        from filmpulse import airflow_bridge, jobs

        return jobs.plan(params["imdb_ids"], params["mode"], run_id, airflow_bridge.parts())

    @task_group
    def per_movie(imdb_id: str):
        @task(pool="browser", execution_timeout=timedelta(hours=4))
        def scrape(imdb_id: str, params: dict, run_id: str) -> str:
            """Read the reviews into the lake; return the manifest's URI."""
            from filmpulse import airflow_bridge, jobs

            parts = airflow_bridge.parts_for(imdb_id)
            return jobs.collect(imdb_id, params["mode"], run_id, parts)

        @task(execution_timeout=timedelta(minutes=30))
        def load(imdb_id: str, manifest_uri: str) -> int:
            """Load the collection and check it; return how many rows changed."""
            from filmpulse import airflow_bridge, jobs

            return jobs.load(manifest_uri, airflow_bridge.parts_for(imdb_id)).changed

        @task(pool="llm", execution_timeout=timedelta(hours=1))
        def analyse(imdb_id: str, params: dict, run_id: str) -> int:
            """Score every text that has no score yet; return how many got one."""
            from filmpulse import airflow_bridge, jobs

            parts = airflow_bridge.parts_for(imdb_id, is_scoring=True)
            budget_usd = params["budget_usd"]
            return jobs.analyse(imdb_id, parts, run_id=run_id, budget_usd=budget_usd).scored

        load(imdb_id, scrape(imdb_id)) >> analyse(imdb_id)

    @task(trigger_rule="all_done", retries=0, map_index_template=None, outlets=[CHANGED])
    def summarise(params: dict, run_id: str, outlet_events) -> list[str]:
        """Say how each movie went; fail, naming each that did not end well and why."""
        from filmpulse import airflow_bridge, jobs

        parts = airflow_bridge.parts(is_scoring=True)
        closed = jobs.summarise(run_id, parts, params["budget_usd"])
        if closed.changed_rows:
            outlet_events[CHANGED].add(REVIEWS)
            outlet_events[CHANGED].add(ASPECT_SCORES)
        return closed.lines

    per_movie.expand(imdb_id=plan()) >> summarise()


movie_reception()
