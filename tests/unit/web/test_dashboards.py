"""Addresses of dashboards with their movies chosen; that Superset obeys them, e2e tests show."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from filmpulse.web.dashboards import COMPARE, RECEPTION, dashboard_url


@pytest.mark.parametrize("public_url", [None, ""])
def test_there_is_no_link_where_no_browser_reaches_superset(public_url: str | None) -> None:
    assert dashboard_url(public_url, RECEPTION, ["A (2026)"]) is None


@pytest.mark.parametrize("public_url", ["https://charts.example/s", "https://charts.example/s/"])
def test_the_movies_are_chosen_whatever_their_titles_hold(public_url: str) -> None:
    url = dashboard_url(public_url, COMPARE, ["It's! (2026)", "A&B?#,) (1999)"])
    place = urlsplit(url)
    assert place.path == "/s/superset/dashboard/compare-movies/"
    assert not place.fragment
    [mask] = parse_qs(place.query)["native_filters"]
    assert "val:!('It!'s!! (2026)','A&B?#,) (1999)')" in mask
