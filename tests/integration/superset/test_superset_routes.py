"""Every changing route of Superset, called as a guest and as a stranger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.superset_fixtures import App, Browser, Driver

pytestmark = pytest.mark.slow

# What a guest may do with another method than GET, and why that changes nothing of others'.
ALLOWED = {
    "POST /api/v1/chart/data": "a chart's question: reads",
    "POST /api/v1/dashboard/<int:pk>/filter_state": "the guest's own filters, within limits",
    "PUT /api/v1/dashboard/<int:pk>/filter_state/<string:key>": "the guest's own filters",
    "DELETE /api/v1/dashboard/<int:pk>/filter_state/<string:key>": "the guest's own filters",
    "POST /api/v1/dashboard/<pk>/favorites/": "a mark on the guest's own list",
    "DELETE /api/v1/dashboard/<pk>/favorites/": "a mark on the guest's own list",
    "POST /api/v1/chart/<pk>/favorites/": "a mark on the guest's own list",
    "DELETE /api/v1/chart/<pk>/favorites/": "a mark on the guest's own list",
    "POST /superset/log/": "each page says which charts were shown",
    "POST /api/v1/security/login": "the log-in",
    "POST /api/v1/security/refresh": "takes a refresh token alone, and gives one of the same user",
    "POST /login/": "the log-in page",
}
# What is switched off answers 404 to everybody.
OFF = ("/api/v1/report/", "/dynamic-plugins/", "/api/v1/dashboard/<pk>/cache_dashboard_screenshot/")
# Flask-AppBuilder's pages have actions by name; an unknown name is an error (500) for everybody.
ACTIONS = {"users": "resetpasswords", "roles": "copyrole"}
NO_ACTIONS = ("POST /groups/action/<string:name>/<pk>", "POST /groups/action_post")


@pytest.fixture(scope="module")
def routes(superset_driver: Driver) -> list[str]:
    """Every route that is not GET, as `METHOD /path`, from Superset itself."""
    found: list[str] = superset_driver.routes()
    assert len(found) > 100
    return found


def _refusal(session: Browser, route: str, headers: dict[str, str]) -> str | None:
    """Call a route; return what it answered unless it refused."""
    method, path = route.split(" ", 1)
    action = ACTIONS.get(path.split("/")[1], "1")
    place = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", "1", path.replace("<string:name>", action))
    if path.endswith("/action_post"):
        form = {"action": action, "rowid": "1"}
        answer = session.http.request(method, place, data=form, headers=headers)
    else:
        answer = session.http.request(method, place, json={}, headers=headers)
    location = answer.headers.get("location", "")
    # To the log-in, or back to where one came from: with a message that says no.
    sent_away = answer.status_code == 302 and ("/login/" in location or location == ".")
    is_off = answer.status_code == 404 and path.startswith(OFF)
    if answer.status_code in (401, 403) or sent_away or is_off:
        return None
    return f"{answer.status_code} {location} {answer.text[:200]}"


def test_a_guest_changes_nothing(superset_app: App, routes: list[str]) -> None:
    guest = superset_app.browser("guest")
    token = guest.csrf_token()
    headers = {"X-CSRFToken": token, "Referer": superset_app.url}
    said = {
        each: _refusal(guest, each, headers)
        for each in routes
        if each not in {*ALLOWED, *NO_ACTIONS}
    }
    assert {route: answer for route, answer in said.items() if answer} == {}
    assert ALLOWED.keys() <= {*routes}
    assert guest.get("/api/v1/me/").status_code == 200, "still logged in"


def test_a_stranger_changes_nothing(superset_app: App, routes: list[str]) -> None:
    stranger = superset_app.browser()
    headers = {"X-CSRFToken": stranger.csrf_token(), "Referer": superset_app.url}
    doors = {"POST /login/", "POST /api/v1/security/login"}
    said = {
        each: _refusal(stranger, each, headers)
        for each in routes
        if each not in {*doors, *NO_ACTIONS}
    }
    assert {route: answer for route, answer in said.items() if answer} == {}
