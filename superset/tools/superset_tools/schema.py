"""The keys that a file of an asset may hold, in the order in which they are written.

The defaults are those of Superset's own models; the normal form (`bundle.normal`) leaves them out.
The shapes of nested values are here too, if Superset's code relies on them: it would fail on a
mistake, or not notice it. Nested mappings may have other keys as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

Doc = dict[str, Any]

VERSION = "1.0.0"
Name = Annotated[str, Field(min_length=1)]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
UUID: TypeAdapter[str] = TypeAdapter(Uuid)
Version = Literal["1.0.0"]
Text = str | None
Number = int | None
Map = Doc | None


class Closed(BaseModel):
    """A mapping that has these keys and no other."""

    model_config = ConfigDict(strict=True, extra="forbid")


# --- Nested values, which may have other keys ----------------------------------------------------


def _open(**shapes: Any) -> Any:
    """Return the shape of a mapping in which keys may be missing or unknown."""
    fields: Any = {key: (shape, None) for key, shape in shapes.items()}
    return create_model("Mapping", __config__=ConfigDict(strict=True, extra="allow"), **fields)


def _list(shape: Any) -> Any:
    return GenericAlias(list, (shape,))


_OWN_SQL = _open(label=str, sqlExpression=str)
_OWN_METRIC = _open(label=str, sqlExpression=str, column=_open(column_name=str))
COLUMNS: TypeAdapter[Any] = TypeAdapter(str | _OWN_SQL | _list(str | _OWN_SQL))
METRICS: TypeAdapter[Any] = TypeAdapter(str | _OWN_METRIC | _list(str | _OWN_METRIC))
_FILTERS = _list(_open(subject=str | _OWN_SQL, clause=str, operator=str, sqlExpression=str))
_LAYER = _open(
    **dict.fromkeys(("name", "sourceType", "titleColumn", "timeColumn", "intervalEndColumn"), str),
    value=str | int | float,
    descriptionColumns=list[str],
)
_PARAMS = _open(
    adhoc_filters=_FILTERS,
    adhoc_filters_b=_FILTERS,
    annotation_layers=_list(_LAYER),
    color_scheme=str,
    column_config=Doc,
    conditional_formatting=_list(_open(column=str)),
    granularity_sqla=str,
    linear_color_scheme=str,
    order_by_cols=list[str],
    x_axis_sort=str,
)
_SCOPE = _open(rootPath=list[str], excluded=list[str | int])
_NATIVE_FILTERS = _list(
    _open(
        **dict.fromkeys(("id", "name", "type", "filterType"), str),
        cascadeParentIds=list[str],
        controlValues=Doc,
        scope=_SCOPE,
        targets=_list(_open(datasetUuid=str, datasetId=int, column=_open(name=str))),
    )
)
_CROSSING = _open(crossFilters=_open(scope=str | _SCOPE))
_METADATA = _open(
    color_scheme=str,
    native_filter_configuration=_NATIVE_FILTERS,
    chart_customization_config=_NATIVE_FILTERS,
    chart_configuration=GenericAlias(dict, (str, _CROSSING)),
    global_chart_configuration=_open(scope=_SCOPE),
    expanded_slices=Doc,
    timed_refresh_immune_slices=list[str | int],
)
_META = _open(uuid=str, chartId=int)


class Node(BaseModel):
    """A box of a dashboard."""

    model_config = ConfigDict(strict=True, extra="allow")

    id: str = ""
    type: Literal[
        "CHART", "MARKDOWN", "HEADER", "DIVIDER", "ROOT", "GRID", "TABS", "TAB", "ROW", "COLUMN"
    ]
    children: list[str] = []
    meta: _META = None  # type: ignore[valid-type]


# --- Assets ------------------------------------------------------------------------------------


class Column(Closed):
    """A column of a dataset; with an expression, a calculated one."""

    column_name: Name
    verbose_name: Text = None
    description: Text = None
    type: Text = None
    is_dttm: bool = False
    groupby: bool = True
    filterable: bool = True
    is_active: bool = True
    advanced_data_type: Text = None
    python_date_format: Text = None
    datetime_format: Text = None
    extra: Map = None
    expression: Text = None


class Metric(Closed):
    """A metric of a dataset."""

    metric_name: Name
    verbose_name: Text = None
    description: Text = None
    metric_type: Text = None
    d3format: Text = None
    currency: Map = None
    warning_text: Text = None
    extra: Map = None
    expression: Name


class Database(Closed):
    """How Superset reads the warehouse; no address, no password."""

    database_name: Name
    uuid: Uuid
    version: Version
    cache_timeout: Number = None
    expose_in_sqllab: bool = True
    allow_run_async: bool = False
    allow_ctas: bool = False
    allow_cvas: bool = False
    allow_dml: bool = False
    allow_csv_upload: bool = False
    impersonate_user: bool = False
    extra: Map = None


class Dataset(Closed):
    """A mart with its columns and metrics."""

    table_name: Name
    schema_name: Name = Field(alias="schema")
    description: Text = None
    uuid: Uuid
    database_uuid: Uuid
    version: Version
    cache_timeout: Number = None
    main_dttm_col: Text = None
    always_filter_main_dttm: bool = False
    normalize_columns: bool = False
    filter_select_enabled: bool = True
    fetch_values_predicate: Text = None
    currency_code_column: Text = None
    default_endpoint: Text = None
    offset: int = 0
    params: Map = None
    template_params: Map = None
    extra: Map = None
    sql: Text = None
    metrics: list[Metric] = []
    columns: Annotated[list[Column], Field(min_length=1)]


class Chart(Closed):
    """A chart."""

    slice_name: Name
    description: Text = None
    certified_by: Text = None
    certification_details: Text = None
    uuid: Uuid
    dataset_uuid: Uuid
    version: Version
    viz_type: Name
    cache_timeout: Number = None
    params: _PARAMS  # type: ignore[valid-type]


class Dashboard(Closed):
    """A dashboard; its layout is `position`."""

    dashboard_title: Name
    slug: Name
    description: Text = None
    certified_by: Text = None
    certification_details: Text = None
    published: bool = False
    uuid: Uuid
    version: Version
    css: Text = None
    metadata: _METADATA  # type: ignore[valid-type]
    position: dict[str, Node]


# Each kind comes after the kinds that it needs.
ASSETS: dict[str, type[Closed]] = {
    "databases": Database,
    "datasets": Dataset,
    "charts": Chart,
    "dashboards": Dashboard,
}
PARTS: dict[str, tuple[str, type[Closed]]] = {
    "metrics": ("metric_name", Metric),
    "columns": ("column_name", Column),
}


def defaults(model: type[Closed]) -> dict[str, Any]:
    """Return a model's keys in order, with their defaults."""
    return {field.alias or name: field.default for name, field in model.model_fields.items()}


def problems(validate: Callable[[Any], Any], value: Any, at: str = "") -> Iterator[str]:
    """Yield the places where a value has another shape than it must, as `field: what`.

    Args:
        validate: Pydantic's check of the shape.
        value: From a file, without nulls.
        at: The field that holds the value.
    """
    try:
        validate(value)
    except ValidationError as error:
        yield from sorted({_sentence(each, value, at) for each in error.errors()})


_SAYS = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "list_type": "must be a list",
}


def _sentence(error: Any, value: Any, at: str) -> str:
    kind, loc = error["type"], error["loc"]
    names, found = _follow(loc, value)
    if kind in ("missing", "string_too_short", "too_short"):
        names += [f".{key}" for key in loc[len(names) :]]
        what = "is missing"
    elif len(names) < len(loc):
        what = f"cannot be {found!r}"  # several shapes are possible, none fits
    elif kind == "extra_forbidden":
        what = "no such key; schema.py lists those that there are"
    elif kind == "string_pattern_mismatch":
        what = f"{found!r} is no UUID in small letters"
    else:
        says = _SAYS.get(kind, error["msg"].replace("Input should", "must"))
        what = f"{says}, not {found!r}"
    return f"{at}{''.join(names)}".removeprefix(".") + f": {what}"


def _follow(loc: tuple[int | str, ...], value: Any) -> tuple[list[str], Any]:
    """Return the names on the way to a place that pydantic names, and the value there.

    Both end early at a key that only pydantic knows, such as a member of a union.
    """
    names: list[str] = []
    for key in loc:
        if isinstance(value, dict) and key in value:
            value = value[key]
            names.append(f".{key}")
        elif isinstance(value, list) and isinstance(key, int):
            value = value[key]
            part = value if isinstance(value, dict) else {}
            called = part.get("column_name", part.get("metric_name"))
            names.append(f".{called}" if isinstance(called, str) else f"[{key}]")
        else:
            break
    return names, value
