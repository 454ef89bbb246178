"""Alerts through Apprise to a real HTTP receiver: each cause once, and once when it is over."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psycopg
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from psycopg import conninfo
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from sqlalchemy import delete, select
from typer.testing import CliRunner
from werkzeug import Response

from filmpulse import airflow_bridge, jobs
from filmpulse.airflow_bridge import alerts, connections, objects
from filmpulse.cli import app
from filmpulse.config import Settings
from filmpulse.jobs.upkeep import measure_disk
from filmpulse.jobs.upkeep.find_causes import Run
from filmpulse.jobs.upkeep.word_alert import CAUSES
from filmpulse.warehouse import Warehouse, figures

TOKEN = "tok-9b1f4e77"
DETECT, RETENTION = "detect_new_reviews", "retention"
HOSTILE = "Harbour\n@everyone <!channel> http://evil.example/[x](y) *" + "\u202e" + "z" * 200


class Receiver:
    """Takes messages of Apprise's `json://`, or refuses them; `url` is the address for Apprise."""

    def __init__(self, server):
        self.taken, self.is_up = [], True
        self.url = f"json://{server.host}:{server.port}/{TOKEN}"
        server.expect_request(f"/{TOKEN}", method="POST").respond_with_handler(self._take)

    def _take(self, request):
        if not self.is_up:
            return Response(status=500)
        self.taken.append(request.get_json())
        return Response(status=200)

    def told(self):
        """Return kind and title of each message since the last call."""
        said = [(one["type"], one["title"].removeprefix("Filmpulse: ")) for one in self.taken]
        self.taken.clear()
        return said


@pytest.fixture
def receiver(httpserver, monkeypatch):
    found = Receiver(httpserver)
    made = json.dumps({"conn_type": "generic", "password": found.url})
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_ALERTS", made)
    return found


def connect_warehouse(monkeypatch, url, **changes):
    at = conninfo_to_dict(url) | changes
    made = {"conn_type": "postgres", "host": at["host"], "port": int(at["port"])}
    made |= {"login": at["user"], "password": at["password"], "schema": at["dbname"]}
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_WAREHOUSE", json.dumps(made))


@pytest.fixture
def db(warehouse_url, monkeypatch, tmp_path):
    """The warehouse that runs use, with one movie."""
    connect_warehouse(monkeypatch, warehouse_url)
    monkeypatch.setenv("FILMPULSE_LAKE_URL", tmp_path.as_uri())
    monkeypatch.setattr(measure_disk, "LEAST_DISK_GIB", 0)
    with psycopg.connect(warehouse_url, autocommit=True, row_factory=dict_row) as connection:
        add_movie(connection, "tt99000001", "The Glass Orchard")
        yield connection


def add_movie(db, imdb_id, title):
    db.execute(
        "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, %s, now())",
        (imdb_id, title),
    )


def run_ended(dag_id=DETECT, *, succeeded=True, run_id="scheduled__2026-11-29T01:00:00+00:00"):
    """Call the notifier as Airflow does when a run has ended."""
    context = {"dag": DAG(dag_id, schedule=None), "run_id": run_id}
    kind = "on_success_callback" if succeeded else "on_failure_callback"
    airflow_bridge.ALERTS[kind](context)


def collected(db, status, imdb_id="tt99000001", run_id="r", reason=None):
    """Note a collection that ended just now."""
    db.execute(
        "INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, reason, started_at, "
        "finished_at) VALUES (%s, 'imdb', %s, 'full', %s, %s, now(), now()) "
        "ON CONFLICT (run_id, source, imdb_id) DO UPDATE SET status = excluded.status, "
        "finished_at = now()",
        (run_id, imdb_id, status, reason),
    )


def looked(db, outcome, imdb_id="tt99000001"):
    db.execute(
        "INSERT INTO ops.movie_checks (source, imdb_id, checked_at, outcome) "
        "VALUES ('imdb', %s, now(), %s) ON CONFLICT (imdb_id, source) DO UPDATE SET "
        "outcome = excluded.outcome, checked_at = now()",
        (imdb_id, outcome),
    )


def judged(db, passed):
    db.execute(
        "INSERT INTO ops.quality_checks (manifest_uri, check_name, source, imdb_id, collected_at, "
        "passed, fails_run, n, sentence) VALUES (%s, 'unrated', 'imdb', 'tt99000001', now(), %s, "
        "%s, 30, 'A sentence.')",
        (f"file:///m{passed}", passed, not passed),
    )


def waits(db, status):
    """Have the movie's review wait for money, or be scored, under a model."""
    db.execute(
        "INSERT INTO core.analysers (kind, model, prompt_version, parameters) "
        "VALUES ('llm', 'm-1', 'v1', '{}') ON CONFLICT DO NOTHING"
    )
    db.execute(
        "UPDATE core.movies SET configured_analyser_id = "
        "(SELECT analyser_id FROM core.analysers WHERE model = 'm-1')"
    )
    db.execute(
        "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
        "content_hash, first_seen_at) VALUES ('imdb', 'rw1', 'tt99000001', 'A title', 'A body.', "
        "false, 'h1', now()) ON CONFLICT DO NOTHING"
    )
    db.execute(
        "INSERT INTO core.review_analyses (source, review_id, content_hash, analyser_id, imdb_id, "
        "status, overall) SELECT 'imdb', 'rw1', 'h1', analyser_id, 'tt99000001', %(s)s, "
        "CASE WHEN %(s)s = 'scored' THEN 1 END FROM core.analysers WHERE model = 'm-1' "
        "ON CONFLICT (source, review_id, content_hash, analyser_id) DO UPDATE "
        "SET status = excluded.status, overall = excluded.overall",
        {"s": status},
    )
    address = conninfo.make_conninfo(db.info.dsn, password=db.info.password)
    figures.count_all(Warehouse(address))


def asked(db, outcome):
    db.execute(
        "INSERT INTO ops.llm_calls (run_id, model, prompt_version, finished_at, outcome, "
        "reserved_usd) VALUES ('r', 'm-1', 'v1', clock_timestamp(), %s, 0)",
        (outcome,),
    )


@pytest.fixture
def model(monkeypatch):
    """Have a model score reviews, at an endpoint that nobody runs."""
    monkeypatch.setenv("FILMPULSE_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("FILMPULSE_LLM_MODEL", "m-1")


STATES = {
    "movie_failed": (
        lambda db: collected(db, "failed", reason="timeout"),
        lambda db: collected(db, "complete"),
        "movies could not be read (imdb failed)",
    ),
    "layout_changed": (
        lambda db: looked(db, "layout_changed"),
        lambda db: looked(db, "no_news"),
        "a page has changed (imdb)",
    ),
    "host_blocked": (
        lambda db: collected(db, "blocked", reason="captcha"),
        lambda db: looked(db, "no_news"),
        "a site refuses (imdb)",
    ),
    "budget_reached": (
        lambda db: waits(db, "over_budget"),
        lambda db: waits(db, "scored"),
        "reviews wait for money (m-1)",
    ),
    "check_failed": (
        lambda db: judged(db, False),
        lambda db: judged(db, True),
        "a data check fails (unrated)",
    ),
    "model_unusable": (
        lambda db: asked(db, "unusable_answers"),
        lambda db: asked(db, "scored"),
        "the model scores nothing (m-1)",
    ),
}


@pytest.mark.rows_by_hand
@pytest.mark.parametrize("cause", STATES)
@pytest.mark.usefixtures("model")
def test_a_cause_is_told_once_and_its_end_once(receiver, db, cause):
    begin, end, title = STATES[cause]
    run_ended()
    assert receiver.told() == []
    for _ in range(2):
        begin(db)
        run_ended()
        assert receiver.told() == [(CAUSES[cause].level, title)]
        run_ended(RETENTION)
        assert receiver.told() == []
        end(db)
        run_ended()
        assert receiver.told() == [("success", f"well again: {title}")]
        run_ended()
        assert receiver.told() == []
        db.execute("DELETE FROM ops.quality_checks")


def test_many_movies_are_one_message(receiver, db):
    for n in range(2, 10):
        add_movie(db, f"tt9900000{n}", f"Movie {n}")
        collected(db, "failed", f"tt9900000{n}", reason="timeout")
    run_ended(run_id="manual__2026-11-29T01:00:00+00:00")
    [told] = receiver.taken
    assert "- tt99000002 Movie 2: timeout\n" in told["message"]
    assert "and 3 more" in told["message"]
    assert "docs/runbooks/alerts.md#movie_failed" in told["message"]
    run = "/dags/detect_new_reviews/runs/manual__2026-11-29T01%3A00%3A00%2B00%3A00"
    assert told["message"].endswith(run)
    collected(db, "failed", "tt99000001", reason="reset")
    run_ended()
    assert len(receiver.taken) == 1


def test_a_collection_that_is_not_tracked_any_more_is_over(receiver, db):
    collected(db, "not_found")
    run_ended()
    db.execute("UPDATE ops.collections SET finished_at = now() - interval '3 days'")
    run_ended()
    title = "movies could not be read (imdb not_found)"
    assert receiver.told() == [("failure", title), ("success", f"well again: {title}")]


def test_a_hostile_title_is_made_harmless(receiver, db):
    add_movie(db, "tt99000002", HOSTILE)
    collected(db, "failed", "tt99000002", reason="timeout")
    run_ended()
    [line] = [each for each in receiver.taken[0]["message"].splitlines() if "tt99000002" in each]
    assert line.startswith("- tt99000002 Harbour \uff20everyone \u2039!channel\u203a http evil")
    assert len(line) < 120
    assert not {"@", "<", ">", "\u202e"} & set(line)
    assert "evil.example" not in line


def test_what_is_left_of_markup_is_escaped_for_a_service_that_shows_html(receiver, db, monkeypatch):
    made = json.dumps({"conn_type": "generic", "password": f"{receiver.url}?format=html"})
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_ALERTS", made)
    add_movie(db, "tt99000002", "Tom &lt;b&gt; <b>Jerry</b>")
    collected(db, "failed", "tt99000002")
    run_ended()
    [told] = receiver.taken
    assert "&amp;lt;b&amp;gt;" in told["message"]
    assert "<b>" not in told["message"]


def test_a_short_disk_is_told_and_well_again_with_some_to_spare(receiver, db, monkeypatch):
    free = 1.9
    monkeypatch.setattr(measure_disk, "LEAST_DISK_GIB", 2.0)
    monkeypatch.setattr(measure_disk, "free_disk", lambda: ("/somewhere", free))
    run_ended()
    assert [kind for kind, _ in receiver.told()] == ["failure"]
    free = 2.2
    run_ended()
    assert receiver.told() == []
    free = 2.6
    run_ended()
    assert [kind for kind, _ in receiver.told()] == ["success"]


@pytest.mark.parametrize(
    ("dag_id", "title"),
    [
        ("warehouse_backup", "the backup failed"),
        ("restore_drill", "the restore drill failed"),
        (RETENTION, "a run failed (retention)"),
    ],
)
def test_a_failed_run_is_over_when_one_of_its_dag_succeeds(receiver, db, dag_id, title):
    run_ended(dag_id, succeeded=False)
    run_ended(dag_id, succeeded=False, run_id="another")
    run_ended(DETECT)
    assert receiver.told() == [("failure", title)]
    run_ended(dag_id)
    assert receiver.told() == [("success", f"well again: {title}")]


@pytest.mark.parametrize("state", ["collected", "judged", "asked"])
@pytest.mark.usefixtures("model")
def test_a_run_whose_failure_another_cause_tells_is_not_told_too(receiver, db, state):
    collected(db, "failed" if state == "collected" else "complete")
    db.execute("UPDATE ops.collections SET manifest_uri = 'file:///mFalse'")
    if state == "judged":
        judged(db, False)
    if state == "asked":
        asked(db, "key_refused")
    run_ended("movie_reception", succeeded=False, run_id="r")
    [(_, title)] = receiver.told()
    assert "a run failed" not in title
    run_ended("movie_reception", succeeded=False, run_id="another")
    assert receiver.told() == [("failure", "a run failed (movie_reception)")]


def test_a_host_that_rests_is_told_though_no_movie_is_looked_at(receiver, db):
    db.execute("UPDATE ops.sources SET host = 'site.invalid' WHERE source = 'imdb'")
    db.execute(
        "INSERT INTO ops.host_state (host, paused_until, strikes, reason) "
        "VALUES ('site.invalid', now() + interval '1 hour', 1, 'captcha')"
    )
    started = db.execute("SELECT now() - interval '1 minute' AS at").fetchone()["at"]
    airflow_bridge.ALERTS["on_failure_callback"]({
        "dag": DAG(DETECT, schedule=None), "run_id": "r",
        "dag_run": SimpleNamespace(start_date=started),
    })  # fmt: skip
    title = "a site refuses (imdb)"
    assert receiver.told() == [(CAUSES["host_blocked"].level, title)]
    db.execute("UPDATE ops.host_state SET paused_until = NULL, strikes = 0, reason = NULL")
    run_ended()
    assert receiver.told() == [("success", f"well again: {title}")]


def test_a_failed_look_explains_the_detectors_run(receiver, db):
    looked(db, "failed")
    context = {"dag": DAG(DETECT, schedule=None), "run_id": "r"}
    started = db.execute("SELECT now() - interval '1 hour' AS at").fetchone()["at"]
    context["dag_run"] = SimpleNamespace(start_date=started)
    airflow_bridge.ALERTS["on_failure_callback"](context)
    assert receiver.told() == [("failure", "movies could not be read (imdb failed)")]


def test_the_end_of_a_model_is_asked_for_once_a_day(receiver, db, monkeypatch, httpserver):
    listed = {"data": [{"id": "m-1", "shutdown_date": "2026-12-01"}]}
    httpserver.expect_request("/v1/models").respond_with_json(listed)
    monkeypatch.setenv("FILMPULSE_LLM_BASE_URL", httpserver.url_for("/v1"))
    monkeypatch.setenv("FILMPULSE_LLM_MODEL", "m-1")
    run_ended()
    run_ended()
    assert receiver.told() == [("warning", "the model ends soon (m-1)")]
    requests = [request.path for request, _ in httpserver.log]
    assert requests.count("/v1/models") == 1
    db.execute("UPDATE ops.model_ends SET asked_at = now() - interval '2 days'")
    httpserver.clear_all_handlers()
    Receiver.__init__(receiver, httpserver)
    run_ended()  # an endpoint that does not answer takes nothing back
    assert receiver.told() == []
    monkeypatch.setenv("FILMPULSE_LLM_MODEL", "m-2")
    run_ended()
    assert receiver.told() == [("success", "well again: the model ends soon (m-1)")]


def said(caplog):
    """Return all that was logged, but for the receiver's own log."""
    return "\n".join(
        logging.Formatter().format(one) for one in caplog.records if one.name != "werkzeug"
    )


def test_what_no_service_took_is_told_later(receiver, db, caplog):
    collected(db, "failed")
    receiver.is_up = False
    with caplog.at_level(logging.DEBUG):
        run_ended()
    assert TOKEN not in said(caplog)
    assert db.execute("SELECT told_at FROM ops.alerts").fetchall() == [{"told_at": None}]
    receiver.is_up = True
    run_ended(RETENTION)
    assert [kind for kind, _ in receiver.told()] == ["failure"]
    receiver.is_up = False
    collected(db, "complete")
    run_ended()
    receiver.is_up = True
    run_ended(RETENTION)
    assert [kind for kind, _ in receiver.told()] == ["success"]


def test_what_is_over_before_it_could_be_told_is_never_told(receiver, db):
    collected(db, "failed")
    receiver.is_up = False
    run_ended()
    receiver.is_up = True
    collected(db, "complete")
    run_ended()
    assert receiver.told() == []
    assert db.execute("SELECT FROM ops.alerts").rowcount == 0


def test_what_comes_back_before_its_end_was_told_never_ended(receiver, db):
    collected(db, "failed")
    run_ended()
    receiver.is_up = False
    collected(db, "complete")
    run_ended()
    receiver.is_up = True
    collected(db, "failed")
    run_ended()
    assert [kind for kind, _ in receiver.told()] == ["failure"]
    assert db.execute("SELECT FROM ops.alerts WHERE ended_at IS NULL").rowcount == 1


def test_one_service_that_takes_it_is_enough(receiver, db, monkeypatch):
    both = json.dumps(
        {"conn_type": "generic", "password": f"json://127.0.0.1:9/{TOKEN} {receiver.url}"}
    )
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_ALERTS", both)
    collected(db, "failed")
    run_ended()
    run_ended()
    assert len(receiver.told()) == 1


def test_workers_at_once_tell_a_cause_once(receiver, db, warehouse_url):
    collected(db, "failed")
    told = []
    context = jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url="file:///nowhere")
    )

    def look(n):
        jobs.alert(Run(DETECT, f"r{n}", "http://a", True), context, lambda m: not told.append(m))

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(look, range(8)))
    assert len(told) == 1


def test_a_failure_is_not_lost_while_another_worker_has_the_turn(
    receiver, db, warehouse_url, monkeypatch
):
    monkeypatch.setattr("filmpulse.jobs.upkeep.alert.PATIENCE", "10ms")
    with psycopg.connect(warehouse_url) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('alerts', 0))")
        run_ended("warehouse_backup", succeeded=False)
        assert receiver.told() == []
    run_ended()
    assert receiver.told() == [("failure", "the backup failed")]


def test_what_comes_back_while_its_end_is_told_is_told_anew(receiver, db, warehouse_url):
    run_ended(RETENTION, succeeded=False)
    context = jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url="file:///nowhere")
    )

    def send(message):  # the other worker's run fails meanwhile
        db.execute("UPDATE ops.alerts SET ended_at = NULL")
        return True

    jobs.alert(Run(RETENTION, "r2", "http://a", True), context, send)
    receiver.told()
    run_ended()
    assert receiver.told() == [("failure", "a run failed (retention)")]


def test_a_worker_that_is_killed_while_it_sends_leaves_it_to_the_next(receiver, db, warehouse_url):
    collected(db, "failed")
    context = jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url="file:///nowhere")
    )

    def killed(message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.alert(Run(DETECT, "r", "http://a", True), context, killed)
    run_ended()
    assert len(receiver.told()) == 1


def test_without_the_connection_nothing_is_looked_at_or_noted(db, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_FILMPULSE_ALERTS", raising=False)
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_WAREHOUSE", "{}")
    collected(db, "failed")
    run_ended(succeeded=False)
    assert db.execute("SELECT FROM ops.alerts").rowcount == 0


def test_an_outage_of_the_warehouse_is_told_once_and_its_end_once(
    receiver, db, monkeypatch, warehouse_url
):
    connect_warehouse(monkeypatch, warehouse_url, port="9")
    for run in range(3):
        run_ended(succeeded=False, run_id=f"r{run}")
    assert receiver.told() == [("failure", "the warehouse cannot be read")]
    for run in range(2):
        run_ended("warehouse_backup", succeeded=False, run_id=f"b{run}")
    assert receiver.told() == [("failure", "the backup failed")]
    connect_warehouse(monkeypatch, warehouse_url)
    run_ended()
    assert receiver.told() == [("success", "well again: the warehouse cannot be read")]
    assert alerts._carried() == []
    run_ended("warehouse_backup")
    assert receiver.told() == [("success", "well again: the backup failed")]
    kept = db.execute("SELECT cause FROM ops.alerts ORDER BY cause").fetchall()
    assert [row["cause"] for row in kept] == ["backup_failed", "warehouse_down"]


@pytest.mark.parametrize(
    "made",
    [
        {"conn_type": "generic", "password": f"nothing-of-apprise://{TOKEN}"},
        {"conn_type": "generic"},
        {"conn_type": "apprise", "extra": {"config": f'{{"path": "{TOKEN}'}},
        {"conn_type": "apprise", "extra": {"config": [{"tag": TOKEN}]}},
    ],
)
def test_a_connection_that_cannot_be_used_fails_nothing_and_shows_no_token(
    db, monkeypatch, caplog, made
):
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_ALERTS", json.dumps(made))
    collected(db, "failed")
    with caplog.at_level(logging.DEBUG):
        run_ended(succeeded=False)
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    assert TOKEN not in said(caplog)
    assert db.execute("SELECT FROM ops.alerts").rowcount == 0


def test_the_form_of_the_provider_is_understood(receiver, db, monkeypatch):
    made = {"conn_type": "apprise", "extra": {"config": [{"path": receiver.url, "tag": "x"}]}}
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_ALERTS", json.dumps(made))
    collected(db, "failed")
    run_ended()
    assert len(receiver.told()) == 1


@pytest.mark.rows_by_hand
def test_no_text_of_a_review_and_no_sentence_is_sent(receiver, db):
    waits(db, "over_budget")
    judged(db, False)
    collected(db, "failed")
    db.execute("UPDATE ops.collections SET sentence = 'A body.'")
    run_ended()
    assert len(receiver.taken) == 3
    said = json.dumps(receiver.taken)
    for word in ("A body.", "A title", "A sentence."):
        assert word not in said


def test_a_run_of_a_dag_is_looked_at_when_it_ends(receiver, db, monkeypatch):
    """Have Airflow itself call what the DAG file names."""
    dag = DagBag(dag_folder=f"{conf_dags()}/retention.py").dags["retention"]
    for task in dag.tasks:
        task.retries = 0
    monkeypatch.setattr(jobs, "apply_retention", _refuse)
    run = dag.test()
    assert run.state == "failed"
    assert receiver.told() == [("failure", "a run failed (retention)")]
    monkeypatch.setattr(jobs, "apply_retention", lambda *_: SimpleNamespace(_asdict=dict))
    assert dag.test().state == "success"
    assert receiver.told() == [("success", "well again: a run failed (retention)")]


def _refuse(*_):
    raise ValueError


def conf_dags():
    from airflow.configuration import conf

    return conf.get("core", "dags_folder")


def test_every_dag_is_looked_at():
    for dag in DagBag(dag_folder=conf_dags()).dags.values():
        for name, notifier in airflow_bridge.ALERTS.items():
            assert type(getattr(dag, name)) is type(notifier), dag.dag_id
            assert getattr(dag, name).succeeded == notifier.succeeded


def doctor():
    return CliRunner().invoke(app, ["doctor", "--alert-test"])


def test_doctor_sends_a_test_message(receiver):
    done = doctor()
    assert (done.exit_code, len(receiver.taken)) == (0, 1)
    assert "JSON" in done.output
    assert TOKEN not in done.output


def test_doctor_says_that_a_test_message_was_refused(receiver):
    receiver.is_up = False
    done = doctor()
    assert done.exit_code == 1
    assert "JSON" in done.output
    assert TOKEN not in done.output


def test_doctor_says_that_nobody_is_told(monkeypatch):
    from filmpulse import cli
    from filmpulse.errors import BadInput

    monkeypatch.delenv("AIRFLOW_CONN_FILMPULSE_ALERTS", raising=False)
    done = doctor()
    assert done.exit_code == 1
    assert isinstance(done.exception, BadInput)
    monkeypatch.delenv("AIRFLOW_HOME")
    with pytest.raises(BadInput):
        cli.common.send_test_alert()


def test_setup_makes_the_connection_and_takes_it_back(receiver, monkeypatch):
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    def stored():
        found = session.scalar(select(Connection).where(Connection.conn_id == connections.ALERTS))
        return found and (found.conn_type, found.password)

    monkeypatch.setenv("FILMPULSE_ALERTS_URL", receiver.url)
    objects.setup()
    with create_session() as session:
        assert stored() == ("generic", receiver.url)
    monkeypatch.delenv("FILMPULSE_ALERTS_URL")
    objects.setup()
    with create_session() as session:
        assert stored() is None
        session.add(Connection(conn_id=connections.ALERTS, conn_type="apprise", password="x"))
    monkeypatch.setenv("FILMPULSE_ALERTS_URL", receiver.url)
    objects.setup()
    with create_session() as session:
        assert stored() == ("apprise", "x")
        session.execute(delete(Connection).where(Connection.conn_id == connections.ALERTS))
