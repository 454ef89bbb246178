"""Any one value of a page may be of another kind tomorrow: that is a changed layout, no crash."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest

from filmpulse.errors import FilmpulseError
from filmpulse.items import Page
from filmpulse.sources.imdb.reviews import parse_reviews_page
from filmpulse.sources.imdb.titles import parse_title_page

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "pages"
DATA = re.compile(r'(<script id="__NEXT_DATA__"[^>]*>)(.*?)(</script>)', re.DOTALL)
OTHER_KINDS = (None, 5, -1, 10**12, 0.5, True, "x", "", [], [5], {}, {"x": 1})


def places(value, path=()):
    """Yield the path of every value below one."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in items:
        yield (*path, key)
        if isinstance(below, dict | list):
            yield from places(below, (*path, key))


def mutants(html):
    """Yield the page once for each place and each other kind of value."""
    found = DATA.search(html)
    data = json.loads(found[2])
    for path in places(data):
        if "translationContext" in path:
            continue
        for kind in OTHER_KINDS:
            changed = copy.deepcopy(data)
            holder = changed
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = kind
            yield path, html[: found.start(2)] + json.dumps(changed) + html[found.end(2) :]


@pytest.mark.parametrize(
    ("fixture", "parse"),
    [
        ("imdb.ReviewsPage/one_unrated", lambda page: parse_reviews_page(page, b"s")),
        ("imdb.ReviewsPage/v2_credits", lambda page: parse_reviews_page(page, b"s")),
        ("imdb.TitlePage/*", parse_title_page),
    ],
)
def test_one_value_of_another_kind(fixture, parse):
    tried = 0
    for folder in sorted(FIXTURES.glob(fixture)):
        html = (folder / "input.html").read_text(encoding="utf-8")
        if not DATA.search(html):
            continue
        for path, changed in mutants(html):
            tried += 1
            page = Page(url="u", final_url="u", html=changed, status=None, fetched_at=None)
            try:
                parse(page)
            except FilmpulseError:
                continue
            except Exception as error:
                raise AssertionError(f"{folder.name} {path}") from error
    assert tried > 100
