"""The check of the dashboards' files: silent on good ones, and each mistake is named.

Superset imports nearly all of these mistakes without a word.
"""

import copy
import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from superset_tools import bundle, lint, sql, structure

ROOT = Path(__file__).resolve().parents[3]
SMALL = ROOT / "tests" / "fixtures" / "superset" / "assets"
TOOLS = {"PYTHONPATH": str(ROOT / "superset" / "tools")}
REVIEWS, EVENTS = "datasets/warehouse/reviews.yaml", "datasets/warehouse/movie_events.yaml"
WEEKS, GRADE, TABLE = (
    "charts/reviews/reviews_by_week.yaml",
    "charts/reviews/mean_grade.yaml",
    "charts/movie_events/events.yaml",
)
BOARD, WAREHOUSE = "dashboards/reception.yaml", "databases/warehouse.yaml"
UNKNOWN = "00000000-0000-4000-8000-000000000099"


@pytest.fixture
def tree(tmp_path):
    return Path(shutil.copytree(SMALL, tmp_path / "assets"))


def change(tree, path, mend):
    """Change a file's content and write it in normal form where it has one."""
    doc = yaml.safe_load((tree / path).read_text())
    mend(doc)
    (tree / path).write_text(bundle.dump(doc))
    lint.fix(tree)


def at(*keys, to):
    """Return what sets a value deep in a document; `...` deletes it."""

    def mend(doc):
        for key in keys[:-1]:
            doc = doc[key]
        if to is ...:
            del doc[keys[-1]]
        else:
            doc[keys[-1]] = to

    return mend


HTML = {"expressionType": "SQL", "sqlExpression": "mart.html_text(count(*)::text)", "label": "x"}


@pytest.mark.parametrize(
    ("columns", "metrics", "says"),
    [
        (["happened_on"], [HTML], None),
        (["half_year"], [HTML], None),
        ([HTML], [], None),
        (
            ["happened_on"],
            [HTML | {"sqlExpression": "mart.html_escape(count(*)::text)"}],
            "must be false",
        ),
        (["label"], [HTML], "label may hold what others wrote"),
        (["movie"], [HTML], "movie may hold what others wrote"),
        ([HTML, HTML | {"sqlExpression": "upper(label)", "label": "y"}], [], "y may hold"),
    ],
)
def test_html_is_drawn_only_beside_what_nobody_else_wrote(tree, columns, metrics, says):
    def mend(doc):
        doc["params"] = {
            "allow_render_html": True,
            "query_mode": "aggregate",
            "groupby": columns,
            "metrics": metrics,
        }

    def add(doc):
        doc["columns"].append(
            {"column_name": "half_year", "type": "TEXT", "expression": "mart.html_bold('1')"}
        )

    change(tree, EVENTS, add)
    change(tree, TABLE, mend)
    found = [problem for problem in lint.problems(tree) if "allow_render_html" in problem]
    assert [says in problem for problem in found] == ([] if says is None else [True])


def test_the_card_of_a_virtual_dataset_is_html(tree):
    def mend(doc):
        doc["sql"] = "SELECT mart.html_bold(movie) AS card FROM mart.reviews"
        doc["columns"].append({"column_name": "card", "type": "TEXT"})

    change(tree, EVENTS, mend)
    change(tree, TABLE, at("params", "allow_render_html", to=True))
    change(tree, TABLE, at("params", "all_columns", to=["happened_on", "card"]))
    assert not [problem for problem in lint.problems(tree) if "allow_render_html" in problem]


@pytest.mark.parametrize("markup", ["'<div>' || label", "'</b>'", "'<a href=\"/\">' || label"])
def test_markup_is_made_in_the_marts(tree, markup):
    def add(doc):
        doc["columns"].append({"column_name": "made", "type": "TEXT", "expression": markup})

    change(tree, EVENTS, add)
    assert [p.split(": ")[1] for p in lint.problems(tree)] == ["columns.made.expression"]


def test_a_virtual_dataset_holds_no_markup(tree):
    def mend(doc):
        doc["sql"] = "SELECT '<b>' || movie || '</b>' AS movie FROM mart.reviews"

    change(tree, EVENTS, mend)
    assert f"{EVENTS}: sql: <b>: HTML is made by functions of the marts (mart.html_...)" in (
        lint.problems(tree)
    )


def test_a_chart_lies_in_the_folder_of_its_dataset(tree):
    other = "charts/movie_events/mean_grade.yaml"
    (tree / GRADE).rename(tree / other)
    assert lint.problems(tree) == [f"{other}: reads reviews: move the file to charts/reviews"]
    (tree / other).rename(tree / "charts/mean_grade.yaml")
    assert any("no asset lies here" in problem for problem in lint.problems(tree))


@pytest.mark.parametrize("column", ["body", "quote"])
@pytest.mark.parametrize(("seconds", "is_good"), [(-1, True), (60, False), (600, False)])
def test_what_people_wrote_is_not_cached(tree, column, seconds, is_good):
    def mend(doc):
        doc["columns"].append({"column_name": column, "type": "TEXT"})
        doc["cache_timeout"] = seconds

    change(tree, EVENTS, mend)
    found = [problem for problem in lint.problems(tree) if "cache_timeout" in problem]
    assert (found == []) is is_good
    change(tree, EVENTS, at("cache_timeout", to=0))
    assert any("must be -1 or 60 or 600" in problem for problem in lint.problems(tree))


def test_good_assets_are_passed_over_in_silence(tree):
    assert lint.problems(tree) == []


def test_the_repository_s_own_assets_are_good():
    assert lint.problems() == []


def test_it_needs_neither_superset_nor_postgres(tree):
    """It runs where neither is installed, as a program too."""
    done = subprocess.run(
        [sys.executable, "-c", _BARE, str(tree)], capture_output=True, text=True, env=TOOLS
    )
    assert (done.returncode, done.stdout) == (0, f"{tree}: nothing wrong\n"), done.stderr


_BARE = """
import runpy, sys
for name in ("superset", "sqlalchemy", "psycopg", "psycopg2", "filmpulse", "flask"):
    sys.modules[name] = None
runpy.run_module("superset_tools.lint", run_name="__main__", alter_sys=True)
"""

FILTERS = ("metadata", "native_filter_configuration")
MISTAKES = {
    # Names that nothing stands behind
    "unknown metric": (GRADE, at("params", "metric", to="median_grade"), "params.metric: median"),
    "unknown metric in a list": (WEEKS, at("params", "metrics", 0, to="n"), "params.metrics: n "),
    "column in own SQL": (
        WEEKS,
        at("params", "metrics", 1, "sqlExpression", to="MAX(grade)"),
        "params.metrics: grade is no column",
    ),
    "calculated column in SQL": (
        WEEKS,
        at("params", "metrics", 1, "sqlExpression", to="MAX(half_year)"),
        "params.metrics: half_year is no column",
    ),
    "column of a simple metric": (
        GRADE,
        at(
            "params",
            "metric",
            to={
                "expressionType": "SIMPLE",
                "aggregate": "AVG",
                "column": {"column_name": "grade"},
                "label": "m",
            },
        ),
        "params.metric: grade is no column",
    ),
    "unknown function": (
        REVIEWS,
        at("metrics", 0, "expression", to="MEDIAN(rating_1_10)"),
        "metrics.mean_grade.expression: MEDIAN() is no function",
    ),
    "sub-query": (
        WEEKS,
        at("params", "metrics", 1, "sqlExpression", to="(SELECT 1)"),
        "params.metrics: Superset allows no sub-query",
    ),
    "x axis": (WEEKS, at("params", "x_axis", to="written_on"), "params.x_axis: written_on is no"),
    "group": (WEEKS, at("params", "groupby", 0, to="band"), "params.groupby: band is no column"),
    "raw column": (TABLE, at("params", "all_columns", 1, to="name"), "params.all_columns: name is"),
    "filter of a chart": (
        GRADE,
        at("params", "adhoc_filters", 0, "subject", to="written_on"),
        "params.adhoc_filters: written_on is no column",
    ),
    "filter in SQL": (
        GRADE,
        at(
            "params",
            "adhoc_filters",
            0,
            to={"expressionType": "SQL", "clause": "WHERE", "sqlExpression": "grade > 3"},
        ),
        "params.adhoc_filters: grade is no column",
    ),
    "order": (
        TABLE,
        at("params", "order_by_cols", 0, to='["day", true]'),
        "params.order_by_cols: day is no column",
    ),
    "conditional colour": (
        TABLE,
        at("params", "conditional_formatting", 0, "column", to="name"),
        "params.conditional_formatting: 'name' is no column",
    ),
    "settings of a column": (
        TABLE,
        at("params", "column_config", to={"name": {}}),
        "params.column_config: 'name' is no column",
    ),
    "annotation's column": (
        WEEKS,
        at("params", "annotation_layers", 0, "titleColumn", to="name"),
        "params.annotation_layers.Events.titleColumn: name is no column",
    ),
    "calculated column's column": (
        REVIEWS,
        at("columns", 0, "expression", to="upper(film)"),
        "columns.half_year.expression: film is no column",
    ),
    "main time column": (REVIEWS, at("main_dttm_col", to="movie"), "main_dttm_col: movie is no"),
    # What others wrote
    "HTML where none is made": (
        TABLE,
        at("params", "allow_render_html", to=True),
        "params.allow_render_html: must be false: no column",
    ),
    "HTML by default": (
        TABLE,
        at("params", "allow_render_html", to=...),
        "params.allow_render_html: label may hold what others wrote",
    ),
    # References that lead nowhere
    "dangling chart": (
        BOARD,
        at("position", "CHART-grade", "meta", "uuid", to=UNKNOWN),
        f"position.CHART-grade.meta.uuid: must be the UUID of a chart here, not '{UNKNOWN}'",
    ),
    "dangling dataset": (GRADE, at("dataset_uuid", to=UNKNOWN), "dataset_uuid: "),
    "dangling database": (REVIEWS, at("database_uuid", to=UNKNOWN), "database_uuid: "),
    "dangling annotation": (
        WEEKS,
        at("params", "annotation_layers", 0, "value", to=UNKNOWN),
        "params.annotation_layers.Events.value: must be the UUID",
    ),
    "annotation by id": (
        WEEKS,
        at("params", "annotation_layers", 0, "value", to=7),
        "params.annotation_layers.Events.value: must be the UUID of a chart here, not 7",
    ),
    "filter's dataset": (
        BOARD,
        at(*FILTERS, 0, "targets", 0, "datasetUuid", to=UNKNOWN),
        "metadata.native_filter_configuration.NATIVE_FILTER-movie.targets: ",
    ),
    "filter's dataset by id": (
        BOARD,
        at(*FILTERS, 0, "targets", 0, to={"datasetId": 3, "column": {"name": "movie"}}),
        "NATIVE_FILTER-movie.targets: an id differs between servers",
    ),
    "filter's box": (
        BOARD,
        at(*FILTERS, 1, "scope", "rootPath", to=["TAB-gone"]),
        "NATIVE_FILTER-period.scope.rootPath: TAB-gone is not in",
    ),
    "excluded chart": (
        BOARD,
        at(*FILTERS, 2, "scope", "excluded", to=[UNKNOWN]),
        "NATIVE_FILTER-grade.scope.excluded: ",
    ),
    "filter above": (
        BOARD,
        at(*FILTERS, 0, "cascadeParentIds", to=["NATIVE_FILTER-x"]),
        "NATIVE_FILTER-movie.cascadeParentIds: NATIVE_FILTER-x is no filter",
    ),
    # Filters that would reach nothing, and say nothing
    "filter's own column": (
        BOARD,
        at(*FILTERS, 0, "targets", 0, "column", "name", to="film"),
        "NATIVE_FILTER-movie.targets: film is no column of reviews",
    ),
    "filter's column missing in a dataset": (
        EVENTS,
        at("columns", 3, to=...),
        f"NATIVE_FILTER-movie.scope: reaches {TABLE}, whose dataset movie_events has no column mov",
    ),
    "filter that reaches too far": (
        BOARD,
        at(*FILTERS, 2, "scope", "excluded", to=[]),
        f"NATIVE_FILTER-grade.scope: reaches {TABLE}, whose dataset movie_events has no column rat",
    ),
    "time filter without a time": (
        GRADE,
        at("params", "adhoc_filters", to=[]),
        f"NATIVE_FILTER-period.scope: reaches {GRADE}, which names no time column",
    ),
    "time filter on a table": (
        BOARD,
        at(*FILTERS, 1, "scope", "rootPath", to=["ROOT_ID"]),
        f"NATIVE_FILTER-period.scope: reaches {TABLE}, which names no time column",
    ),
    "free text in a filter": (
        BOARD,
        at(*FILTERS, 0, "controlValues", "creatable", to=...),
        "NATIVE_FILTER-movie.controlValues.creatable: must be false",
    ),
    "filter id twice": (
        BOARD,
        at(*FILTERS, 1, "id", to="NATIVE_FILTER-movie"),
        "NATIVE_FILTER-movie: every filter needs its own id",
    ),
    "filter of an unknown kind": (
        BOARD,
        at(*FILTERS, 1, "filterType", to="filter_box"),
        "NATIVE_FILTER-period.filterType: must be one of",
    ),
    # Charts and looks
    "unknown chart type": (GRADE, at("viz_type", to="big_nmber"), "viz_type: big_nmber is not kn"),
    "chart without its metric": (GRADE, at("params", "metric", to=...), "params.metric: is miss"),
    "colours": (WEEKS, at("params", "color_scheme", to="d3"), "params.color_scheme: d3 is not kn"),
    "diverging colours": (
        WEEKS,
        at("params", "linear_color_scheme", to="filmpulse"),
        "params.linear_color_scheme: filmpulse is not known",
    ),
    "dashboard's colours": (BOARD, at("metadata", "color_scheme", to="d3"), "metadata.color_sch"),
    "no cross-filters": (
        BOARD,
        at("metadata", "cross_filters_enabled", to=False),
        "metadata.cross_filters_enabled: must be true",
    ),
    "draft": (BOARD, at("published", to=False), "published: must be true"),
    "no description": (GRADE, at("description", to=...), "description: is missing"),
    "dashboard without one": (BOARD, at("description", to=""), "description: is missing"),
    # Marts
    "column that the mart lost": (
        EVENTS,
        at("columns", 1, "column_name", to="caption"),
        "columns.caption: mart.movie_events has no such column",
    ),
    "column of another type": (
        REVIEWS,
        at("columns", 3, "type", to="BIGINT"),
        "columns.movie.type: is text in mart.reviews, not BIGINT",
    ),
    "date that is no time": (
        REVIEWS,
        at("columns", 5, "is_dttm", to=False),
        "columns.submitted_on.is_dttm: must be true for DATE",
    ),
    "mart that is gone": (
        EVENTS,
        lambda doc: doc.update(sql="SELECT * FROM mart.old_events"),
        "sql: mart.old_events is no relation",
    ),
    "other schema in SQL": (
        EVENTS,
        lambda doc: doc.update(sql="SELECT * FROM core.movie_events"),
        "sql: core.movie_events is no relation",
    ),
    "other schema": (EVENTS, at("schema", to="core"), "schema: must be mart, not core"),
    "cache": (EVENTS, at("cache_timeout", to=3600), "cache_timeout: must be -1 or 60 or 600"),
    "writable": (WAREHOUSE, at("allow_dml", to=True), "allow_dml: the marts are read only"),
    # Layout
    "box out of reach": (
        BOARD,
        at("position", "TAB-events", "children", to=[]),
        "position.ROW-events: cannot be reached from ROOT_ID",
    ),
    "box twice": (
        BOARD,
        at("position", "ROW-time", "children", to=["CHART-weeks", "CHART-grade"]),
        "position.CHART-grade: stands in 2 boxes",
    ),
    "circle": (
        BOARD,
        at("position", "TAB-events", "children", to=["TABS-main"]),
        "position.TABS-main: stands in 2 boxes",
    ),
    "box that is gone": (
        BOARD,
        at("position", "ROW-time", "children", to=["CHART-weeks", "CHART-x"]),
        "position.ROW-time.children: CHART-x does not exist",
    ),
    "box in a wrong one": (
        BOARD,
        at("position", "ROW-head", "children", to=["CHART-grade", "MARKDOWN-head", "ROW-time"]),
        "position.ROW-head.children: a ROW cannot hold ROW-time, a ROW",
    ),
    "row too wide": (
        BOARD,
        at("position", "CHART-grade", "meta", "width", to=5),
        "position.ROW-head: its boxes are 13 wide",
    ),
    "no height": (
        BOARD,
        at("position", "CHART-grade", "meta", "height", to=...),
        "position.CHART-grade.meta.height: must be a whole number",
    ),
    "no root": (BOARD, at("position", "ROOT_ID", to=...), "position.ROOT_ID: is missing"),
    # Other hosts
    "link": (
        BOARD,
        at("position", "MARKDOWN-head", "meta", "code", to="[IMDb](https://imdb.example/x)"),
        "position.MARKDOWN-head.meta.code: https://imdb.example/x: no page may",
    ),
    "style from elsewhere": (
        BOARD,
        at("css", to="@import 'x.css';"),
        "css: `@import` would ask another host",
    ),
    "picture in a style": (BOARD, at("css", to="p { background: url(/a.png) }"), "css: `url(`"),
    # Fields
    "unknown key": (GRADE, at("query_contxt", to="{}"), "query_contxt: no such key"),
    "missing key": (GRADE, at("viz_type", to=...), "viz_type: is missing"),
    "empty key": (BOARD, at("slug", to=""), "slug: is missing"),
    "wrong type": (GRADE, at("cache_timeout", to="long"), "cache_timeout: must be a whole number"),
    "unknown key of a column": (REVIEWS, at("columns", 0, "typ", to="x"), "columns.half_year.typ:"),
    "no UUID": (GRADE, at("uuid", to="grade"), "uuid: 'grade' is no UUID"),
    "metric twice": (
        REVIEWS,
        lambda doc: doc["metrics"].append(copy.deepcopy(doc["metrics"][0])),
        "metrics.mean_grade: stands twice",
    ),
    "chart id twice": (
        BOARD,
        lambda doc: [
            doc["position"][key]["meta"].update(chartId=1) for key in ("CHART-grade", "CHART-weeks")
        ],
        "position.CHART-weeks.meta.chartId: 1 is position.CHART-grade's",
    ),
}


@pytest.mark.parametrize(("path", "mend", "says"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_is_named(tree, path, mend, says):
    change(tree, path, mend)
    found = lint.problems(tree)
    # A filter's scope is the dashboard's, which names the chart or dataset.
    where = BOARD if "NATIVE_FILTER" in says else path
    assert any(line.startswith(f"{where}: ") and says in line for line in found), found
    assert len({line.partition(":")[0] for line in found}) <= 2, "it blames others"


def test_a_mart_that_changed_is_named(tree, monkeypatch, tmp_path):
    marts = json.loads(lint.MARTS.read_text())
    marts["relations"]["reviews"]["grade"] = marts["relations"]["reviews"].pop("rating_1_10")
    del marts["relations"]["movie_events"]
    monkeypatch.setattr(lint, "MARTS", tmp_path / "marts.json")
    lint.MARTS.write_text(json.dumps(marts))
    found = lint.problems(tree)
    assert [line.split(" does")[0].split(" has")[0] for line in found] == [
        f"{EVENTS}: table_name: mart.movie_events",
        f"{REVIEWS}: columns.rating_1_10: mart.reviews",
    ]


@pytest.mark.parametrize(
    ("path", "text", "instead", "says"),
    [
        (GRADE, "viz_type: big_number_total", "viz_type: [", "line "),
        (GRADE, "viz_type: big_number_total", "viz_type: table\nviz_type: pie", "line 7: the key"),
        (GRADE, "  subheader: of 10", "  1: of 10", "the key 1 is no text"),
        (BOARD, "      width: 8", "      width: 8\n      width: 9", "`width` stands twice"),
        (GRADE, "  subheader: of 10", "  subheader: 'of 10'", "line 15: not as an export would"),
        (GRADE, "  subheader: of 10", "  subheader: of 10\n  datasource: 1__table", "not as an ex"),
        (BOARD, "      height: 20\n", "      height: 20\n      chartId: 7\n", "not as an export"),
        (GRADE, "of 10", "postgresql://me:hunter2@host/db", "line 15: looks like a secret"),
        (GRADE, "of 10", "XXXXXXXXXX", "looks like a secret"),
        (WAREHOUSE, "version:", "password: hunter2\nversion:", "password: no such key"),
        (WAREHOUSE, "version:", "password: hunter2\nversion:", "line 3: looks like a secret"),
        (WAREHOUSE, "version:", "sqlalchemy_uri: x\nversion:", "sqlalchemy_uri: no such key"),
        (GRADE, "viz_type:", "query_context: '{}'\nviz_type:", "a query context does not follow"),
    ],
)
def test_what_is_wrong_with_a_text_is_named(tree, path, text, instead, says):
    file = tree / path
    assert text in file.read_text()
    file.write_text(file.read_text().replace(text, instead, 1))
    found = lint.problems(tree)
    assert any(line.startswith(f"{path}: ") and says in line for line in found), found


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("charts/reviews/mean_grade.yaml", "- a\n- b\n", "the file holds no mapping"),
        ("charts/reviews/mean_grade.yaml", "", "the file holds no mapping"),
        ("charts/reviews/mean_grade.yml", "a: b\n", "no asset lies here"),
        ("themes/dark.yaml", "a: b\n", "no asset lies here"),
        ("metadata.yaml", "version: 1.0.0\n", "no asset lies here"),
        ("datasets/reviews.yaml", "a: b\n", "no asset lies here"),
    ],
)
def test_a_file_that_is_no_asset_is_named(tree, path, text, says):
    (tree / path).parent.mkdir(exist_ok=True)
    (tree / path).write_text(text)
    assert any(line.startswith(f"{path}: {says}") for line in lint.problems(tree))


def places(value, at=()):
    if at:
        yield at
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*at, key))


def test_no_odd_value_anywhere_ends_in_a_traceback():
    """A hand-written file may hold anything anywhere; a fixed sample of all such mistakes."""
    sample = random.Random(5)
    whole = bundle.read(SMALL)
    marts = json.loads(lint.MARTS.read_text())
    odd = [None, 7, True, "x", "", [], {}, [1], [None], {"a": 1}, [[1]], [{"a": 1}]]
    told = 0
    for _ in range(400):
        path = sample.choice(sorted(whole.docs))
        doc = copy.deepcopy(whole.docs[path])
        at(*sample.choice(list(places(doc))), to=sample.choice(odd))(doc)
        wrong = bundle.check(bundle.kind_of(path), doc)
        docs = {p: d for p, d in whole.docs.items() if p != path}
        if not wrong:
            docs[path] = bundle.normal(bundle.kind_of(path), doc)
            assert bundle.parse(bundle.dump(docs[path])) == docs[path]
        tree = bundle.Tree(docs, whole.texts, [f"{path}: {what}" for what in wrong])
        content = lint.Content(docs, marts)
        told += bool([*structure.problems(tree), *content.problems(), *content.orphans()])
    assert told > 200, "most of them are mistakes"


def test_an_empty_folder_is_no_wish_to_delete_all(tmp_path):
    assert lint.problems(tmp_path) == [
        "databases/warehouse.yaml: is missing: is this the folder of assets?"
    ]


def copied(tree, path, to, **changes):
    doc = yaml.safe_load((tree / path).read_text()) | changes
    (tree / to).write_text(bundle.dump(doc))
    lint.fix(tree)


def test_a_uuid_a_slug_and_a_table_are_one_file_s_alone(tree):
    copied(tree, GRADE, "charts/reviews/another.yaml")
    copied(tree, BOARD, "dashboards/other.yaml", uuid=UNKNOWN)
    copied(tree, EVENTS, "datasets/warehouse/events.yaml", uuid=UNKNOWN[:-1] + "8")
    found = lint.problems(tree)
    assert (
        f"{GRADE}: uuid: 00000000-0000-4000-8000-000000000022 is that of "
        "charts/reviews/another.yaml; give it its own" in found
    )
    assert f"{BOARD}: slug: reception is that of dashboards/other.yaml; give it its own" in found
    assert any(line.startswith(f"{EVENTS}: table_name: movie_events is that") for line in found)
    assert "dashboards/other.yaml: slug: rename the file to reception.yaml" in found


def test_what_nothing_uses_is_named(tree):
    copied(tree, GRADE, "charts/reviews/another.yaml", uuid=UNKNOWN)
    copied(
        tree, EVENTS, "datasets/warehouse/hosts.yaml", uuid=UNKNOWN[:-1] + "8", table_name="hosts",
        columns=[{"column_name": "host", "type": "TEXT"}],
    )  # fmt: skip
    assert lint.problems(tree) == [
        "charts/reviews/another.yaml: no dashboard shows it: put it on one, or delete the file",
        "datasets/warehouse/hosts.yaml: no chart and no filter reads it: delete the file",
    ]


def test_all_is_told_at_once_and_the_exit_code_is_1(tree):
    change(tree, GRADE, at("viz_type", to="x"))
    change(tree, TABLE, at("description", to=...))
    done = subprocess.run(
        [sys.executable, "-m", "superset_tools.lint", tree],
        capture_output=True,
        text=True,
        env=TOOLS,
    )
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        TABLE, GRADE, f"2 problems in {tree}",
    ]  # fmt: skip


def test_fix_writes_the_normal_form_once(tree):
    before = (tree / BOARD).read_text()
    doc = yaml.safe_load(before)
    # As Superset's own export has it: ids, parents, names, and all that a page adds by itself.
    for number, (key, node) in enumerate(doc["position"].items()):
        node |= {"id": key, "parents": ["ROOT_ID"], "children": node.get("children", [])}
        if node["type"] == "CHART":
            node["meta"] |= {"chartId": number, "sliceName": "x"}
    number = doc["position"]["CHART-events"]["meta"]["chartId"]
    doc["position"] |= {
        "DASHBOARD_VERSION_KEY": "v2",
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": "Reception"}},
    }
    grade = doc["metadata"]["native_filter_configuration"][2]
    grade |= {"chartsInScope": [1], "tabsInScope": ["TAB-x"]}
    grade["scope"]["excluded"] = [number, 4711]
    doc["metadata"] |= {
        "chart_configuration": {
            str(number): {"id": number, "crossFilters": {"scope": "global", "chartsInScope": [1]}}
        },
        "expanded_slices": {},
        "label_colors": {},
        "refresh_frequency": 0,
        "shared_label_colors": ["x"],
        "timed_refresh_immune_slices": [],
    }
    doc |= {"certified_by": "", "theme_uuid": None} | {"css": doc["css"]}
    del doc["theme_uuid"]
    (tree / BOARD).write_text(yaml.safe_dump(doc))
    assert lint.fix(tree) == [BOARD]
    assert (tree / BOARD).read_text() == before
    assert lint.fix(tree) == []


def test_cross_filters_between_some_charts_go_by_uuid(tree):
    doc = bundle.parse((tree / BOARD).read_text())
    charts = {}
    for number, node in enumerate(doc["position"].values()):
        if node["type"] == "CHART":
            charts[number] = node["meta"]["uuid"]
            node["meta"]["chartId"] = number
    one, other = list(charts)[:2]
    scope = {"rootPath": ["ROOT_ID"], "excluded": [other]}
    doc["metadata"] |= {
        "chart_configuration": {str(one): {"id": one, "crossFilters": {"scope": scope}}},
        "expanded_slices": {str(other): True},
        "timed_refresh_immune_slices": [one, other],
        "global_chart_configuration": {"scope": scope, "chartsInScope": [1]},
    }
    metadata = bundle.normal("dashboards", doc)["metadata"]
    named = {"rootPath": ["ROOT_ID"], "excluded": [charts[other]]}
    assert metadata["chart_configuration"] == {charts[one]: {"crossFilters": {"scope": named}}}
    assert metadata["expanded_slices"] == {charts[other]: True}
    assert metadata["timed_refresh_immune_slices"] == sorted([charts[one], charts[other]])
    assert metadata["global_chart_configuration"] == {"scope": named}


def test_what_the_chart_editor_adds_by_itself_is_left_out(tree):
    before = (tree / GRADE).read_text()
    doc = bundle.parse(before)
    added = {
        "annotation_layers": [],
        "dashboards": [1],
        "datasource": "1__table",
        "extra_form_data": {},
        "matrixify_enable": False,
        "matrixify_row_height": 300,
        "slice_id": 7,
        "temporal_columns_lookup": {"submitted_on": True},
        "viz_type": "big_number_total",
    }
    (tree / GRADE).write_text(bundle.dump(doc | {"params": doc["params"] | added}))
    assert lint.fix(tree) == [GRADE]
    assert (tree / GRADE).read_text() == before
    used = {"matrixify_enable": True, "matrixify_row_height": 300}
    doc["params"] |= used
    assert used.items() <= bundle.normal("charts", doc)["params"].items()


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        "ends\n",
        "ends twice\n\n",
        " begins with a space\nand goes on",
        "a line that ends with a space \nand goes on",
        "tab\tand\nline",
        "x" * 200,
        "word " * 40,
        "yes",
        "null",
        "2026-01-01",
        "12:30",
        "# no comment",
        "- no list",
        "a: b",
        "Größe 🎬 — “quoted”",
        "{{ braces }}",
        "\u2028 separator \ufeff",
        "'",
        "\"\n'",
        "%",
        "\n",
    ],
)
def test_every_text_is_read_as_it_was_written(text):
    doc = {"a": text, "b": [text, {"c": text}]}
    written = bundle.dump(doc)
    assert bundle.parse(written) == doc
    assert bundle.dump(bundle.parse(written)) == written


def test_sql_and_pages_stand_on_lines_of_their_own():
    sql = "SELECT movie, count(*)\nFROM mart.reviews\nGROUP BY movie"
    assert bundle.dump({"sql": sql}) == (
        "sql: |-\n  SELECT movie, count(*)\n  FROM mart.reviews\n  GROUP BY movie\n"
    )


@pytest.mark.parametrize(
    ("expression", "columns", "functions"),
    [
        ("COUNT(*)", [], ["COUNT"]),
        ("AVG(score) FILTER (WHERE NOT is_spoiler)", ["score", "is_spoiler"], ["AVG"]),
        ("'it''s a word' || title", ["title"], []),
        ("title -- a comment, of words\n|| /* more\nof it */ body", ["title", "body"], []),
        ('"Odd name" + 1', ["Odd name"], []),
        ("score::double precision / n::numeric(4, 1)", ["score", "n"], []),
        ("CAST(day AS timestamp with time zone)", ["day"], []),
        ("EXTRACT(year FROM day)", ["day"], []),
        ("date_trunc('month', day) AT TIME ZONE 'UTC'", ["day"], ["date_trunc"]),
        ("day > DATE '2026-01-01' - INTERVAL '1 day'", ["day"], []),
        ("mart.is_enough(n, coverage)", ["n", "coverage"], ["mart.is_enough"]),
        ("percentile_cont(0.5) WITHIN GROUP (ORDER BY score DESC)", ["score"], ["percentile_cont"]),
        ("CASE WHEN a IN (1, 2) THEN b ELSE c END", ["a", "b", "c"], []),
        ("SUM(n) OVER (PARTITION BY movie ORDER BY day)", ["n", "movie", "day"], ["SUM"]),
        ("1e3 * n", ["n"], []),
    ],
)
def test_an_expression_s_columns_and_functions_are_found(expression, columns, functions):
    found = sql.names(expression)
    assert (sorted(found.columns), found.functions) == (sorted(columns), functions)
    assert not found.has_query


@pytest.mark.parametrize(
    "expression", ["(SELECT max(score) FROM x)", "n IN (SELECT 1)", "EXISTS (SELECT FROM x)"]
)
def test_a_query_in_an_expression_is_found(expression):
    assert sql.names(expression).has_query


@pytest.mark.parametrize(
    "expression",
    [
        *("", " ", "-- nothing", "a b", "(a", "a)", "'a", "a AS b", "1 FROM x", "a; b"),
        *(
            "DROP TABLE x",
            "SET a = 1",
            "a; DROP TABLE x",
            "try_cast(a AS int)",
            "convert(a USING b)",
        ),
    ],
)
def test_what_is_no_expression_is_refused(expression):
    with pytest.raises(ValueError, match=r"."):
        sql.names(expression)


@pytest.mark.parametrize("name", ["iff", "IF", "safe_cast", "json_object", "decode", "ifnull"])
def test_a_function_of_another_database_keeps_its_name(name):
    assert sql.names(f"{name}(a, b)").functions == [name]


def test_a_virtual_dataset_has_the_columns_of_its_query(tree):
    query = "WITH n AS (SELECT imdb_id, movie FROM mart.reviews) SELECT n.*, 1 AS one FROM n"
    assert sql.relations(query) == {"mart.reviews"}
    change(tree, EVENTS, at("sql", to=query))
    missing = {line.split(":")[1] for line in lint.problems(tree) if "has no such column" in line}
    assert missing == {" columns.happened_on", " columns.label"}
    change(tree, EVENTS, at("sql", to=query.replace("movie FROM", "film FROM")))
    assert [line for line in lint.problems(tree) if line.startswith(f"{EVENTS}: sql: ")]


def test_a_box_that_is_null_is_named(tree):
    change(tree, BOARD, at("position", "ROW-head", to=None))
    assert f"{BOARD}: position.ROW-head: must be a mapping, not None" in lint.problems(tree)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("${AIRFLOW_URL}/movies", "http://a:80/movies"),
        ("(${AIRFLOW_URL})", "(http://a:80)"),
        ("See ${AIRFLOW_URL}.", "See http://a:80."),
        ("${AIRFLOW_URL}", "http://a:80"),
    ],
)
def test_the_address_of_airflow_comes_and_goes(text, written):
    doc = {"a": [{"b": text}]}
    there = bundle.with_address(doc, "http://a:80")
    assert there == {"a": [{"b": written}]}
    assert bundle.without_address(there, "http://a:80") == doc


@pytest.mark.parametrize("other", ["http://a:8080/x", "http://a:80.example/x", "http://a:80-b"])
def test_another_address_is_not_airflow_s(other):
    assert bundle.without_address({"a": other}, "http://a:80") == {"a": other}


def test_colours_are_those_of_superset_s_configuration():
    text = lint.CONFIG.read_text()
    for kind in ("CATEGORICAL", "SEQUENTIAL"):
        schemes = lint._schemes(kind)
        assert schemes
        assert all(re.search(rf'"id": "{scheme}"', text) for scheme in schemes)
