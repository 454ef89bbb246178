"""Score reviews that the configured analyser has not scored yet, newest first, within the budget.

* **Kind:** "now" DAG, daily at 4:10 UTC, or by hand. Repair it with a new run: no text costs twice.
* **Writes:** `core.review_analyses`, `core.aspect_scores`, `core.calibrations`, `core.movies`,
  `ops.llm_results`, `ops.llm_calls`. If rows changed: asset `filmpulse/aspect_scores`.
* **Needs:** pool `llm`; connections `filmpulse_warehouse` and `filmpulse_lake`. Optional:
  connection `filmpulse_llm`, Variable `llm_budget_usd_per_day`. It visits no review site.

If the model never saw more than 2,000 reviews of a movie, a person is asked in the UI, and no
answer in 20 hours is a no. What the keyless analyser scored is calibrated weekly (docs/adr/0041).
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import dag, task, task_group

from filmpulse import airflow_bridge as bridge


@dag(
    schedule="10 4 * * *",  # 4:10 UTC every day, after `retention`
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=3,  # a run that waits for a person holds up no other (docs/adr/0024)
    is_paused_upon_creation=False,
    default_args=bridge.default_args(retry_minutes=5),
    params={"imdb_ids": bridge.movies(), "budget_usd": bridge.BUDGET},
    tags=["scores"],
    **bridge.ALERTS,
    doc_md=__doc__,
)
def analyse_backlog():
    @task.short_circuit
    def plan(params: dict) -> list[dict]:
        """Find movies to score or to calibrate; if there is none, skip the rest of the run."""
        return bridge.plan_backlog(params["imdb_ids"])

    @task(**bridge.by_model(hours=6))
    def score(planned: list[dict], params: dict, run_id: str) -> int:
        """Score all that needs no approval; return how many reviews got a score."""
        return bridge.score_backlog(planned, run_id, params["budget_usd"])

    @task
    def ask_about(planned: list[dict]) -> list[dict]:
        """Write a question about each large movie."""
        return bridge.ask_about(planned)

    @task_group
    def large_movie(imdb_id: str, subject: str, body: str):
        approve = ApprovalOperator(
            task_id="approve",
            subject=subject,
            body=body,
            defaults=ApprovalOperator.REJECT,
            response_timeout=timedelta(hours=20),  # a question never outlives its day
            # LocalExecutor may lose an answer within seconds of the question: it is asked again.
            retry_delay=timedelta(seconds=10),
            map_index_template="{{ task.subject }}",
        )

        @task(**bridge.by_model(hours=6), map_index_template="{{ movie }}")
        def score_movie(imdb_id: str, answer: dict | None, params: dict, run_id: str) -> int:
            """Score one large movie if a person said yes; otherwise skip the task."""
            return bridge.score_if_approved(imdb_id, answer, run_id, params["budget_usd"])

        score_movie(imdb_id, approve.output)

    @task(trigger_rule="all_done", retries=0, outlets=[bridge.CHANGED])
    def summarise(planned: list[dict], params: dict, run_id: str, outlet_events) -> list[str]:
        """Say how much was read, what it cost and what waits; fail, naming what failed and why."""
        summary = bridge.summarise_backlog(run_id, planned, params["budget_usd"])
        return bridge.tell(summary, outlet_events, bridge.ASPECT_SCORES)

    planned = plan()
    large = large_movie.expand_kwargs(ask_about(planned))
    [score(planned), large] >> summarise(planned)


analyse_backlog()
