"""Finds the columns, functions and relations that the SQL of an asset names."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlglot import errors, exp
from sqlglot.dialects import Postgres
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

_FUNCTIONS = """
    abs age array_agg array_to_string avg bool_and bool_or bit_and bit_or ceil ceiling
    char_length chr coalesce concat concat_ws corr count covar_pop covar_samp cume_dist date_bin
    date_part date_trunc dense_rank exp every first_value floor format greatest initcap
    jsonb_agg lag last_value lead least left length ln log lower lpad ltrim make_date
    make_interval max md5 min mod mode now nth_value ntile nullif percent_rank percentile_cont
    percentile_disc power random rank regexp_replace regr_intercept regr_r2 regr_slope
    repeat replace reverse right round row_number rpad rtrim sign split_part sqrt starts_with
    stddev stddev_pop stddev_samp strpos substr sum to_char to_date to_timestamp translate trunc
    upper var_pop var_samp variance width_bucket
"""
FUNCTIONS = set(_FUNCTIONS.split())
"""The functions of Postgres 15 that charts may use."""

# Functions with a syntax of their own.
_FORMS = ("CAST", "EXTRACT", "POSITION", "STRING_AGG", "SUBSTRING", "TRIM")


class _Postgres(Postgres):  # type: ignore[misc]
    """Postgres only: sqlglot also reads other databases' functions, and would translate them."""

    PRESERVE_ORIGINAL_NAMES = True

    class Parser(Postgres.Parser):  # type: ignore[misc]
        FUNCTION_PARSERS = {name: Postgres.Parser.FUNCTION_PARSERS[name] for name in _FORMS}  # noqa: RUF012
        NO_PAREN_FUNCTION_PARSERS = {  # noqa: RUF012
            name: Postgres.Parser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("ANY", "CASE")
        }


class Names(NamedTuple):
    """The columns and functions of an expression, as written; whether it holds a query."""

    columns: list[str]
    functions: list[str]
    has_query: bool


def names(sql: str) -> Names:
    """Read an expression.

    Raises:
        ValueError: It is no expression; the message says where.
    """
    tree = _parsed(sql, exp.Condition)
    columns = [each.sql() if each.table else each.name for each in tree.find_all(exp.Column)]
    return Names(columns, _functions(tree), tree.find(exp.Query) is not None)


def family(kind: str) -> str:
    """Return the family of a type: time, number, text, or else the type's own name."""
    try:
        this = exp.DataType.build(kind, dialect=_Postgres).this
    except errors.SqlglotError:
        return kind
    families = {
        "time": exp.DataType.TEMPORAL_TYPES,
        "number": exp.DataType.NUMERIC_TYPES,
        "text": {*exp.DataType.TEXT_TYPES, exp.DataType.Type.UUID},
    }
    return next((name for name, types in families.items() if this in types), str(this.value))


def makes_html(sql: str) -> bool:
    """Say whether SQL calls a function of the marts that makes HTML; False for invalid SQL."""
    try:
        called = _functions(_parsed(sql))
    except ValueError:
        return False
    return any(each.startswith("mart.html_") and each != "mart.html_escape" for each in called)


def relations(query: str) -> set[str]:
    """Return the relations that a query reads, with their schemas, without its own CTEs.

    Raises:
        ValueError: It is no query.
    """
    tree = _query(query)
    made = {each.alias for each in tree.find_all(exp.CTE)}
    read = (each for each in tree.find_all(exp.Table) if isinstance(each.this, exp.Identifier))
    return {f"{each.db}.{each.name}".removeprefix(".") for each in read} - made


def outputs(query: str, marts: dict[str, dict[str, str]]) -> set[str]:
    """Return the columns of a query's answer; empty if some are not known.

    Args:
        query: Reads only the marts.
        marts: The columns of each relation in the schema `mart`, with their types.

    Raises:
        ValueError: It is no query, or names an unknown column.
    """
    schema = MappingSchema({"mart": marts}, dialect=_Postgres)
    try:
        tree: Any = qualify(_query(query), schema=schema, dialect=_Postgres)
    except errors.SqlglotError as error:
        raise ValueError(str(error)) from error
    found = set(tree.named_selects)
    return set() if any(name == "*" or name.startswith("_col_") for name in found) else found


def _parsed(sql: str, kind: type[exp.Expression] | None = None) -> exp.Expression:
    try:
        found = _Postgres().parse_into(kind, sql) if kind else _Postgres().parse(sql)
    except errors.ParseError as error:
        raise ValueError(f"is no SQL: {error.errors[0]['description']}") from error
    except errors.TokenError as error:
        raise ValueError(f"is no SQL: {error}") from error
    if len(found) != 1 or found[0] is None:
        raise ValueError("must be one piece of SQL")
    tree: exp.Expression = found[0]
    return tree


def _query(sql: str) -> exp.Query:
    tree = _parsed(sql)
    if not isinstance(tree, exp.Query):
        raise ValueError("must be a query")
    return tree


def _functions(tree: exp.Expression) -> list[str]:
    """Return the functions that are called by name, without forms such as CASE and `->`."""
    found = []
    for each in tree.find_all(exp.Func):
        name = each.name if isinstance(each, exp.Anonymous) else each.meta.get("name")
        schema = f"{each.parent.this.sql()}." if isinstance(each.parent, exp.Dot) else ""
        found += [f"{schema}{name}"] if name else []
    return found
