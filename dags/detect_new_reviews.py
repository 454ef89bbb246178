"""Look at every tracked movie that is due and start `movie_reception` for those with news.

* **Kind:** "now" DAG, hourly (at minute 0). Repair a failure with a new run, or wait an hour.
* **Writes:** `core.movies`, `core.movie_snapshots`, `core.movie_ids`, `ops.movie_checks`,
  `ops.detections`; of each site one page a movie. Of a stream: `ops.streams`, and the lake, once.
* **Needs:** Variable `tracked_movies`, table `core.tracked`; pool `detector`; connections
  `filmpulse_warehouse` and `filmpulse_lake`; `FILMPULSE_<SOURCE>_URL`, such as
  `FILMPULSE_IMDB_URL`.

A short list is due every hour; in a long one each movie by its age and news (docs/adr/0047). News
of a site: its count is not that of the last finished collection, or a full one is due. News of a
stream: an event. No news ends green. `{"wait": false}` looks at all in one go.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, PokeReturnValue, dag, task

from filmpulse import airflow_bridge as bridge

POKE_INTERVAL = timedelta(seconds=30)  # shorter ones race with the scheduler (docs/adr/0010)
LONGEST = timedelta(minutes=50)


@dag(
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=bridge.default_args(),
    params={
        "wait": Param(
            True,
            type="boolean",
            title="Visit in rounds",
            description="Off: look at every movie in one go, without pauses between rounds",
        )
    },
    tags=["detection"],
    **bridge.ALERTS,
    doc_md=__doc__,
)
def detect_new_reviews():
    @task.sensor(
        mode="reschedule",
        poke_interval=POKE_INTERVAL,
        timeout=timedelta(minutes=70).total_seconds(),
        **bridge.by_browser("detector"),
    )
    def look_for_news(params: dict, run_id: str, dag_run) -> PokeReturnValue:
        """Visit due movies; done when each was looked at, or after 50 minutes."""
        asked = {"run_id": run_id, "longest": LONGEST, "is_patient": params["wait"]}
        return PokeReturnValue(*bridge.detect(since=dag_run.start_date, **asked))

    @task
    def announce(found: dict) -> list[dict]:
        """Note which run each movie will be in; return what `trigger` starts."""
        return bridge.announce(found)

    @task(retries=0)
    def report(found: dict) -> None:
        """Fail when a movie could not be looked at, naming it and why."""
        bridge.report_detection(found)

    found = look_for_news()
    TriggerDagRunOperator.partial(
        task_id="trigger",
        trigger_dag_id="movie_reception",
        logical_date=None,
        skip_when_already_exists=True,
    ).expand_kwargs(announce(found))
    report(found)


detect_new_reviews()
