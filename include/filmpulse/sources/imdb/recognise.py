"""Tell IMDb's pages from pages of other sites, cut-off pages, challenges, refusals and the gate."""

from __future__ import annotations

import re

from filmpulse.errors import Blocked, ForeignPage, SiteUnavailable
from filmpulse.items import Page
from filmpulse.sources.imdb.data import LD_TAG, data_end, data_start
from filmpulse.sources.imdb.dom import Dom, is_cut_off
from filmpulse.sources.refusals import check_status

# None of these is in any good page of 2022-10 to 2026-07; `aws-waf-token` is in good pages.
_CHALLENGE_MARKS = ("awswaf.com", "awsWafCookieDomainList", "gokuProps", "challenge.js")
_CAPTCHA_MARK = "captcha.js"
_REFUSAL_TITLE = re.compile(
    r"<title[^>]*>\s*(?:403 Forbidden|Access Denied|Human Verification|"
    r"ERROR: The request could not be satisfied)",
    re.IGNORECASE,
)
SMALL_PAGE = 5_000  # characters; the smallest good page seen has 380,000
# The whole text of an element of the sign-in gate, in lower case (IMDb's own texts, 2026-07). The
# translations of every page hold these texts too, so only visible elements count.
_GATE_TEXTS = re.compile(
    r"(?:sign in to see all reviews|sign in to access user reviews|see all reviews in the imdb app"
    r"|(?:there are \S+ more user reviews for this title\. )?sign in to read them all)\.?"
    r"|we['\u2019]re updating how you access user reviews .* require you to sign in to view.*"
)
_GATE_WORDS = re.compile("sign in|imdb app", re.IGNORECASE)
_CARD_MARKS = ("user-review-item", "review-card-parent", "imdb-user-review")
_DATA_KEYS = ('"contentData"', '"aboveTheFoldData"', '"titleResults"')
# Browsers and tools write attributes with either quote or with none. No pattern looks beyond the
# end of a tag: a page made for harm would take hours.
_IMDB_MARKS = re.compile(
    r"\[tconst\]|\bdata-testid\s*=\s*[\"']?tturv-"
    r"|<meta\b[^<>]*\bproperty\s*=\s*[\"']?og:site_name\b[^<>]*\bcontent\s*=\s*[\"']?IMDb\b"
    r"|<title>[^<]* - IMDb</title>"
    r"|<link\b[^<>]*\brel\s*=\s*[\"']?canonical\b[^<>]*\bhref\s*=\s*[\"']?"
    r"https?://(?:www|m)\.imdb\.com/"
    r"|saved from url=\(\d+\)https?://(?:www|m)\.imdb\.com/",
    re.IGNORECASE,
)
_END_TAG = re.compile(r"</html\s*>", re.IGNORECASE)


def check_page(page: Page) -> None:
    """Return if this is a whole page of IMDb; judge by status, then by content.

    Raises:
        Blocked: Status 202, 403, 405 or 429, a header of AWS WAF, or the content of a challenge.
        NotFound: Status 404 or 410.
        SiteUnavailable: Another error status, or half a page (`broken_page`).
        ForeignPage: The page is not IMDb's.
    """
    check_status(page)
    check_content(page, has_review_card(page.html))


def check_answer(page: Page) -> None:
    """Return if an answer to a request for JSON is neither a refusal nor a page.

    Raises:
        Blocked, NotFound, SiteUnavailable: As `check_page`; a page without the marks of a
            challenge is the last.
    """
    check_status(page)
    if page.html.lstrip().startswith("<"):
        _check_marks(page.html)
        raise SiteUnavailable("The answer is no JSON but a page.", reason="broken_page")


def check_content(page: Page, has_cards: bool) -> None:
    """Do what `check_page` does beyond status and headers."""
    text = page.html
    # A page with reviews is not searched for marks: a review may contain "challenge.js".
    if has_cards:
        if _is_cut_off(text):
            raise SiteUnavailable("The page is cut off.", reason="broken_page")
        return
    if data_end(text, data_start(text)) >= 0:
        if not any(key in text for key in _DATA_KEYS) and not is_imdb(text):
            raise ForeignPage("This is a page of another site than IMDb.")
        return
    _check_marks(text)
    if _is_cut_off(text):
        raise SiteUnavailable("The page is cut off.", reason="broken_page")
    if page.status is not None and len(text) < SMALL_PAGE:
        raise Blocked(
            f"The site answered with {len(text)} characters and no content.", reason="challenge"
        )
    if not is_imdb(text) and not LD_TAG.search(text):
        raise ForeignPage("This is not a page of IMDb's." if text.strip() else "The page is empty.")


def _check_marks(text: str) -> None:
    """Raise `Blocked` if a page without content is a challenge or a refusal."""
    if _CAPTCHA_MARK in text:
        raise Blocked("IMDb shows a captcha in place of the page.", reason="captcha")
    if any(mark in text for mark in _CHALLENGE_MARKS):
        raise Blocked("IMDb shows a challenge in place of the page.", reason="challenge")
    if title := _REFUSAL_TITLE.search(text):
        reason = "captcha" if "human" in title[0].lower() else "forbidden"
        raise Blocked("IMDb shows a refusal in place of the page.", reason=reason)


def _is_cut_off(text: str) -> bool:
    """Say whether the page lacks its end; only the data script is needed where there is one."""
    if data_end(text, data_start(text)) >= 0 or _END_TAG.search(text, max(0, len(text) - 1000)):
        return False
    return is_cut_off(text)


def is_imdb(text: str) -> bool:
    """Say whether a page has a mark that only IMDb's pages have."""
    return _IMDB_MARKS.search(text) is not None


def gate_is_visible(html: str) -> bool:
    """Say whether a visible element outside of review cards asks to sign in for reviews.

    The element must say nothing else: sentences that quote the gate do not count.
    """
    if not _GATE_WORDS.search(html):
        return False
    return any(_GATE_TEXTS.fullmatch(text.lower()) for text in Dom(html).visible_texts())


def has_review_card(html: str) -> bool:
    """Say whether the page has a review card of a known markup."""
    return any(mark in html for mark in _CARD_MARKS)
