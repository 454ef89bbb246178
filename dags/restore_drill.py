"""Restore the newest backup into a scratch database, and compare the two.

* **Kind:** "now" DAG, weekly, on Sunday at 6:20 UTC, or by hand. Repair a failure with a new run.
* **Writes:** the database `<warehouse>_drill` beside the warehouse, which it empties again; one row
  in `ops.restore_drills`, which the Pipeline dashboard shows.
* **Needs:** connections `filmpulse_warehouse`, and `filmpulse_backup` or else `filmpulse_lake`.
  Before the first backup it does nothing.

A drill passes if every table comes back with the rows and the hash of the manifest, at the backup's
revision, and can be brought to today's.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from filmpulse import airflow_bridge as bridge


@dag(
    schedule="20 6 * * 0",  # 6:20 UTC on Sundays, an hour after the backup
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=bridge.default_args(retry_minutes=30),
    tags=["upkeep"],
    doc_md=__doc__,
    **bridge.ALERTS,
)
def restore_drill():
    @task.short_circuit
    def has_backup() -> bool:
        """Skip the drill as long as there was never a backup."""
        return bridge.has_backup()

    @task(execution_timeout=timedelta(hours=12))
    def drill() -> dict:
        """Restore and compare; return which backup, its rows and the seconds."""
        return bridge.drill()

    has_backup() >> drill()


restore_drill()
