"""Score what the configured analyser has not, the newest reviews first, within the budget.

* **Kind:** "now" DAG, daily at 4:10 UTC, or by hand. Repair a failure with a new run; it takes up
  only what is left, and pays for no text twice.
* **Writes:** `core.review_analyses`, `core.aspect_scores`, `core.movies.active_analyser_id`,
  `ops.llm_results`, `ops.llm_calls`. Emits `filmpulse/aspect_scores` when reviews were finished
  with.
* **Needs:** pool `llm`; connections `filmpulse_warehouse` and `filmpulse_lake`. Optional:
  connection `filmpulse_llm`, Variable `llm_budget_usd_per_day`. It asks no review site for
  anything.

A movie with more than 2,000 reviews that the model never took up is asked about first, with what
it will cost (*Required Actions* in the UI); no answer within 20 hours is a no. Meanwhile up to two
other runs may work: they share what is left, and pay for no text twice. What the budget does not
cover waits for the next day.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, AssetAlias, Param, dag, task, task_group

from filmpulse.airflow_bridge import RETRY_POLICY

ASPECT_SCORES = Asset(name="filmpulse/aspect_scores", uri="filmpulse://aspect_scores")
# An alias sends an event only when a task adds an asset to it: no change, no event.
CHANGED = AssetAlias("filmpulse/changed")
PATIENCE = timedelta(hours=20)  # so that a question never outlives its day


@dag(
    schedule="10 4 * * *",  # 4:10 UTC every day, after `retention`
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=3,  # a run that waits for a person holds up no other (docs/adr/0024)
    is_paused_upon_creation=False,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "retry_policy": RETRY_POLICY,
    },
    params={
        "imdb_ids": Param(
            [],
            type="array",
            items={"type": "string", "pattern": r"^tt[0-9]{7,9}$|imdb\.com/.*title/tt[0-9]{7,9}"},
            title="Movies",
            description="IMDb ids or addresses of movies, one a line; all movies when empty",
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
    tags=["scores"],
    doc_md=__doc__,
)
def analyse_backlog():
    @task.short_circuit
    def plan(params: dict) -> list[dict]:
        """Find the movies with unfinished reviews; none skips the rest of the run."""
        from filmpulse import airflow_bridge

        return airflow_bridge.plan_backlog(params["imdb_ids"])

    @task(pool="llm", execution_timeout=timedelta(hours=6))
    def score(planned: list[dict], params: dict, run_id: str) -> int:
        """Score all that needs no approval; return how many reviews got a score."""
        from filmpulse import airflow_bridge, jobs

        return jobs.analyse_backlog(
            run_id,
            airflow_bridge.parts(is_scoring=True),
            [movie["imdb_id"] for movie in planned],
            budget_usd=params["budget_usd"],
        ).scored

    @task
    def ask_about(planned: list[dict]) -> list[dict]:
        """Word a question about each large movie."""
        from filmpulse import airflow_bridge

        return airflow_bridge.ask_about(planned)

    @task_group
    def large_movie(imdb_id: str, subject: str, body: str):
        approve = ApprovalOperator(
            task_id="approve",
            subject=subject,
            body=body,
            defaults=ApprovalOperator.REJECT,
            response_timeout=PATIENCE,
            # LocalExecutor may lose an answer within seconds of the question: it is asked again.
            retry_delay=timedelta(seconds=10),
            map_index_template="{{ task.subject }}",
        )

        @task(pool="llm", execution_timeout=timedelta(hours=6), map_index_template="{{ movie }}")
        def score_movie(imdb_id: str, answer: dict | None, params: dict, run_id: str) -> int:
            """Score one large movie if a person said yes; else be skipped."""
            from filmpulse import airflow_bridge, jobs

            parts = airflow_bridge.parts_for(imdb_id, is_scoring=True)
            airflow_bridge.skip_unless_approved(answer)
            budget_usd = params["budget_usd"]
            return jobs.analyse(
                imdb_id, parts, run_id=run_id, budget_usd=budget_usd, is_approved=True
            ).scored

        score_movie(imdb_id, approve.output)

    @task(trigger_rule="all_done", retries=0, outlets=[CHANGED])
    def summarise(planned: list[dict], params: dict, run_id: str, outlet_events) -> list[str]:
        """Say how much was read, what it cost and what waits; fail, naming what failed and why."""
        from filmpulse import airflow_bridge

        told = airflow_bridge.summarise_backlog(run_id, planned, params["budget_usd"])
        if told.changed_rows:
            outlet_events[CHANGED].add(ASPECT_SCORES)
        return told.lines

    planned = plan()
    large = large_movie.expand_kwargs(ask_about(planned))
    [score(planned), large] >> summarise(planned)


analyse_backlog()
