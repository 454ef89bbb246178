"""robots.txt: what each answer means, and that it is asked for once and politely."""

from datetime import UTC, datetime

import httpx
import pytest

from filmpulse.errors import Blocked, SiteUnavailable
from filmpulse.sources.polite import Robots

URL = "https://films.example/title/tt7000001/"


class SlotCounter:
    """A gate that only notes who came by."""

    def __init__(self) -> None:
        self.waited: list[str] = []
        self.paused: list[tuple[str, str, float | None]] = []

    def wait(self, host: str) -> None:
        self.waited.append(host)

    def pause(self, host: str, reason: str, retry_after: float | None = None) -> datetime:
        self.paused.append((host, reason, retry_after))
        return datetime(2026, 5, 1, 12, 30, tzinfo=UTC)

    def clear(self, host: str) -> None:
        raise AssertionError("rules are no good page")


def robots(
    status: int, text: str = "", headers: dict[str, str] | None = None
) -> tuple[Robots, SlotCounter, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, text=text, headers=headers)

    gate = SlotCounter()
    return Robots(httpx.Client(transport=httpx.MockTransport(answer)), gate), gate, seen


def test_rules_are_read_once_per_host_through_the_gate() -> None:
    rules, gate, seen = robots(200, "User-agent: *\nDisallow: /find\n")
    rules.check(URL)
    rules.check(URL)
    with pytest.raises(Blocked) as caught:
        rules.check("https://films.example/find/?q=x")
    assert caught.value.reason == "robots"
    assert gate.waited == ["films.example"]
    assert [str(r.url) for r in seen] == ["https://films.example/robots.txt"]
    assert seen[0].headers["user-agent"].startswith("Filmpulse/")


def test_rules_for_our_own_name_win() -> None:
    rules, _, _ = robots(200, "User-agent: *\nAllow: /\n\nUser-agent: Filmpulse\nDisallow: /\n")
    with pytest.raises(Blocked):
        rules.check(URL)


@pytest.mark.parametrize("status", [404, 410])
def test_no_rules_allow_everything(status: int) -> None:
    rules, _, _ = robots(status, "User-agent: *\nDisallow: /")
    rules.check(URL)


@pytest.mark.parametrize("status", [401, 500, 503])
def test_any_other_answer_means_not_now(status: int) -> None:
    rules, gate, _ = robots(status, "User-agent: *\nAllow: /")
    with pytest.raises(Blocked, match=f"{status}.*/title/tt7000001/ is not read now") as caught:
        rules.check(URL)
    assert caught.value.reason == "robots"
    assert gate.paused == []


@pytest.mark.parametrize("status", [202, 403, 405, 429])
def test_rules_that_are_refused_pause_the_host_as_a_page_does(status: int) -> None:
    rules, gate, _ = robots(status, "User-agent: *\nAllow: /", {"Retry-After": "3600"})
    with pytest.raises(Blocked, match="before 2026-05-01 12:30 UTC") as caught:
        rules.check(URL)
    assert caught.value.reason == "robots"
    assert gate.paused == [("films.example", "robots", 3600.0)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(httpx.ConnectTimeout("slow"), "timeout"), (httpx.ConnectError("gone"), "unavailable")],
)
def test_host_that_does_not_answer_may_be_tried_later(error: Exception, reason: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    client = httpx.Client(transport=httpx.MockTransport(fail))
    with pytest.raises(SiteUnavailable) as caught:
        Robots(client, SlotCounter()).check(URL)
    assert caught.value.reason == reason
