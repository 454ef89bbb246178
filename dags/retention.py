"""Drop what may be kept for a time only, and finish what was erased on request.

* **Kind:** "now" DAG, daily at 3:40 UTC, or by hand. Repair a failure with a new run; the next run
  takes up whatever this run left.
* **Writes:** words of removed reviews and of earlier versions become null in `core.reviews`,
  `core.review_revisions` and `core.aspect_scores`, and empty in the lake; old objects in
  `quarantine/`, `inbox/done/` and `inbox/failed/` are deleted, and so is what had come back of what
  was erased (`ops.erasures`). Scores, stars and dates stay. The first round after an upgrade that
  changes the rules of cleaning cleans kept pages and files again, and deletes what it cannot clean.
* **Needs:** connections `filmpulse_warehouse` and `filmpulse_lake`. It asks no site for anything.

How long that is: `FILMPULSE_REMOVED_TEXT_DAYS`, `FILMPULSE_QUARANTINE_DAYS` and
`FILMPULSE_INBOX_DAYS`, 30 each.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from filmpulse import airflow_bridge as bridge


@dag(
    schedule="40 3 * * *",  # 3:40 UTC every day, off the full hour at which detection begins
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=bridge.default_args(retry_minutes=5),
    tags=["upkeep"],
    **bridge.ALERTS,
    doc_md=__doc__,
)
def retention():
    @task(execution_timeout=timedelta(hours=4))
    def apply() -> dict:
        """Drop what is past its time; return how many of each kind."""
        from filmpulse import jobs

        return jobs.apply_retention(bridge.job_context(), datetime.now(UTC))._asdict()

    apply()


retention()
