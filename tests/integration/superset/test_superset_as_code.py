"""Sync and export against a real Superset and its metadata database, in one process."""

import json
import re
import shutil
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg import sql
from superset_fixtures import DRIVER, Failure

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = DRIVER.parent
ASSETS = ROOT / "superset" / "assets"

DATABASE, REVIEWS, EVENTS = (f"00000000-0000-4000-8000-0000000000{n}" for n in ("01", "11", "12"))
WEEKS, GRADE, EVENT_TABLE, RECEPTION = (
    f"00000000-0000-4000-8000-0000000000{n}" for n in (21, 22, 23, 31)
)
SMALL_TREE = [
    "databases/warehouse.yaml",
    "datasets/warehouse/movie_events.yaml",
    "datasets/warehouse/reviews.yaml",
    "charts/movie_events/events.yaml",
    "charts/reviews/mean_grade.yaml",
    "charts/reviews/reviews_by_week.yaml",
    "dashboards/reception.yaml",
]


@pytest.fixture
def superset(superset_driver):
    """A Superset that holds nothing yet."""
    superset_driver.clear()
    return superset_driver


@pytest.fixture
def tree(tmp_path):
    """A copy of the small tree."""
    return Path(shutil.copytree(FIXTURES / "assets", tmp_path / "assets"))


@pytest.fixture
def saved(tmp_path):
    return tmp_path / "saved"


def change(tree, path, **values):
    doc = yaml.safe_load((tree / path).read_text())
    doc.update(values)
    (tree / path).write_text(yaml.safe_dump(doc, sort_keys=False))
    return doc


def texts(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_first_sync_creates_all_and_the_second_touches_nothing(superset, tree, saved):
    first = superset.sync(folder=tree, saved=saved)
    assert first["created"] == SMALL_TREE
    before = superset.rows()
    second = superset.sync(folder=tree, saved=saved)
    assert superset.rows() == before
    assert (second["unchanged"], second["created"], second["updated"]) == (SMALL_TREE, [], [])
    assert not saved.exists()


def test_superset_gets_real_ids_parents_and_addresses(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    page = superset.facts(dashboard=RECEPTION)
    charts = page["charts"]
    assert set(charts) == {WEEKS, GRADE, EVENT_TABLE}
    position = page["position"]
    assert position["CHART-weeks"]["meta"]["chartId"] == charts[WEEKS]
    assert position["CHART-weeks"]["meta"]["sliceName"] == "Reviews by week"
    assert position["CHART-weeks"]["parents"] == ["ROOT_ID", "TABS-main", "TAB-reviews", "ROW-time"]
    assert position["HEADER_ID"]["meta"]["text"] == "Reception"
    assert "http://127.0.0.1:8080/movies" in position["MARKDOWN-head"]["meta"]["code"]
    movie, _, grade = page["metadata"]["native_filter_configuration"]
    assert movie["targets"][0]["datasetId"] == page["datasets"][REVIEWS]
    assert grade["scope"]["excluded"] == [charts[EVENT_TABLE]]
    params = page["params"][WEEKS]
    assert params["annotation_layers"][0]["value"] == charts[EVENT_TABLE]
    assert params["datasource"] == f"{page['datasets'][REVIEWS]}__table"
    assert page["is_managed_externally"] is False, "people could not edit it"


def test_export_gives_back_the_bytes(superset, tree, saved, tmp_path):
    superset.sync(folder=tree, saved=saved)
    report = superset.export(folder=tmp_path / "new")
    assert report["written"] == sorted(SMALL_TREE)
    assert texts(tmp_path / "new") == texts(tree)
    again = superset.export(folder=tree)
    assert (again["written"], again["removed"], again["unchanged"]) == ([], [], len(SMALL_TREE))
    assert superset.password not in str(texts(tmp_path / "new")) + report["text"]


def test_the_repository_s_own_assets_survive_the_round_trip(superset, saved, tmp_path):
    first = superset.sync(folder=ASSETS, saved=saved)
    before = superset.rows()
    second = superset.sync(folder=ASSETS, saved=saved)
    assert superset.rows() == before
    assert second["unchanged"] == first["created"]
    superset.export(folder=tmp_path / "new")
    assert texts(tmp_path / "new") == texts(ASSETS)


def test_saving_a_dashboard_without_a_change_changes_no_file(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    superset.resave(dashboard=RECEPTION)
    assert superset.export(folder=tree)["written"] == []
    assert superset.sync(folder=tree, saved=saved)["unchanged"] == SMALL_TREE


def test_what_changed_is_updated_and_nothing_else(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    before = superset.rows()
    change(
        tree,
        "charts/reviews/mean_grade.yaml",
        slice_name="Mean of the grades",
        description="Changed.",
    )
    report = superset.sync(folder=tree, saved=saved)
    assert (report["updated"], report["replaced"]) == (["charts/reviews/mean_grade.yaml"], [])
    assert sorted(report["unchanged"]) == sorted(
        set(SMALL_TREE) - {"charts/reviews/mean_grade.yaml"}
    )
    after = superset.rows()
    assert {name for name in after if after[name] != before[name]} == {"slices", "key_value"}
    assert len(set(after["slices"]) - set(before["slices"])) == 1


def test_what_left_a_file_is_gone(superset, tree, saved):
    """Import as Superset has it keeps a field that is no longer there, and merges."""
    superset.sync(folder=tree, saved=saved)
    path = "datasets/warehouse/reviews.yaml"
    doc = yaml.safe_load((tree / path).read_text())
    doc["columns"] = [c for c in doc["columns"] if c["column_name"] != "is_spoiler"]
    doc["columns"][0]["verbose_name"] = "New"
    doc["metrics"] = [{"metric_name": "reviews", "expression": "COUNT(*)"}]
    change(tree, path, **doc)
    chart = yaml.safe_load((tree / "charts/reviews/mean_grade.yaml").read_text())
    chart["params"] = {"metric": "reviews"}
    change(tree, "charts/reviews/mean_grade.yaml", **chart)
    dashboard = yaml.safe_load((tree / "dashboards/reception.yaml").read_text())
    del dashboard["css"]
    (tree / "dashboards/reception.yaml").write_text(yaml.safe_dump(dashboard))
    report = superset.sync(folder=tree, saved=saved)
    assert len(report["updated"]) == 3
    with psycopg.connect(superset.metadata_url) as connection:
        columns = {c for (c,) in connection.execute("SELECT column_name FROM table_columns")}
        metrics = connection.execute("SELECT metric_name, d3format FROM sql_metrics").fetchall()
        css = connection.execute("SELECT css FROM dashboards").fetchall()
    assert "is_spoiler" not in columns
    assert (metrics, css) == ([("reviews", None)], [(None,)])
    superset.export(folder=tree.parent / "new")
    assert "subheader" not in (tree.parent / "new/charts/reviews/mean_grade.yaml").read_text()


def test_a_changed_metric_is_not_answered_from_the_cache(superset, tree, saved):
    """The dataset's time of change is part of the key of every cached answer."""
    superset.sync(folder=tree, saved=saved)
    query = "SELECT changed_on FROM tables WHERE table_name = 'reviews'"
    with psycopg.connect(superset.metadata_url, autocommit=True) as connection:
        before = connection.execute(query).fetchone()
        text = (tree / "datasets/warehouse/reviews.yaml").read_text()
        (tree / "datasets/warehouse/reviews.yaml").write_text(text.replace("COUNT(*)", "COUNT(1)"))
        superset.sync(folder=tree, saved=saved)
        assert connection.execute(query).fetchone() > before


def test_what_left_the_repository_goes(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    weeks = superset.id_of(kind="charts", uuid=WEEKS)
    (tree / "charts/reviews/reviews_by_week.yaml").unlink()
    dashboard = yaml.safe_load((tree / "dashboards/reception.yaml").read_text())
    del dashboard["position"]["CHART-weeks"], dashboard["position"]["ROW-time"]
    dashboard["position"]["TAB-reviews"]["children"] = ["ROW-head"]
    (tree / "dashboards/reception.yaml").write_text(yaml.safe_dump(dashboard))
    report = superset.sync(folder=tree, saved=saved)
    assert report["deleted"] == ["charts/reviews/reviews_by_week.yaml"]
    with psycopg.connect(superset.metadata_url) as connection:
        shown = connection.execute("SELECT slice_id FROM dashboard_slices").fetchall()
    assert len(shown) == 2
    assert (weeks,) not in shown
    shutil.rmtree(tree)
    shutil.copytree(FIXTURES / "assets/databases", tree / "databases")
    report = superset.sync(folder=tree, saved=saved)
    assert len(report["deleted"]) == 5
    for kind, uuid in (("dashboards", RECEPTION), ("charts", GRADE), ("datasets", REVIEWS)):
        assert not superset.exists(kind=kind, uuid=uuid)


def test_what_people_made_is_left_alone(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    dataset = superset.id_of(kind="datasets", uuid=REVIEWS)
    chart = superset.create(
        kind="charts",
        slice_name="Mine",
        viz_type="table",
        datasource_id=dataset,
        datasource_type="table",
        params=json.dumps({"metrics": ["reviews"]}),
    )
    dashboard = superset.create(kind="dashboards", dashboard_title="Mine", slug="mine")
    superset.sync(folder=tree, saved=saved)
    before = superset.rows()
    assert superset.export(folder=tree)["written"] == []
    # All of the repository goes; the dataset that their chart needs becomes theirs.
    for name in ("charts", "dashboards", "datasets"):
        shutil.rmtree(tree / name)
    report = superset.sync(folder=tree, saved=saved)
    assert report["released"] == ["datasets/warehouse/reviews.yaml"]
    after = superset.rows()
    assert [row for row in before["slices"] if "Mine" in row] == after["slices"]
    assert [row for row in before["dashboards"] if "Mine" in row] == after["dashboards"]
    assert superset.exists(kind="charts", uuid=chart)
    assert superset.exists(kind="dashboards", uuid=dashboard)
    assert superset.exists(kind="datasets", uuid=REVIEWS)
    assert not superset.exists(kind="datasets", uuid=EVENTS)
    assert superset.sync(folder=tree, saved=saved)["released"] == []


def test_a_chart_on_somebody_s_dashboard_becomes_theirs(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    superset.create(kind="dashboards", dashboard_title="Mine", slug="mine")
    with psycopg.connect(superset.metadata_url) as connection:
        connection.execute(
            """INSERT INTO dashboard_slices (dashboard_id, slice_id)
               SELECT d.id, s.id FROM dashboards d, slices s
               WHERE d.slug = 'mine' AND s.slice_name = 'Mean grade'"""
        )
    for name in ("charts", "dashboards", "datasets"):
        shutil.rmtree(tree / name)
    report = superset.sync(folder=tree, saved=saved)
    assert report["released"] == [
        "charts/reviews/mean_grade.yaml",
        "datasets/warehouse/reviews.yaml",
    ]


def test_a_chart_that_annotates_somebody_s_becomes_theirs(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    layer = {"name": "Events", "annotationType": "EVENT", "sourceType": "table", "show": True}
    layer["value"] = superset.id_of(kind="charts", uuid=EVENT_TABLE)
    superset.create(
        kind="charts",
        slice_name="Mine",
        viz_type="echarts_timeseries_line",
        datasource_id=superset.id_of(kind="datasets", uuid=REVIEWS),
        datasource_type="table",
        params=json.dumps({"metrics": ["reviews"], "annotation_layers": [layer]}),
    )
    for name in ("charts", "dashboards", "datasets"):
        shutil.rmtree(tree / name)
    report = superset.sync(folder=tree, saved=saved)
    assert report["released"] == [
        "charts/movie_events/events.yaml",
        "datasets/warehouse/movie_events.yaml",
        "datasets/warehouse/reviews.yaml",
    ]
    assert superset.exists(kind="charts", uuid=EVENT_TABLE)
    assert not superset.exists(kind="charts", uuid=WEEKS)


def test_a_person_s_edit_is_saved_named_and_written_over(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    superset.edit(kind="charts", uuid=GRADE, slice_name="My title")
    report = superset.sync(folder=tree, saved=saved)
    assert report["replaced"] == report["updated"] == ["charts/reviews/mean_grade.yaml"]
    kept = Path(report["saved"]) / "charts/reviews/mean_grade.yaml"
    assert yaml.safe_load(kept.read_text())["slice_name"] == "My title"
    assert (
        f"charts/reviews/mean_grade.yaml had been changed in Superset; what it was: {kept}"
        in (report["text"])
    )
    again = superset.sync(folder=tree, saved=saved)
    assert (again["replaced"], again["unchanged"]) == ([], SMALL_TREE)


def test_an_edit_of_what_left_the_repository_is_saved_too(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    superset.edit(kind="charts", uuid=GRADE, slice_name="My title")
    for name in ("charts", "dashboards", "datasets"):
        shutil.rmtree(tree / name)
    report = superset.sync(folder=tree, saved=saved)
    assert report["replaced"] == ["charts/reviews/mean_grade.yaml"]
    assert "My title" in (Path(report["saved"]) / "charts/reviews/mean_grade.yaml").read_text()


def test_what_a_person_deleted_comes_back_whole(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    superset.delete(kind="charts", uuid=EVENT_TABLE)
    report = superset.sync(folder=tree, saved=saved)
    assert report["created"] == ["charts/movie_events/events.yaml"]
    page = superset.facts(dashboard=RECEPTION)
    new = page["charts"][EVENT_TABLE]
    assert page["position"]["CHART-events"]["meta"]["chartId"] == new
    assert page["params"][WEEKS]["annotation_layers"][0]["value"] == new
    assert page["metadata"]["native_filter_configuration"][2]["scope"]["excluded"] == [new]
    assert superset.sync(folder=tree, saved=saved)["unchanged"] == SMALL_TREE


@pytest.mark.parametrize(
    ("path", "text", "instead", "says"),
    [
        ("charts/reviews/mean_grade.yaml", "000000000011", "000000000099", "dataset_uuid"),
        ("charts/reviews/mean_grade.yaml", "viz_type:", "vis_type:", "vis_type"),
        ("dashboards/reception.yaml", "000000000022", "000000000099", "position.CHART-grade"),
        ("dashboards/reception.yaml", "slug: reception", "slug: [", "line 3"),
    ],
)
def test_a_bad_asset_is_named_and_changes_nothing(superset, tree, saved, path, text, instead, says):
    superset.sync(folder=tree, saved=saved)
    before = superset.rows()
    change(tree, "charts/movie_events/events.yaml", slice_name="Would be written")
    whole = (tree / path).read_text()
    (tree / path).write_text(whole.replace(text, instead))
    with pytest.raises(Failure) as failure:
        superset.sync(folder=tree, saved=saved)
    assert failure.value.kind == "SyncError"
    assert f"{path}: {says}" in failure.value.words
    assert superset.rows() == before


def test_export_over_a_file_that_cannot_be_read_names_it(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    (tree / "charts/movie_events/events.yaml").write_text("slice_name: [")
    before = texts(tree)
    with pytest.raises(Failure, match=r"charts/movie_events/events\.yaml: line 1"):
        superset.export(folder=tree)
    assert texts(tree) == before


@pytest.mark.parametrize(
    ("kind", "values", "path"),
    [
        ("dashboards", {"dashboard_title": "Mine", "slug": "reception"}, "dashboards/reception"),
        ("dashboards", {"dashboard_title": "Mine", "slug": "late"}, "dashboards/reception"),
    ],
)
def test_a_slug_that_is_somebody_s_is_not_taken_over(superset, tree, saved, kind, values, path):
    if values["slug"] == "late":
        superset.sync(folder=tree, saved=saved)
        text = (tree / "dashboards/reception.yaml").read_text()
        (tree / "dashboards/reception.yaml").unlink()
        (tree / "dashboards/late.yaml").write_text(text.replace("slug: reception", "slug: late"))
        path = "dashboards/late"
    theirs = superset.create(kind=kind, **values)
    before = superset.rows()
    with pytest.raises(Failure) as failure:
        superset.sync(folder=tree, saved=saved)
    assert failure.value.words.startswith(f"{path}.yaml: slug: `{values['slug']}` belongs to")
    assert theirs in failure.value.words
    assert superset.rows() == before


def test_a_table_that_is_in_somebody_s_dataset_is_not_taken_over(superset, tree, saved):
    shutil.copytree(tree / "databases", tree.parent / "first" / "databases")
    superset.sync(folder=tree.parent / "first", saved=saved)
    with psycopg.connect(superset.metadata_url) as connection:
        connection.execute(
            """INSERT INTO tables (table_name, schema, database_id, uuid)
               SELECT 'reviews', 'mart', id, gen_random_uuid() FROM dbs"""
        )
    before = superset.rows()
    with pytest.raises(
        Failure, match=r"datasets/warehouse/reviews\.yaml: table_name: `reviews` be"
    ):
        superset.sync(folder=tree, saved=saved)
    assert superset.rows() == before


def test_a_new_uuid_under_an_old_slug_replaces_ours(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    path = tree / "dashboards/reception.yaml"
    path.write_text(path.read_text().replace(RECEPTION, RECEPTION[:-2] + "77"))
    report = superset.sync(folder=tree, saved=saved)
    assert report["deleted"] == report["created"] == ["dashboards/reception.yaml"]


def test_a_person_s_change_comes_back_as_a_file(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    superset.edit(kind="charts", uuid=GRADE, description="See http://127.0.0.1:8080/movies.")
    report = superset.export(folder=tree)
    assert report["written"] == ["charts/reviews/mean_grade.yaml"]
    old = (FIXTURES / "assets/charts/reviews/mean_grade.yaml").read_text().splitlines()
    new = (tree / "charts/reviews/mean_grade.yaml").read_text().splitlines()
    assert [line for line in new if line not in old] == ["description: See ${AIRFLOW_URL}/movies."]
    report = superset.sync(folder=tree, saved=saved)
    assert (report["unchanged"], report["replaced"]) == (SMALL_TREE, [])


def test_what_a_dashboard_newly_shows_is_exported(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    with psycopg.connect(superset.metadata_url) as connection:
        # A dataset of a person's own; the page would ask the warehouse for its columns.
        connection.execute(
            """INSERT INTO tables (table_name, schema, database_id, uuid, cache_timeout)
               SELECT 'hosts', 'mart', id, gen_random_uuid(), 60 FROM dbs"""
        )
        dataset = connection.execute("SELECT id FROM tables WHERE table_name = 'hosts'").fetchone()
        connection.execute(
            """INSERT INTO table_columns (table_id, column_name, type, uuid, is_active, groupby,
                                          filterable, is_dttm)
               VALUES (%s, 'host', 'TEXT', gen_random_uuid(), true, true, true, false)""",
            dataset,
        )
    chart = superset.create(
        kind="charts",
        slice_name="Größte Häuser: Überblick",
        viz_type="table",
        datasource_id=dataset[0],
        datasource_type="table",
        params=json.dumps({"query_mode": "raw", "all_columns": ["host"], "dashboards": [1]}),
        query_context=json.dumps({"queries": []}),
    )
    superset.add_chart(dashboard=RECEPTION, chart=chart, title="Größte Häuser")
    report = superset.export(folder=tree)
    new = ["charts/hosts/grosste_hauser_uberblick.yaml", "datasets/warehouse/hosts.yaml"]
    assert report["written"] == [new[0], "dashboards/reception.yaml", new[1]]
    doc = yaml.safe_load((tree / new[0]).read_text())
    assert doc["uuid"] == chart
    assert doc["params"] == {"all_columns": ["host"], "query_mode": "raw"}
    position = yaml.safe_load((tree / "dashboards/reception.yaml").read_text())["position"]
    assert position["CHART-new"]["meta"] == {"height": 50, "uuid": chart, "width": 4}
    report = superset.sync(folder=tree, saved=saved)
    assert (report["replaced"], report["created"]) == ([], [])
    assert len(report["unchanged"]) == len(SMALL_TREE) + 1
    assert report["updated"] == ["datasets/warehouse/hosts.yaml"], "it had no catalogue"


def test_what_a_person_deleted_loses_its_file(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    superset.remove_box(dashboard=RECEPTION, box="CHART-grade")
    superset.delete(kind="charts", uuid=GRADE)
    report = superset.export(folder=tree)
    assert report["removed"] == ["charts/reviews/mean_grade.yaml"]
    assert not (tree / "charts/reviews/mean_grade.yaml").exists()
    assert GRADE not in (tree / "dashboards/reception.yaml").read_text()


def test_a_chart_that_reads_another_dataset_moves_to_its_folder(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    reviews = superset.id_of(kind="datasets", uuid=REVIEWS)
    superset.edit(kind="charts", uuid=EVENT_TABLE, datasource_id=reviews, datasource_type="table")
    report = superset.export(folder=tree)
    assert report["written"] == ["charts/reviews/events.yaml"]
    assert report["removed"] == ["charts/movie_events/events.yaml"]
    again = superset.sync(folder=tree, saved=saved)
    assert "charts/reviews/events.yaml" in again["unchanged"]
    assert (again["created"], again["updated"], again["deleted"]) == ([], [], [])


def test_export_leaves_unsynced_files_and_refuses_to_choose(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    change(tree, "charts/movie_events/events.yaml", slice_name="Edited here")
    other = (
        (tree / "charts/movie_events/events.yaml")
        .read_text()
        .replace(EVENT_TABLE, EVENT_TABLE[:-2] + "88")
    )
    (tree / "charts/movie_events/new.yaml").write_text(other)
    before = texts(tree)
    report = superset.export(folder=tree)
    assert (report["kept"], report["written"]) == (["charts/movie_events/events.yaml"], [])
    superset.edit(kind="charts", uuid=EVENT_TABLE, slice_name="Edited there")
    superset.edit(kind="charts", uuid=GRADE, slice_name="Edited there too")
    with pytest.raises(
        Failure, match=r"charts/movie_events/events\.yaml: was changed in Superset and here"
    ):
        superset.export(folder=tree)
    assert texts(tree) == before


def test_export_writes_no_secret(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    superset.edit(kind="charts", uuid=GRADE, description="postgresql://me:hunter2@db/filmpulse")
    with pytest.raises(
        Failure, match=r"charts/reviews/mean_grade\.yaml: would hold what looks like a se"
    ):
        superset.export(folder=tree)


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [("tables", "table_name", "reviews"), ("dashboards", "slug", "reception")],
)
@pytest.mark.parametrize("name", ["../../outside", "/outside", "a/b", "..", "Ü", "-x"])
def test_export_writes_nowhere_else(superset, tree, saved, table, column, where, name):
    superset.sync(folder=tree, saved=saved)
    before = texts(tree.parent)
    with psycopg.connect(superset.metadata_url) as connection:
        connection.execute(
            sql.SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(
                sql.Identifier(table), sql.Identifier(column), sql.Identifier(column)
            ),
            [name, where],
        )
    with pytest.raises(Failure, match=re.escape(f"`{name}` cannot name a file")):
        superset.export(folder=tree)
    assert texts(tree.parent) == before


def test_a_new_address_of_airflow_reaches_the_pages_and_no_file(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    report = superset.sync(folder=tree, saved=saved, airflow_url="http://127.0.0.1:808")
    assert (report["updated"], report["replaced"]) == (["dashboards/reception.yaml"], [])
    code = superset.facts(dashboard=RECEPTION)["position"]["MARKDOWN-head"]["meta"]["code"]
    assert "(http://127.0.0.1:808/movies), or ask http://127.0.0.1:808.\n" in code
    assert superset.export(folder=tree)["written"] == []


def test_a_new_password_reaches_superset_and_no_file(superset, tree, saved):
    superset.sync(folder=tree, saved=saved)
    url = superset.reader_url.replace(superset.password, "p%40ss%3Aword")
    report = superset.sync(folder=tree, saved=saved, warehouse_url=url)
    assert (report["updated"], report["replaced"]) == (["databases/warehouse.yaml"], [])
    assert len(superset.sync(folder=tree, saved=saved, warehouse_url=url)["unchanged"]) == 7
    rows = str(superset.rows())
    assert "p@ss:word" not in rows
    assert "p%40ss" not in rows
    superset.export(folder=tree.parent / "new")
    assert "p@ss" not in str(texts(tree.parent / "new")) + report["text"]
    assert "sqlalchemy_uri" not in str(texts(tree.parent / "new"))


def test_export_before_any_sync_says_so(superset, tree):
    with pytest.raises(Failure, match="Nothing was ever synced"):
        superset.export(folder=tree)
    assert texts(tree) == texts(FIXTURES / "assets")


def test_an_unknown_owner_is_named(superset, tree, saved):
    with pytest.raises(Failure, match="nobody"):
        superset.sync(folder=tree, saved=saved, username="nobody")
