"""The web app: the Movies pages and the REST API, as one FastAPI app behind one guard."""

from __future__ import annotations

from importlib.resources import files

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from filmpulse.web import api, problems
from filmpulse.web.door import Door
from filmpulse.web.guard import Guard, check_form_token
from filmpulse.web.pages import add, catalogue, compare, movie, movies, posters, search, upload


def create_app(door: Door) -> ASGIApp:
    """Return the app; `door` says who may come in, and does what the app cannot do itself."""
    app = FastAPI(
        title="Filmpulse",
        docs_url=None,  # these run scripts of another host
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(check_form_token)],
    )
    for router in (
        movies.router, movie.router, compare.router, posters.router, add.router, upload.router,
        search.router, catalogue.router,
        api.router,
    ):  # fmt: skip
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files(__package__) / "static")))
    problems.install(app)
    return Guard(app, door)
