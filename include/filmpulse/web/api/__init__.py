"""The REST API below /v1, a module a topic."""

from fastapi import APIRouter, Depends

from filmpulse.web.api import (
    answers,
    catalogue,
    docs_page,
    document,
    movies,
    reception,
    reviews,
    work,
)
from filmpulse.web.problems import API

router = APIRouter(prefix=API, dependencies=[Depends(answers.check_once)])
for _part in (movies, reception, reviews, work, catalogue, document, docs_page):
    router.include_router(_part.router)
