"""Export all reviews without their words, and the figures, as Parquet once a week.

* **Kind:** "now" DAG, Mondays at 6:20 UTC, or by hand. Repair a failure with a new run; a second
  export on one day replaces the first.
* **Writes:** `reviews`, `aspects`, `series` and `movies` to `exports/<day>/` in the lake, the
  manifest last. Then all but the newest exports are deleted (`FILMPULSE_EXPORTS_KEPT`, 4).
* **Needs:** connections `filmpulse_warehouse` and `filmpulse_lake`. It asks no site for anything.

No text and no quote of a review is in an export. What is erased on request goes from exports too.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from filmpulse import airflow_bridge as bridge


@dag(
    schedule="20 6 * * 1",  # 6:20 UTC on Mondays, an hour after the backup
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=bridge.default_args(retry_minutes=5),
    tags=["upkeep"],
    doc_md=__doc__,
    **bridge.ALERTS,
)
def export_reviews():
    @task(execution_timeout=timedelta(hours=2))
    def export() -> dict | None:
        """Write it and delete old ones; return its address and rows, None without movies."""
        from filmpulse import jobs

        made = jobs.export_weekly(bridge.job_context(), datetime.now(UTC))
        return made.facts if made else None

    export()


export_reviews()
