"""What of a question for data is SQL, and whether a published chart asks it."""

from __future__ import annotations

from typing import Any

import pytest

from questions import free_sql, known_sql

COLUMNS = {"movie", "grade"}


def sql(expression: str, **more: str) -> dict[str, str]:
    return {"expressionType": "SQL", "sqlExpression": expression, "label": "x", **more}


CHART = {
    "metrics": ["n_reviews", sql("AVG(grade)")],
    "adhoc_filters": [
        sql("grade > 3", clause="WHERE"),
        {"expressionType": "SIMPLE", "clause": "WHERE", "subject": "movie", "sqlExpression": None},
        sql("movie <> '' -- named", clause="WHERE"),
        sql("AVG(grade) > 1", clause="HAVING"),
    ],
    "adhoc_filters_b": [sql("grade < 3", clause="WHERE")],
}


def found(**query: Any) -> list[str]:
    empty: dict[str, Any] = {"columns": [], "datasource": {"where": "the dataset's own"}}
    return list(free_sql(empty | query, COLUMNS, known_sql([CHART, {}])))


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"columns": ["movie", "__timestamp", sql("grade", columnType="BASE_AXIS")]},
        {"metrics": ["n_reviews", sql("AVG(grade)")], "orderby": [[sql("AVG(grade)"), False]]},
        {"filter": [{"col": "movie", "op": "IN", "val": ["SELECT 1"]}]},
        {"extras": {"where": "(grade > 3) AND (movie <> '' -- named\n)", "having": ""}},
        {"extras": {"having": "(AVG(grade) > 1)", "time_grain_sqla": "P1W"}},
        {"extras": {"where": "(grade < 3)"}},
        {"annotation_layers": [{"name": "x", "overrides": {"time_range": "Last week"}}]},
    ],
)
def test_what_a_chart_asks_passes(query: dict[str, Any]) -> None:
    assert found(**query) == []


@pytest.mark.parametrize(
    ("query", "free"),
    [
        ({"columns": ["MOVIE"]}, "MOVIE"),
        ({"columns": ["movie "]}, "movie "),
        ({"columns": ["AVG(grade)"]}, "AVG(grade)"),
        ({"metrics": [sql("avg(grade)")]}, "avg(grade)"),
        ({"metrics": [sql("AVG(grade) ")]}, "AVG(grade) "),
        ({"metrics": [{"column": {"deep": [sql("1")]}}]}, "1"),
        ({"orderby": [(sql("1"), True)]}, "1"),
        ({"series_limit_metric": sql("1")}, "1"),
        ({"metrics": [sql("(grade > 3)")]}, "(grade > 3)"),
        ({"extras": {"where": "grade > 3"}}, "grade > 3"),
        ({"extras": {"where": "(AVG(grade) > 1)"}}, "(AVG(grade) > 1)"),
        ({"extras": {"where": "movie"}}, "movie"),
        ({"extras": {"where": "(grade < 3) OR (true)"}}, "(grade < 3) OR (true)"),
        ({"extras": {"where": ["1"]}}, "['1']"),
        ({"annotation_layers": [{"overrides": {"time_range": {"where": "1"}}}]}, "1"),
    ],
)
def test_what_no_chart_asks_is_named(query: dict[str, Any], free: str) -> None:
    assert found(**query) == [free]
