"""Movies, reviews, scores and the other items of Filmpulse, and the canonical form of their text.

Items are immutable and validated, since pages, files and model answers are untrusted. Times are
timezone-aware UTC; dates are the site's own days.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
import unicodedata
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

IMDB_ID_PATTERN = r"^tt[0-9]{7,9}$"
PERSON_ID_PATTERN = r"^nm[0-9]{7,10}$"

ImdbId = Annotated[str, Field(pattern=IMDB_ID_PATTERN)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
ReviewId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]

Aspect = Literal["storytelling", "acting", "visuals", "sound", "themes"]
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)

Score = Annotated[int, Field(ge=-2, le=2)]

FIRST_SOURCE = "imdb"
"""The source of objects from the time of one source, which do not name it."""

Mode = Literal["incremental", "full", "import", "stream"]
"""What a collection read: new reviews, all reviews, files, or a stream's events."""

CollectionStatus = Literal[
    "queued", "running", "complete", "drained", "partial", "gated", "blocked", "layout_changed",
    "not_found", "failed",
]  # fmt: skip

AnalysisStatus = Literal[
    "scored", "refused", "content_filter", "truncated", "invalid", "unsupported_language",
    "over_budget", "failed",
]  # fmt: skip

ExportFormat = Literal["parquet", "csv"]

CallOutcome = Literal[
    "scored", "refused", "content_filter", "truncated", "invalid", "rate_limited", "unavailable",
    "timeout", "disconnected", "malformed", "rejected", "key_refused", "model_refused",
    "quota_exhausted",
]  # fmt: skip
"""How one request to a model ended: the first five brought an answer, the last three stop a run."""

Held = Literal["leased", "answered", "erased", "over_run_budget", "over_day_budget"]
"""Why a text may not be sent to a model.

Another worker has it, it has an answer, it was erased or dropped meanwhile, or no money is left.
"""


_IMDB_ADDRESS = re.compile(
    r"(?:(?:https?:)?//)?(?:[a-z0-9-]+\.)*imdb\.com(?::[0-9]+)?/(?:[a-z-]+/)*"
    r"title/(tt[0-9]{7,9})(?![a-z0-9])\S*"
)


def is_imdb_id(text: str) -> bool:
    """Say whether a text is an IMDb id of a movie."""
    return re.fullmatch(IMDB_ID_PATTERN, text) is not None


def read_imdb_id(typed: str) -> str | None:
    """Read an IMDb id, or the id in the address of a movie's page at IMDb, as a person typed it.

    Every host below imdb.com counts, with or without scheme and language. None for other texts.
    """
    text = typed.strip().lower()
    if is_imdb_id(text):
        return text
    address = _IMDB_ADDRESS.fullmatch(text)
    return address[1] if address else None


def find_imdb_id(typed: str) -> str | None:
    """Do what `read_imdb_id` does, also for an address within a text, as apps share it."""
    words = (word.strip("()[]<>\"',;") for word in typed.split() if "imdb.com" in word.lower())
    return read_imdb_id(typed) or next(filter(None, map(read_imdb_id, words)), None)


class Item(BaseModel):
    """Base of all items: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Item):
    """One document from a browser, or saved by a person: without `status` and `headers`.

    Names of headers are in lower case.
    """

    url: str
    final_url: str
    html: str
    status: int | None
    headers: dict[str, str] = {}
    fetched_at: AwareDatetime | None


class Movie(Item):
    """The facts of a movie, which hardly change."""

    imdb_id: ImdbId
    title: str
    original_title: str | None = None
    year: Annotated[int, Field(ge=1870, le=2200)] | None = None
    release_date: date | None = None
    runtime_minutes: Annotated[int, Field(ge=0, le=100_000)] | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    plot: str | None = None
    poster_url: str | None = None


class Snapshot(Item):
    """A site's own figures of a movie at one time; None where it shows none."""

    source: str = FIRST_SOURCE
    imdb_id: ImdbId
    taken_at: AwareDatetime | None
    rating: Annotated[float, Field(ge=1, le=10)] | None = None
    vote_count: Count | None = None
    review_count: Count | None = None


class Removal(Item):
    """A stream's event that a review was removed."""

    source: str
    review_id: ReviewId


class Dropped(Item):
    """What is kept of a text whose time is over."""

    content_hash: str
    language: str | None


class Review(Item):
    """One person's review.

    `title` and `body` are plain text with line breaks; they are empty if `dropped` is set. Grade
    and votes are None where they are not given. `date_source` says where `submitted_on` is from:
    IMDb's DOM shows a day too early, so a "dom" date never overwrites a "json" one.
    """

    source: str = FIRST_SOURCE
    review_id: ReviewId
    imdb_id: ImdbId
    author_key: str | None = None
    title: str
    body: str
    rating_1_10: Annotated[int, Field(ge=1, le=10)] | None = None
    submitted_on: date | None = None
    date_source: Literal["json", "dom", "file"] | None = None
    is_spoiler: bool = False
    helpful_up: Count | None = None
    helpful_down: Count | None = None
    dropped: Dropped | None = None

    @cached_property
    def content_hash(self) -> str:
        """The hash of title and body, the same by whichever route they were read."""
        if self.dropped is not None:
            return self.dropped.content_hash
        return content_hash(self.title, self.body)


class AspectScore(Item):
    """The score of one aspect in one review: -2 very negative to 2 very positive.

    `quote` is an exact piece of the analysed text and `quote_start` its offset in code points; both
    are None where no quote could be verified.
    """

    aspect: Aspect
    score: Score
    quote: str | None = None
    quote_start: Annotated[int, Field(ge=0)] | None = None


class ReviewText(Item):
    """The input of an analyser: one current text and its keys.

    `cast` names people who act in the movie, as far as they are known.
    """

    source: str
    review_id: str
    imdb_id: ImdbId
    content_hash: str
    language: str | None
    text: str
    cast: tuple[str, ...] = ()


class Reading(Item):
    """The scores of one text, of one or more reviews.

    `overall_quote` supports the score of the whole, as `quote` in `AspectScore` does. Only the
    status `scored` has scores and quotes. `valence` is the whole before it is cut into the five
    steps of `overall`, higher is kinder; None from analysers that answer in steps, and of a text
    that judges nothing, whose `overall` is 0.
    """

    status: AnalysisStatus
    overall: Score | None = None
    valence: float | None = None
    overall_quote: str | None = None
    overall_quote_start: Annotated[int, Field(ge=0)] | None = None
    aspects: tuple[AspectScore, ...] = ()


class Analysis(Reading):
    """The scores of one review's text.

    Tokens and cost are of all requests for the text; None where there were none, or where they
    are counted with another review of the same text.
    """

    source: str
    review_id: str
    imdb_id: ImdbId
    content_hash: str
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cost_usd: float | None = None


class Call(Item):
    """How one request to a model ended.

    Tokens are as the answer states them: `cached` and `cache_write` are part of the input,
    `reasoning` of the output. `cost_usd` is None where the request may have been billed at an
    unknown price: then the sum that was set aside for it counts. `sentence` says what went wrong,
    without any key.
    """

    outcome: CallOutcome
    http_status: int | None = None
    request_id: str | None = None
    service_tier: str | None = None
    input_tokens: Count | None = None
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    cost_usd: float | None = None
    quotes_given: Count = 0
    quotes_dropped: Count = 0
    leniencies: tuple[str, ...] = ()
    sentence: str | None = None


class UnusableAnswers(Item):
    """How many answers of a run could not be used: the last in a row, and of the first ones."""

    in_a_row: Count
    of_first: Count


class SearchHit(Item):
    """One title that the catalogue or a source finds for a person's query.

    A source names no more than `year`, `kind` and `stars`, its main cast separated by commas.
    """

    imdb_id: ImdbId
    title: str
    year: int | None = None
    kind: str | None = None
    stars: str | None = None
    original_title: str | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    rating: float | None = None
    vote_count: Count | None = None


class PersonHit(Item):
    """One person that the catalogue finds; `known_for` names titles, with their years."""

    person_id: Annotated[str, Field(pattern=PERSON_ID_PATTERN)]
    name: str
    birth_year: int | None = None
    death_year: int | None = None
    professions: tuple[str, ...] = ()
    known_for: tuple[str, ...] = ()


_BREAKS = re.compile(r"<\s*(?:br|/p|/div|/ul|/ol|/tr|/h[1-6])\b[^>]*>", re.IGNORECASE)
_ITEM = re.compile(r"<\s*li\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_TAG_OR_COMMENT = re.compile(rf"{_TAG.pattern}|<!--.*?-->", re.DOTALL)
_NUMBERED = re.compile(r"&#(?:[xX](?P<hex>[0-9a-fA-F]+)|(?P<decimal>[0-9]+));?")
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Unicode's category Cc, but for tab, line feed and carriage return."""
_HALVES = re.compile("[\ud800-\udfff]")  # category Cs, halves of surrogate pairs
# What a control character means. A byte from 0x80 to 0x9F that was read as Latin-1 is one of
# Windows-1252 (https://encoding.spec.whatwg.org/#windows-1252), which does not define five of them.
_MEANT = {"\v": "\n", "\f": "\n"} | {
    chr(byte): character
    for byte in range(0x80, 0xA0)
    if (character := bytes([byte]).decode("cp1252", "ignore"))
}
_ODD_SPACE = re.compile(r"[^\S\n ]")
# All of these: one search shows whether the steps for them can be skipped, as for most texts.
_ODD = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028-\u202f\u205f\u3000\ud800-\udfff]"
)
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n"  # of ASCII, what is not odd
_SPACES = re.compile(r"  +")
_RAGGED = re.compile(r"\n(?: |\n\n|(?<= \n))")  # spaces around a line break, or many breaks
_MANY_BREAKS = re.compile(r"\n\n\n+")


def text_from_html(fragment: str) -> str:
    """Turn a fragment of HTML into canonical plain text (see `canonical_text`).

    Tags become line breaks or nothing *before* entities are read, so that an escaped `&lt;b&gt;`
    becomes the text `<b>`. A list item becomes a line that starts with "- ".
    """
    # A raw newline in HTML is a space; only tags break lines.
    flat = fragment.replace("\r", " ").replace("\n", " ")
    if "<" in flat:
        flat = _without_tags(flat)
    return canonical_text(html.unescape(_NUMBERED.sub(_numbered, flat)))


def _without_tags(flat: str) -> str:
    """Replace tags and comments.

    Nothing ends after the last `>`, and no comment after the last `-->`. The search stops there:
    otherwise it would go on to the end of the text from each `<`.
    """
    end = flat.rfind(">") + 1
    marked = _BREAKS.sub("\n", _ITEM.sub("\n- ", flat[:end]))
    with_comments, last, without = marked.rpartition("-->")
    return _TAG_OR_COMMENT.sub("", with_comments + last) + _TAG.sub("", without) + flat[end:]


def _numbered(entity: re.Match[str]) -> str:
    """Decode a numeric entity that `html.unescape` drops, or that has too many digits for it."""
    digits, base = (entity["hex"], 16) if entity["hex"] else (entity["decimal"], 10)
    if len(digits.lstrip("0")) > 7:
        return "\N{REPLACEMENT CHARACTER}"  # as HTML does above U+10FFFF
    return entity[0] if html.unescape(entity[0]) else chr(int(digits, base))


def canonical_text(text: str) -> str:
    """Return the canonical form of plain text: NFC, single spaces, at most one empty line, trimmed.

    Control characters are replaced (see `without_controls`), halves of surrogate pairs dropped.
    """
    # Most texts need none of these steps, so each begins with a fast test.
    unusual = text.encode("utf-8", "surrogatepass").translate(None, _PLAIN)
    if unusual and _ODD.search(unusual.decode("utf-8", "surrogatepass")):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _ODD_SPACE.sub(" ", _HALVES.sub("", without_controls(text)))
    if not text.isascii():  # after the replacements: an accent may follow one of the characters
        text = unicodedata.normalize("NFC", text)
    if "  " in text:
        text = _SPACES.sub(" ", text)
    if _RAGGED.search(text):
        text = _MANY_BREAKS.sub("\n\n", "\n".join(map(str.strip, text.split("\n"))))
    return text.strip()


def without_controls(text: str) -> str:
    """Replace control characters, which Postgres refuses (NUL) or nobody sees.

    U+0080 to U+009F become the characters of Windows-1252; U+0085 (NEL) so becomes the ellipsis, as
    in HTML. VT and FF become a line break, all others a space, so that no two words are joined.
    """
    return CONTROLS.sub(lambda found: _MEANT.get(found[0], " "), text)


def content_hash(title: str, body: str) -> str:
    """Hash a review's text: sha256 hex of canonical title, NUL, canonical body."""
    joined = f"{canonical_text(title)}\0{canonical_text(body)}"
    return hashlib.sha256(joined.encode()).hexdigest()


def author_key(source: str, author_id: str, secret: bytes) -> str:
    """Return the key of a reviewer: HMAC-SHA256 of the site's own id, 32 hex digits.

    Without the secret nobody can find the person of a key. Names are never used.
    """
    return hmac.digest(secret, f"{source}\0{author_id}".encode(), "sha256").hex()[:32]


def analysed_text(title: str, body: str) -> str:
    """Return the text that analysers read: title, blank line, body."""
    return f"{title}\n\n{body}"
