"""The faults and habits that the site can be told to show, by `POST /_control/switch`.

README.md in this folder says what each switch does. A switch is off until it is set, for one movie
or for the whole site; a movie's own value wins. If a value may name a kind of page, `true` means
every kind. `arrives` and `vanishes` happen once, between two pages, and are then off again.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from filmpulse.errors import BadInput

_WHERE = Literal[
    True, "home", "title", "reviews", "graphql", "find", "suggestion", "poster", "dataset"
]
_DATASET = Literal[
    "title.ratings",
    "title.basics",
    "title.crew",
    "title.episode",
    "title.akas",
    "name.basics",
    "title.principals",
]
_WHICH = Literal[True] | _DATASET
_VERSION = Annotated[int, Field(ge=1, le=3_650, strict=True)]
_FLAG = Literal[True]

SWITCHES: dict[str, Any] = {
    "gate": Annotated[int, Field(ge=0, le=5, strict=True)],
    "status_403": _WHERE,
    "waf_challenge": _WHERE,
    "challenge_page": _WHERE,
    "captcha": _WHERE,
    "rate_limited": _WHERE,
    "retry_after": Annotated[int, Field(ge=-10_000_000, le=10_000_000, strict=True)],
    "server_error": _WHERE,
    "reset": _WHERE,
    "slow": Annotated[float, Field(gt=0, le=600, strict=True)],
    "broken_page": _WHERE,
    "layout_drift": _WHERE,
    "missing_next_data": _FLAG,
    "none_of_many": _FLAG,
    "count_falls": Annotated[int, Field(ge=1, strict=True)],
    "ignore_sort": _FLAG,
    "arrives": Annotated[int, Field(ge=1, le=100, strict=True)],
    # In the order of the list: the first review that was given, the one that the cursor names, the
    # first one to come, the last one.
    "vanishes": Literal["given", "cursor", "coming", "last"],
    "shifting_pages": _FLAG,
    "robots": Literal["forbid", "missing", "challenge", "403", "429", "503"],
    "consent": Literal["on", "off"],
    "dataset_titles": Annotated[int, Field(ge=100, le=10_000_000, strict=True)],
    "dataset_version": _VERSION | dict[_DATASET, _VERSION],
    "dataset_missing": _WHICH,
    "dataset_short": _WHICH,
    "dataset_header": _WHICH,
    "dataset_corrupt": _WHICH,
    "dataset_truncated": _WHICH,
    "dataset_long": _WHICH,
    "dataset_cuts": Annotated[int, Field(ge=1, le=1_000, strict=True)],
    "dataset_rate": Annotated[int, Field(ge=1, strict=True)],
    "dataset_no_range": _FLAG,
    "dataset_no_length": _FLAG,
    "dataset_no_head": _FLAG,
    "dataset_marks": Literal["modified", "weak", "none"],
    "dataset_deaf": _FLAG,
}
"""The values that each switch takes."""

DEFAULTS = {"retry_after": 120, "consent": "on"}
"""The value of a switch that is not set; None (off) for all others."""


def check(name: str, value: object) -> Any:
    """Return the value to store for a switch; None and False put it back to its default.

    Raises:
        BadInput: The switch is not known, or does not take the value.
    """
    if name not in SWITCHES:
        raise BadInput(f"There is no switch {name!r}; there are: {', '.join(SWITCHES)}.")
    if value is None or value is False:
        return None
    try:
        return TypeAdapter(SWITCHES[name]).validate_python(value)
    except ValidationError as error:
        raise BadInput(
            f"Switch {name} does not take {value!r}: {error.errors()[0]['msg']}."
        ) from None
