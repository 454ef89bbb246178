"""What a site asks for when it has had enough, in each form that the header takes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from filmpulse.errors import Blocked
from filmpulse.items import Page
from filmpulse.retry_after import LONGEST_WISH, retry_after
from filmpulse.sources.refusals import check_status

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Fri, 01 May 2026 12:30:00 GMT", 1800.0),
        ("Fri, 01 May 2026 12:30:00 -0000", 1800.0),
        ("Fri, 01 May 2026 11:00:00 GMT", 0.0),  # over already
        ("Fri, 01 May 2099 12:00:00 GMT", LONGEST_WISH),
        ("9" * 400, LONGEST_WISH),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0663", None),  # a digit, but not one of HTTP's
        ("Fri, 99 May 99999 12:00:00 GMT", None),
    ],
)
def test_retry_after(said: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": said}, NOON) == seconds


def test_no_header_is_no_wish() -> None:
    assert retry_after({}, None) is None


def test_a_refused_page_carries_the_wish() -> None:
    page = Page(
        url="https://www.imdb.com/title/tt7000001/",
        final_url="https://www.imdb.com/title/tt7000001/",
        html="",
        status=429,
        headers={"retry-after": "Fri, 01 May 2026 14:00:00 GMT"},
        fetched_at=NOON,
    )
    with pytest.raises(Blocked, match=r"tt7000001.*429") as caught:
        check_status(page)
    assert (caught.value.reason, caught.value.retry_after) == ("rate_limited", 7200.0)
