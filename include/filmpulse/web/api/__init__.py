"""The REST API below /v1, a module a topic."""

from fastapi import APIRouter

from filmpulse.web.api import docs_page, document, movies, reception, reviews, work
from filmpulse.web.problems import API

router = APIRouter(prefix=API)
for _part in (movies, reception, reviews, work, document, docs_page):
    router.include_router(_part.router)
