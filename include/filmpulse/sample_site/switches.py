"""The faults and habits that the site can be told to show, by `POST /_control/switch`.

A switch is off (its default) until it is set, for one movie or for the whole site; a movie's own
value wins. Where a value may name a kind of page, `true` means every kind. What happens between
two pages (`arrives`, `vanishes`) happens once, and its switch is off again.

Some things need no switch: the words of the sign-in gate stand in the translations of every page,
a movie that is not there is a 404, and each page carries a made-up `requestContext`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from filmpulse.errors import BadInput

_Where = Literal[True, "home", "title", "reviews", "graphql", "find", "suggestion", "poster"]
_Flag = Literal[True]


@dataclass(frozen=True)
class Switch:
    """What a switch does, which values it takes, and what holds until it is set (None = off)."""

    does: str
    takes: Any
    default: Any = None


SWITCHES: dict[str, Switch] = {
    "gate": Switch(
        "sign-in gate: this many reviews are shown, the count stays",
        Annotated[int, Field(ge=0, le=5, strict=True)],
    ),
    "status_403": Switch("refuse with 403", _Where),
    "waf_challenge": Switch("202 and x-amzn-waf-action: challenge, no body", _Where),
    "challenge_page": Switch("200, but a challenge's script in place of the page", _Where),
    "captcha": Switch("405 and x-amzn-waf-action: captcha", _Where),
    "rate_limited": Switch("429 with Retry-After", _Where),
    "retry_after": Switch(
        "how long 429 asks to wait, in seconds; negative: the same as a date",
        Annotated[int, Field(ge=-10_000_000, le=10_000_000, strict=True)],
        default=120,
    ),
    "server_error": Switch("503", _Where),
    "reset": Switch("reset the connection", _Where),
    "slow": Switch(
        "wait this many seconds before each answer",
        Annotated[float, Field(gt=0, le=600, strict=True)],
    ),
    "broken_page": Switch("hang up in the middle of the answer", _Where),
    "layout_drift": Switch("rename the fields and hooks that readers rely on", _Where),
    "missing_next_data": Switch("no __NEXT_DATA__ on the reviews page: cards only", _Flag),
    "none_of_many": Switch(
        "the reviews page announces its reviews and holds none, with no word of a gate", _Flag
    ),
    "count_falls": Switch(
        "this many of the oldest reviews are gone, from the list and from the count",
        Annotated[int, Field(ge=1, strict=True)],
    ),
    "ignore_sort": Switch("the reviews page ignores ?sort= and ?dir=", _Flag),
    "arrives": Switch(
        "this many reviews are published once the first page was given",
        Annotated[int, Field(ge=1, le=100, strict=True)],
    ),
    "vanishes": Switch(
        "once the first page was given, a review goes: the first one that was given, the one that "
        "the cursor names, the first one to come, or the last of the list",
        Literal["given", "cursor", "coming", "last"],
    ),
    "shifting_pages": Switch(
        "a cursor is a place: what arrives in front makes a page repeat a review", _Flag
    ),
    "robots": Switch(
        "what /robots.txt answers",
        Literal["forbid", "missing", "challenge", "403", "429", "503"],
    ),
    "consent": Switch("the consent banner", Literal["on", "off"], default="on"),
}


def check(name: str, value: object) -> Any:
    """Return the value to store for a switch; None and False put it back to its default.

    Raises:
        BadInput: No such switch, or not a value of it.
    """
    if name not in SWITCHES:
        raise BadInput(f"There is no switch {name!r}; there are: {', '.join(SWITCHES)}.")
    if value is None or value is False:
        return None
    try:
        return TypeAdapter(SWITCHES[name].takes).validate_python(value)
    except ValidationError as error:
        raise BadInput(
            f"Switch {name} does not take {value!r}: {error.errors()[0]['msg']}."
        ) from None
