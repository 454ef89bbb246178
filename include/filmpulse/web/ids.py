"""Movies, titles and people in addresses of pages and of the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from filmpulse.items import IMDB_ID_PATTERN, PERSON_ID_PATTERN

ImdbIdPath = Annotated[
    str,
    Path(
        pattern=IMDB_ID_PATTERN,
        description="The movie, by its IMDb id: tt and 7 to 9 digits.",
        examples=["tt0111161"],
    ),
]

PersonIdPath = Annotated[
    str,
    Path(
        pattern=PERSON_ID_PATTERN,
        description="The person, by IMDb's id: nm and 7 to 10 digits.",
        examples=["nm99000001"],
    ),
]
