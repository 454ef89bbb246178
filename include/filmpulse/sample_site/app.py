"""The site itself: pages, the JSON behind their buttons, and the controls.

One middleware in front of everything makes the obstacles: refusals, challenges, slowness. The pages
know only the switches that change their content.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
from collections import deque
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from filmpulse.errors import BadInput, NotFound
from filmpulse.sample_site import payloads
from filmpulse.sample_site.generate import SampleMovie, SampleReview
from filmpulse.sample_site.hang_up import hang_up
from filmpulse.sample_site.posters import poster_jpeg, poster_svg
from filmpulse.sample_site.shelf import TITLES, Shelf
from filmpulse.sample_site.store import Store

TOKEN_VARIABLE = "FILMPULSE_SAMPLE_SITE_TOKEN"  # noqa: S105 - a name, not a token

_HERE = Path(__file__).parent
_REMEMBERED_VISITS = 50_000

# How a layout change renames every hook and field that a reader could rely on.
_DRIFT = {
    "__NEXT_DATA__": "__PAGE_STATE__",
    "application/ld+json": "application/x-graph+json",
    "aboveTheFoldData": "heroState",
    "mainColumnData": "bodyState",
    "contentData": "pageState",
    "user-review-item": "opinion-tile",
    "review-card-parent": "opinion-tile-body",
    "review-summary": "opinion-heading",
    "review-overflow": "opinion-text",
    "ipc-html-content-inner-div": "prose",
    '"reviews"': '"opinions"',
    '"reviewId"': '"opinionKey"',
    '"reviewText"': '"opinionProse"',
    '"edges"': '"rows"',
    '"node"': '"row"',
}

_REFUSALS: dict[str, tuple[int, dict[str, str], str]] = {
    "status_403": (
        403,
        {"server": "awselb/2.0"},
        "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n"
        "<center><h1>403 Forbidden</h1></center>\r\n</body>\r\n</html>\r\n",
    ),
    "waf_challenge": (202, {"x-amzn-waf-action": "challenge"}, ""),
    "challenge_page": (
        200,
        {},
        "<html><head><title></title><script>window.gokuProps = {};</script>"
        '<script src="/challenge.js"></script></head>'
        '<body><div id="challenge-container"></div></body></html>',
    ),
    "captcha": (
        405,
        {"x-amzn-waf-action": "captcha"},
        "<html><head><title>Human Verification</title></head><body>"
        '<script src="/captcha.js"></script>Confirm that you are human.</body></html>',
    ),
    "rate_limited": (429, {}, "<h1>429 Too Many Requests</h1>"),
    "server_error": (503, {}, "<h1>503 Service Unavailable</h1>"),
}

_ROBOTS: dict[str | None, tuple[int, dict[str, str], str]] = {
    None: (200, {}, "User-agent: *\nDisallow: /_control/\nDisallow: /contribute/\n"),
    "forbid": (200, {}, "User-agent: *\nDisallow: /\n"),
    "missing": (404, {}, "not found\n"),
    "challenge": (202, {"x-amzn-waf-action": "challenge"}, ""),
    "403": (403, {}, "forbidden\n"),
    "429": (429, {}, "too many requests\n"),
    "503": (503, {}, "unavailable\n"),
}


# The kind of page by the first part of its path; `visit_kind` knows those that name a movie.
_KINDS = {
    "find": "find",
    "suggestion": "suggestion",
    "datasets": "dataset",
    "robots.txt": "robots",
    "healthz": "health",
    "_control": "control",
    "static": "static",
}


class ReviewFields(BaseModel, extra="forbid"):
    """Fields that a control gives for a review; others are made up, or stay as they are."""

    title: str = Field("", min_length=1)
    body: str = ""
    rating: Annotated[int, Field(ge=1, le=10)] | None = None
    submitted_on: date = date.min
    is_spoiler: bool = False
    author_id: Annotated[str, Field(pattern=r"^ur[0-9]+$")] = ""
    author_name: str = ""
    up: Annotated[int, Field(ge=0)] = 0
    down: Annotated[int, Field(ge=0)] = 0


class Publish(BaseModel, extra="forbid"):
    """Publish reviews dated today; `reviews` fixes fields of the first ones."""

    imdb_id: str
    count: Annotated[int, Field(ge=1, le=5000)] | None = None
    reviews: list[ReviewFields] = []


class Edit(ReviewFields):
    """Change one review."""

    review_id: str


class Delete(BaseModel, extra="forbid"):
    """Take one review away."""

    review_id: str


class SetSwitch(BaseModel, extra="forbid"):
    """Set a switch for one movie or the whole site; `value` null turns it off."""

    name: str
    imdb_id: str | None = None
    value: Any


class Obstacles:
    """Middleware that notes every request, then lets it through, delays it or refuses it."""

    def __init__(self, app: ASGIApp, store: Store, visits: deque[dict[str, Any]]) -> None:
        """Stand in front of `app`; `visits` gets one entry per request."""
        self.app, self.store, self.visits = app, store, visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kind, imdb_id = visit_kind(scope["path"], scope["query_string"].decode())
        now = datetime.now(UTC).isoformat()
        visit = {"at": now, "kind": kind, "imdb_id": imdb_id, "path": scope["path"]}
        visit["method"] = scope["method"]
        if wanted := dict(scope["headers"]).get(b"range"):
            visit["range"] = wanted.decode("latin-1")
        self.visits.append(visit)
        if kind in ("control", "health", "robots", "static"):
            await self.app(scope, receive, send)
            return
        if seconds := self.store.switch("slow", imdb_id):
            await asyncio.sleep(seconds)
        if self.store.applies("reset", kind, imdb_id):
            await hang_up(receive, reset=True)
            return
        for name, (status, headers, text) in _REFUSALS.items():
            if self.store.applies(name, kind, imdb_id):
                visit["refused"] = name
                refusal = HTMLResponse(text, status, headers | self._retry_after(status, imdb_id))
                await refusal(scope, receive, send)
                return
        if self.store.applies("broken_page", kind, imdb_id) and scope["method"] != "HEAD":
            send = _half(receive, send)
        await self.app(scope, receive, send)

    def _retry_after(self, status: int, imdb_id: str | None) -> dict[str, str]:
        """Return the header that says how long to stay away, for a 429."""
        if status != 429:
            return {}
        seconds = self.store.switch("retry_after", imdb_id)
        then = datetime.now(UTC) + timedelta(seconds=abs(seconds))
        return {"retry-after": str(seconds) if seconds >= 0 else format_datetime(then, True)}


def _half(receive: Receive, send: Send) -> Send:
    """Send half of a body whose full length was announced, then hang up."""

    async def send_half(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
        elif body := message.get("body"):
            await send({**message, "body": body[: len(body) // 2], "more_body": True})
            await hang_up(receive)

    return send_half


def visit_kind(path: str, query: str) -> tuple[str, str | None]:
    """Return the kind of page that a request asks for, and the movie's id if it names one."""
    match [part for part in path.split("/") if part]:
        case ["title", imdb_id]:
            return "title", imdb_id
        case ["title", imdb_id, "reviews"]:
            return "reviews", imdb_id
        case ["poster", name]:
            return "poster", name.rpartition(".")[0]
        case ["graphql"]:
            try:
                variables = orjson.loads(parse_qs(query)["variables"][0])
                return "graphql", str(variables["const"])
            except (KeyError, TypeError, orjson.JSONDecodeError):
                return "graphql", None  # the handler answers such a request with an error
        case [folder, *_]:
            return _KINDS.get(folder, "other"), None
        case _:
            return "home", None


def create_app(
    state_dir: Path,
    seed: int = 7,
    extra_movies: int = 0,
    extra_reviews: int = 10,
    token: str | None = None,
    dataset_titles: int = TITLES,
) -> FastAPI:
    """Build the site.

    Args:
        state_dir: Keeps the changes; made if missing.
        seed: Decides all texts, dates and votes.
        extra_movies: How many movies to add after the six.
        extra_reviews: Reviews of each extra movie.
        token: The value that `X-Control-Token` must have; from `FILMPULSE_SAMPLE_SITE_TOKEN`
            when None. If both are missing, the controls refuse every call.
        dataset_titles: How many titles the datasets have. From 50,000 on the files are made here,
            which takes two minutes a million; else when they are asked for.

    Raises:
        BadInput: `state_dir` holds a site made from another seed.
    """
    store = Store(Path(state_dir), seed, extra_movies, extra_reviews)
    visits: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED_VISITS)
    token = os.environ.get(TOKEN_VARIABLE) if token is None else token
    app = FastAPI(title="Filmpulse sample site", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Obstacles, store=store, visits=visits)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
    site, shelf = Site(store), Shelf(Path(state_dir) / "datasets", store, dataset_titles)
    shelf.make_big()
    app.include_router(site.router)
    app.include_router(shelf.router)
    app.include_router(_controls(store, visits, token))

    @app.exception_handler(NotFound)
    @app.exception_handler(404)
    async def not_found(request: Request, error: Exception) -> Response:
        if request.url.path.startswith("/_control/"):
            return JSONResponse({"detail": str(error)}, 404)
        return site.render(request, "missing.html", status=404)

    @app.exception_handler(BadInput)
    async def bad_input(request: Request, error: BadInput) -> Response:
        return JSONResponse({"detail": str(error)}, 422)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return JSONResponse({"detail": [e["msg"] for e in error.errors()]}, 422)

    return app


class Site:
    """The pages that visitors see."""

    def __init__(self, store: Store) -> None:
        """Serve the movies and reviews of a store."""
        self.store = store
        self.templates = Jinja2Templates(_HERE / "templates")
        self.templates.env.filters |= {
            "body_html": payloads.body_html,
            "dom_date": payloads.dom_date,
            "script_json": payloads.script_json,
            "base64": lambda text: base64.b64encode(text.encode()).decode(),
        }
        self.router = router = APIRouter()
        router.add_api_route("/", self.home)
        router.add_api_route("/title/{imdb_id}/", self.title)
        router.add_api_route("/title/{imdb_id}/reviews/", self.reviews)
        router.add_api_route("/graphql", self.graphql)
        router.add_api_route("/find/", self.find)
        router.add_api_route("/suggestion/titles/{shelf}/{query}.json", self.suggest)
        router.add_api_route("/poster/{imdb_id}.svg", self.poster)
        router.add_api_route("/poster/{imdb_id}.jpg", self.painted_poster)
        router.add_api_route("/robots.txt", self.robots)
        router.add_api_route("/healthz", self.health)

    def render(
        self,
        request: Request,
        template: str,
        *,
        kind: str = "other",
        imdb_id: str | None = None,
        status: int = 200,
        **context: Any,
    ) -> Response:
        """Render one page; apply the layout change if its switch is set."""
        consent = self.store.switch("consent") == "on" and "consent" not in request.cookies
        answer = self.templates.TemplateResponse(
            request, template, {**context, "ask_consent": consent}, status
        )
        page = bytes(answer.body).decode()
        return HTMLResponse(self._drifted(page, kind, imdb_id), status)

    def _drifted(self, text: str, kind: str, imdb_id: str | None) -> str:
        """Rename the hooks and fields of a page if its switch is set."""
        if self.store.applies("layout_drift", kind, imdb_id):
            for old, new in _DRIFT.items():
                text = text.replace(old, new)
        return text

    async def home(self, request: Request) -> Response:
        """Show every movie, and say that all of them are invented."""
        movies = [(movie, self._total(movie)) for movie in self.store.movies()]
        return self.render(request, "home.html", kind="home", movies=movies)

    async def title(self, request: Request, imdb_id: str) -> Response:
        """Show the page of one movie."""
        movie = self.store.movie(imdb_id)
        total, votes, base = self._total(movie), self._votes(movie), _base(request)
        first = payloads.in_order(self._reviews(imdb_id), "HELPFULNESS_SCORE", False)
        featured = next((r for r in first if not r.is_spoiler), None)
        return self.render(
            request,
            "title.html",
            kind="title",
            imdb_id=imdb_id,
            movie=movie,
            total=total,
            votes=votes,
            featured=featured,
            json_ld=payloads.json_ld(movie, votes, featured, base),
            next_data=payloads.title_page(movie, total, votes, base),
        )

    async def reviews(
        self, request: Request, imdb_id: str, sort: str = "", dir: str = "desc"
    ) -> Response:
        """Show the first 25 reviews of one movie; the page's script loads the others."""
        movie = self.store.movie(imdb_id)
        total = self._total(movie)
        if self.store.switch("ignore_sort", imdb_id):
            sort, dir = "", "desc"
        sort, ascending = payloads.sort_name(sort), dir == "asc"
        shown, cursor = self._batch(imdb_id, sort, ascending, None, payloads.PAGE_SIZE)
        if self.store.switch("none_of_many", imdb_id):
            shown, cursor = [], None
        base = _base(request)
        return self.render(
            request,
            "reviews.html",
            kind="reviews",
            imdb_id=imdb_id,
            movie=movie,
            url=f"{base}/title/{imdb_id}/reviews/",
            total=total,
            reviews=shown,
            more=cursor is not None,
            sorts=payloads.SORTS,
            sort=sort,
            ascending=ascending,
            is_gated=self.store.switch("gate", imdb_id) is not None,
            texts=payloads.translations(),
            blank=_BLANK,
            hide_next_data=self.store.switch("missing_next_data", imdb_id),
            next_data=payloads.reviews_page(movie, shown, total, cursor, base),
        )

    async def graphql(
        self, request: Request, operationName: str = "", variables: str = "{}"
    ) -> Response:
        """Answer the one query that the reviews page sends, as IMDb does."""
        try:
            asked = orjson.loads(variables)
            imdb_id, sort = str(asked["const"]), asked.get("sort") or {}
            first, after = int(asked.get("first", payloads.PAGE_SIZE)), asked.get("after")
            name, ascending = payloads.sort_name(sort.get("by")), sort.get("order") == "ASC"
        except (KeyError, TypeError, ValueError, AttributeError):
            return _graphql_error("Variables could not be read.")
        if operationName != "TitleReviewsRefine":
            return _graphql_error(f"Unknown operation {operationName!r}.")
        try:
            movie = self.store.movie(imdb_id)
            if after:
                self._between_pages(imdb_id, name, ascending, after)
            shown, cursor = self._batch(imdb_id, name, ascending, after, max(1, min(first, 50)))
        except NotFound:
            return JSONResponse({"data": {"title": None}})
        except BadInput as error:
            return _graphql_error(str(error))
        answer = payloads.graphql_reviews(shown, self._total(movie), cursor, _base(request))
        text = self._drifted(orjson.dumps(answer).decode(), "graphql", imdb_id)
        return Response(text, media_type="application/graphql+json")

    async def find(self, request: Request, q: str = "") -> Response:
        """Search for titles."""
        found = self._search(q)
        data = payloads.find_page(q, found, _base(request))
        return self.render(request, "find.html", kind="find", query=q, movies=found, next_data=data)

    async def suggest(self, request: Request, shelf: str, query: str) -> Response:
        """Suggest titles for a beginning of their names; `shelf` is its first letter, or x."""
        found = self._search(query)[:8]
        return JSONResponse(payloads.suggestions(query, found, _base(request)))

    async def poster(self, imdb_id: str) -> Response:
        """Return the drawn poster of a movie."""
        return Response(poster_svg(self.store.movie(imdb_id)), media_type="image/svg+xml")

    async def painted_poster(self, imdb_id: str) -> Response:
        """Return the same poster in pixels, as the page's data name it."""
        return Response(poster_jpeg(self.store.movie(imdb_id)), media_type="image/jpeg")

    async def robots(self) -> Response:
        """Return the rules for robots, or the answer that a switch asks for."""
        status, headers, text = _ROBOTS[self.store.switch("robots")]
        if status == 429:
            headers = {"retry-after": str(abs(self.store.switch("retry_after")))}
        return PlainTextResponse(text, status, headers)

    async def health(self) -> dict[str, Literal["ok"]]:
        """Say that the site is up."""
        return {"status": "ok"}

    def _total(self, movie: SampleMovie) -> int:
        return len(self._reviews(movie.imdb_id))

    def _reviews(self, imdb_id: str) -> list[SampleReview]:
        gone = self.store.switch("count_falls", imdb_id) or 0
        return self.store.reviews(imdb_id)[gone:]

    def _votes(self, movie: SampleMovie) -> int:
        # Each new review brings one vote.
        return movie.votes + len(self.store.reviews(movie.imdb_id)) - len(movie.reviews)

    def _batch(
        self, imdb_id: str, sort: str, ascending: bool, after: str | None, first: int
    ) -> tuple[list[SampleReview], str | None]:
        ordered = payloads.in_order(self._reviews(imdb_id), sort, ascending)
        gate = self.store.switch("gate", imdb_id)
        if gate is not None:
            return ([] if after else ordered[:gate]), None
        return payloads.batch(ordered, after, first, self.store.switch("shifting_pages", imdb_id))

    def _between_pages(self, imdb_id: str, sort: str, ascending: bool, after: str) -> None:
        """Add or remove reviews between two pages, once, as the switches say."""
        if new := self.store.take("arrives", imdb_id):
            self.store.publish(imdb_id, new, [])
        if which := self.store.take("vanishes", imdb_id):
            ordered = payloads.in_order(self._reviews(imdb_id), sort, ascending)
            shifting = self.store.switch("shifting_pages", imdb_id)
            next_one = payloads.place_of(ordered, after, shifting)
            place = {"given": 0, "cursor": next_one - 1, "coming": next_one, "last": -1}[which]
            self.store.delete(ordered[place].review_id)

    def _search(self, query: str) -> list[SampleMovie]:
        words = query.casefold().split()

        def matches(movie: SampleMovie) -> bool:
            people = " ".join(name for name, _ in movie.cast)
            text = f"{movie.imdb_id} {movie.title} {movie.original_title} {people}".casefold()
            text += f" {movie.released_on.year}"
            return all(word in text for word in words)

        return [movie for movie in self.store.movies() if words and matches(movie)]


# The page's script fills in the card of this review: so the markup of cards has one source.
_BLANK = SampleReview(
    review_id="rw0",
    imdb_id="tt0",
    author_id="ur0",
    author_name="",
    title="",
    body="",
    rating=1,
    submitted_on=date(2000, 1, 2),
    is_spoiler=False,
    up=0,
    down=0,
)


def _controls(store: Store, visits: deque[dict[str, Any]], token: str | None) -> APIRouter:
    """Return the routes under `/_control/`, which want the token."""

    def authorised(x_control_token: Annotated[str, Header()] = "") -> None:
        if not token:
            raise HTTPException(503, f"Controls are off: set {TOKEN_VARIABLE}.")
        if not hmac.compare_digest(x_control_token.encode(), token.encode()):
            raise HTTPException(403, "X-Control-Token is missing or wrong.")

    router = APIRouter(prefix="/_control", dependencies=[Depends(authorised)])

    @router.post("/publish")
    async def publish(wish: Publish) -> dict[str, list[str]]:
        given = [fields.model_dump(exclude_unset=True) for fields in wish.reviews]
        count = max(wish.count or 0, len(given))
        if not count:
            raise BadInput("Say how many to publish: count, or reviews.")
        return {"ids": store.publish(wish.imdb_id, count, given)}

    @router.post("/edit")
    async def edit(wish: Edit) -> dict[str, str]:
        fields = wish.model_dump(exclude_unset=True)
        store.edit(fields.pop("review_id"), fields)
        return {"edited": wish.review_id}

    @router.post("/delete")
    async def delete(wish: Delete) -> dict[str, str]:
        store.delete(wish.review_id)
        return {"deleted": wish.review_id}

    @router.post("/switch")
    async def set_switch(wish: SetSwitch) -> dict[str, Any]:
        store.set_switch(wish.name, wish.imdb_id, wish.value)
        return {"switches": store.set_switches}

    @router.post("/reset")
    async def reset() -> dict[str, str]:
        store.reset()
        visits.clear()
        return {"status": "as on the first day"}

    @router.get("/state")
    async def state() -> dict[str, Any]:
        return _state(store, visits)

    return router


def _state(store: Store, visits: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the site's content, its switches, and the requests by kind of page."""
    requests: dict[str, list[dict[str, Any]]] = {}
    for visit in visits:
        if visit["kind"] not in ("control", "health", "static"):
            requests.setdefault(visit["kind"], []).append(visit)
    return {
        "seed": store.seed,
        "anchor": store.anchor.isoformat(),
        "movies": [
            {
                "imdb_id": movie.imdb_id,
                "title": movie.title,
                "reviews": len(store.reviews(movie.imdb_id)),
            }
            for movie in store.movies()
        ],
        "switches": store.set_switches,
        "requests": requests,
    }


def _graphql_error(message: str) -> Response:
    return JSONResponse({"errors": [{"message": message}], "data": None}, 400)


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")
