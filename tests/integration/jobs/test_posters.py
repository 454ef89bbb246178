"""Posters: fetched once through the real gate, from a real server, and whatever that may answer."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import UTC, datetime

import pytest
from PIL import Image
from pytest_httpserver import HTTPServer
from werkzeug import Response

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import Movie
from filmpulse.sources import pictures
from filmpulse.warehouse import pages
from filmpulse.warehouse.load import store_movie

MOVIE = "tt99000005"
PATH = "/images/one.jpg"


def painted(kind="JPEG", size=(600, 900)):
    out = io.BytesIO()
    Image.new("RGB", size, (200, 80, 20)).save(out, kind)
    return out.getvalue()


def png_of(width, height):
    """A PNG that says it is so large, and holds next to nothing."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
def site(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/robots.txt").respond_with_data("User-agent: *\nDisallow: /no/\n")
    return httpserver


@pytest.fixture
def context(warehouse_url, site, tmp_path):
    return with_settings(warehouse_url, site.url_for("").rstrip("/"), tmp_path)


def with_settings(warehouse_url, site_url, tmp_path, **more):
    given = {"source_urls": {"imdb": site_url}, "posters": True, "request_gap_seconds": 0} | more
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(),
                 author_secret="for tests only", **given)
    )  # fmt: skip


def know(context, poster_url, imdb_id=MOVIE):
    movie = Movie(imdb_id=imdb_id, title="The Glass Orchard", year=2024, poster_url=poster_url)
    with context.warehouse.connect() as connection:
        store_movie(connection, movie, datetime.now(UTC))


def asked(site, path=PATH):
    return sum(request.path == path for request, _ in site.log)


def rows(context, statement, *values):
    with context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


def test_a_poster_is_fetched_once_and_kept_small(context, site):
    site.expect_request(PATH).respond_with_data(painted(), content_type="image/jpeg")
    know(context, site.url_for(PATH))
    assert jobs.fetch_poster(MOVIE, context) == "stored"
    assert jobs.fetch_poster(MOVIE, context) == "not_wanted"
    assert asked(site) == 1
    kept = pages.poster.one(context.warehouse, imdb_id=MOVIE)
    assert (kept.media_type, kept.width, kept.height) == ("image/webp", 240, 360)
    with Image.open(io.BytesIO(kept.image)) as image:
        assert (image.format, image.size) == ("WEBP", (240, 360))
    assert len(kept.image) < 20_000
    assert pages.cards.one(context.warehouse, imdb_ids=[MOVIE]).has_poster


@pytest.mark.parametrize(
    "kind", [("PNG", "image/png"), ("WEBP", "image/webp"), ("GIF", "image/gif; charset=x")]
)
def test_other_kinds_of_pictures_are_taken(context, site, kind):
    content = painted(kind[0], (120, 180))
    site.expect_request(PATH).respond_with_data(content, content_type=kind[1])
    know(context, site.url_for(PATH))
    assert jobs.fetch_poster(MOVIE, context) == "stored"
    assert pages.poster.one(context.warehouse, imdb_id=MOVIE).width == 120  # never made larger


def test_a_new_address_is_fetched_anew_and_a_fault_keeps_the_old_picture(context, site):
    site.expect_request(PATH).respond_with_data(painted(), content_type="image/jpeg")
    site.expect_request("/images/two.jpg").respond_with_data("", status=404)
    know(context, site.url_for(PATH))
    assert jobs.fetch_poster(MOVIE, context) == "stored"
    know(context, site.url_for("/images/two.jpg"))
    assert jobs.fetch_poster(MOVIE, context) == "refused"
    assert jobs.fetch_poster(MOVIE, context) == "not_wanted"
    assert pages.poster.one(context.warehouse, imdb_id=MOVIE).width == 240
    know(context, site.url_for(PATH))
    assert jobs.fetch_poster(MOVIE, context) == "stored"


def answers(kind):
    match kind:
        case "missing":
            return Response(status=404)
        case "html in place of a picture":
            return Response("<html>no poster</html>", content_type="text/html")
        case "html that says it is a picture":
            return Response("<html>no poster</html>", content_type="image/jpeg")
        case "drawing with script":
            return Response("<svg><script>1</script></svg>", content_type="image/svg+xml")
        case "20 MB":
            return Response(b"\xff\xd8\xff" + b"\0" * 20_000_000, content_type="image/jpeg")
        case "bomb":
            return Response(png_of(60_000, 60_000), content_type="image/png")
        case "large":
            return Response(painted("PNG", (6_000, 6_000)), content_type="image/png")
        case "damaged":
            return Response(painted()[:2_000], content_type="image/jpeg")
        case "cut PNG":
            return Response(painted("PNG")[:60], content_type="image/png")
        case "redirect":
            return Response(status=302, headers={"Location": "http://127.0.0.1:1/secret"})
    return Response(b"", content_type="image/jpeg")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "not_found"), ("html in place of a picture", "not_an_image"),
        ("html that says it is a picture", "not_an_image"), ("drawing with script", "not_an_image"),
        ("20 MB", "too_large"), ("bomb", "too_large"), ("large", "too_large"),
        ("damaged", "not_an_image"), ("cut PNG", "not_an_image"), ("redirect", "redirected"),
        ("empty", "not_an_image"),
    ],
)  # fmt: skip
def test_what_is_no_poster_is_remembered_and_asked_for_once(context, site, kind, reason):
    site.expect_request(PATH).respond_with_handler(lambda _: answers(kind))
    know(context, site.url_for(PATH))
    assert jobs.fetch_poster(MOVIE, context) == "refused"
    assert jobs.fetch_poster(MOVIE, context) == "not_wanted"
    assert asked(site) == 1
    assert rows(context, "SELECT reason, image FROM core.movie_posters") == [
        {"reason": reason, "image": None}
    ]
    assert not pages.cards.one(context.warehouse, imdb_ids=[MOVIE]).has_poster
    assert pages.poster.first(context.warehouse, imdb_id=MOVIE) is None
    # After a week the address is asked again.
    rows(
        context, "UPDATE core.movie_posters SET fetched_at = now() - interval '8 days' RETURNING 1"
    )
    assert jobs.fetch_poster(MOVIE, context) == "refused"
    assert asked(site) == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x.jpg", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd",
        "https://elsewhere.example/x.jpg", "//elsewhere.example/x.jpg", "ftp://127.0.0.1/x.jpg",
        "http://[::1/x.jpg", "https://m.media-amazon.com/images/M/x.jpg", "x", "http://user@{}/x",
        "javascript:alert(1)",
    ],
)  # fmt: skip
def test_no_other_host_is_asked(context, site, url):
    know(context, url.format(site.url_for("").split("/")[2]))
    assert jobs.fetch_poster(MOVIE, context) == "refused"
    assert rows(context, "SELECT reason FROM core.movie_posters") == [{"reason": "other_host"}]
    assert site.log == []


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [("10.0.0.8", False), ("127.0.0.1", False), ("::1", False), ("169.254.169.254", False),
     ("93.184.216.34", True)],
)  # fmt: skip
def test_an_image_host_in_a_private_network_is_not_asked(monkeypatch, address, is_taken):
    found = [(0, 0, 0, "", (address, 443))]
    monkeypatch.setattr(pictures.socket, "getaddrinfo", lambda *_, **__: found)
    url = "https://m.media-amazon.com/images/M/x.jpg"
    own = "https://www.imdb.com"
    if is_taken:
        assert pictures.check_address(url, own, ("m.media-amazon.com",)) == "m.media-amazon.com"
    else:
        with pytest.raises(BadInput) as refused:
            pictures.check_address(url, own, ("m.media-amazon.com",))
        assert refused.value.reason == "other_host"


def test_robots_are_obeyed(context, site):
    know(context, site.url_for("/no/one.jpg"))
    assert jobs.fetch_poster(MOVIE, context) == "refused"
    assert asked(site, "/no/one.jpg") == 0
    assert rows(context, "SELECT reason FROM core.movie_posters") == [{"reason": "robots"}]


def test_a_refusal_pauses_the_host_for_all(context, site):
    site.expect_request(PATH).respond_with_data("", status=429, headers={"Retry-After": "600"})
    know(context, site.url_for(PATH))
    assert jobs.fetch_poster(MOVIE, context) == "refused"
    know(context, site.url_for("/images/two.jpg"), "tt99000006")
    assert jobs.fetch_poster("tt99000006", context) == "later"
    assert asked(site, "/images/two.jpg") == 0
    assert len(rows(context, "SELECT 1 FROM core.movie_posters")) == 1  # it is fetched later


def test_a_site_that_is_away_is_asked_again(context, site):
    site.expect_oneshot_request(PATH).respond_with_data("", status=503)
    know(context, site.url_for(PATH))
    assert jobs.fetch_poster(MOVIE, context) == "later"
    site.expect_request(PATH).respond_with_data(painted(), content_type="image/jpeg")
    assert jobs.fetch_poster(MOVIE, context) == "stored"


def test_off_is_the_default_and_asks_nobody(warehouse_url, site, tmp_path):
    assert Settings().posters is False
    assert Settings.from_env({"FILMPULSE_POSTERS": "on"}).posters is True
    off = with_settings(warehouse_url, site.url_for(""), tmp_path, posters=False)
    know(off, site.url_for(PATH))
    assert jobs.fetch_poster(MOVIE, off) == "off"
    not_live = with_settings(warehouse_url, "", tmp_path, source_urls={})
    assert jobs.fetch_poster(MOVIE, not_live) == "off"
    assert site.log == []


def test_no_poster_is_known_and_no_fault_is_raised(context, monkeypatch):
    assert jobs.fetch_poster("tt99000001", context) == "not_wanted"
    know(context, None)
    assert jobs.fetch_poster(MOVIE, context) == "not_wanted"

    def breaks(*_, **__):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("filmpulse.jobs.reception.fetch_poster.poster_wanted.first", breaks)
    assert jobs.fetch_poster(MOVIE, context) == "later"


def test_the_gate_gives_each_request_its_turn(warehouse_url, site, tmp_path):
    site.expect_request(PATH).respond_with_data(painted(), content_type="image/jpeg")
    slow = with_settings(
        warehouse_url, site.url_for("").rstrip("/"), tmp_path, request_gap_seconds=1
    )
    know(slow, site.url_for(PATH))
    before = datetime.now(UTC)
    assert jobs.fetch_poster(MOVIE, slow) == "stored"
    assert (datetime.now(UTC) - before).total_seconds() >= 1  # robots.txt, then the poster


def test_it_follows_a_movies_load_and_never_fails_it(context, site):
    site.expect_request(PATH).respond_with_data("", status=404)
    know(context, site.url_for(PATH))
    assert jobs.load_movie(MOVIE, [], context) == 0
    assert rows(context, "SELECT reason FROM core.movie_posters") == [{"reason": "not_found"}]


def test_it_goes_with_its_movie(context, site):
    site.expect_request(PATH).respond_with_data(painted(), content_type="image/jpeg")
    know(context, site.url_for(PATH))
    jobs.fetch_poster(MOVIE, context)
    jobs.erase("movie", MOVIE, context)
    assert rows(context, "SELECT 1 FROM core.movie_posters") == []


def test_the_sample_site_has_posters(warehouse_url, sample_site, tmp_path):
    context = with_settings(warehouse_url, sample_site.url, tmp_path)
    know(context, f"{sample_site.url}/poster/{MOVIE}.jpg")
    assert jobs.fetch_poster(MOVIE, context) == "stored"
    assert pages.poster.one(context.warehouse, imdb_id=MOVIE).height == 360
