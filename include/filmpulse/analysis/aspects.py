"""What a review is read for, as data: `aspects.toml` says what counts as which aspect."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from filmpulse.items import Aspect, Score


class _Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AspectDefinition(_Definition):
    """One aspect: its key in tables, its name on screen, and what counts as it (a phrase)."""

    name: Aspect
    label: str
    covers: str


class ScalePoint(_Definition):
    """One step of the scale and its name."""

    score: Score
    label: str


class Definitions(_Definition):
    """Everything that `aspects.toml` says.

    `rule` says when an aspect counts as mentioned; `scale` runs from -2 to 2.
    """

    rule: str
    scale: tuple[ScalePoint, ...] = Field(min_length=5, max_length=5)
    aspects: tuple[AspectDefinition, ...] = Field(min_length=5, max_length=5)


@cache
def definitions() -> Definitions:
    """Read the definitions; one read per process."""
    text = files(__package__).joinpath("aspects.toml").read_text(encoding="utf-8")
    return Definitions.model_validate(tomllib.loads(text))


def aspects() -> tuple[AspectDefinition, ...]:
    """Return the five aspects in the order of `items.ASPECTS`."""
    return definitions().aspects
