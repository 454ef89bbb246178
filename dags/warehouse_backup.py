"""Copy every table of the warehouse to S3, and read the copy back.

* **Kind:** "now" DAG, daily at 5:20 UTC, or by hand; after a load only when the newest backup is
  over 24 hours old. Repair a failure with a new run: it begins anew, and what the failed run left
  is deleted after a day.
* **Writes:** a folder below `FILMPULSE_BACKUP_URL`: tables of `core`, `ops` and `journal` as of one
  moment, Airflow's Variables, Superset's assets, and last the manifest. Then it deletes backups
  that need not stay (`FILMPULSE_BACKUP_KEEP`, `_DAILY`, `_MONTHLY`). Notes it in `ops.backups`.
* **Needs:** connections `filmpulse_warehouse`, and `filmpulse_backup` or else `filmpulse_lake`.
  Optional: connection `filmpulse_superset`. Without `FILMPULSE_BACKUP_URL` it does nothing.

It holds no password and no key: `filmpulse recovery-sheet` prints what must be kept elsewhere.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from filmpulse import airflow_bridge as bridge


@dag(
    # 5:20 UTC every day, after `retention` and `analyse_backlog`; and after each load
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("20 5 * * *", timezone="UTC"), assets=[bridge.REVIEWS]
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=bridge.default_args(retry_minutes=10),
    tags=["upkeep"],
    doc_md=__doc__,
    **bridge.ALERTS,
)
def warehouse_backup():
    @task.short_circuit
    def is_due(dag_run) -> bool:
        """Skip the backup without a place or a movie, or if a load asked for one too soon."""
        return bridge.is_backup_due(dag_run.run_type)

    @task(execution_timeout=timedelta(hours=12))
    def back_up() -> dict:
        """Write a backup, read it back, delete old ones; return its figures."""
        return bridge.back_up()

    is_due() >> back_up()


warehouse_backup()
