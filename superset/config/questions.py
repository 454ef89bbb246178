"""Keeps people who may not write charts from sending SQL of their own.

Superset checks which dataset a request is about, but puts the SQL of the request unchanged into the
query (6.1.0). So a person with access to one dataset could read all that the warehouse's role can.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superset.common.query_context import QueryContext

_SQL = ("sqlExpression", "where", "having")
# The pseudo-column that stands for a chart's time column.
_TIME = "__timestamp"


def refuse_free_sql(context: QueryContext) -> None:
    """Refuse a request unless its SQL stands in a published dashboard's chart of the same dataset.

    Raises:
        SupersetSecurityException: It holds other SQL.
    """
    from superset import db
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    dataset = context.datasource
    if dataset.type != "table":
        raise _refusal(str(dataset))
    charts = db.session.query(Slice.params).filter(
        Slice.datasource_id == dataset.id,
        Slice.datasource_type == "table",
        Slice.dashboards.any(Dashboard.published.is_(True)),
    )
    columns = {column.column_name for column in dataset.columns}
    known = known_sql(json.loads(params or "{}") for (params,) in charts)
    for query in context.queries:
        found = next(free_sql(vars(query), columns, known), None)
        if found is not None:
            raise _refusal(found)


def refuse_query() -> None:
    """Refuse a query of the SQL window, and any request about its answer.

    Raises:
        SupersetSecurityException: Always.
    """
    raise _refusal("a query of the SQL window")


def _refusal(what: str) -> Exception:
    from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
    from superset.exceptions import SupersetSecurityException

    return SupersetSecurityException(
        SupersetError(
            f"No published dashboard asks this, and you may not write charts: {what}",
            SupersetErrorType.DATASOURCE_SECURITY_ACCESS_ERROR,
            ErrorLevel.WARNING,
        )
    )


def known_sql(charts: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the SQL in charts' parameters, by the key of the request that carries it.

    Superset's pages join the free filters of a chart, and send them as `where` and `having`.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for params in charts:
        for key, text in _texts(params):
            known[key].add(text)
        for name, filters in params.items():
            if not name.startswith("adhoc_filters"):
                continue
            for clause in ("where", "having"):
                texts = [
                    each["sqlExpression"]
                    for each in filters or []
                    if each.get("expressionType") == "SQL"
                    and (each.get("clause") == "WHERE") == (clause == "where")
                ]
                # As superset-ui-core, query/processFilters.ts; the line break ends a comment.
                known[clause].add(
                    " AND ".join(f"({text}\n)" if "--" in text else f"({text})" for text in texts)
                )
    return known


def free_sql(
    query: dict[str, Any], columns: Collection[str], known: dict[str, set[str]]
) -> Iterator[str]:
    """Yield the SQL in a query that is neither known nor a column's name.

    Args:
        query: The attributes of Superset's QueryObject.
        columns: The dataset's columns.
        known: From `known_sql`.
    """
    for column in query["columns"]:
        # Superset reads a name that is no column as an expression.
        if not isinstance(column, dict) and column not in columns and column != _TIME:
            yield str(column)
    for key, text in _texts({name: query[name] for name in query if name != "datasource"}):
        if text not in known[key] and not (key == "sqlExpression" and text in columns):
            yield text


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Yield SQL at any depth, after its key."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in _SQL and each:
                yield key, str(each)
            else:
                yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
