"""What Filmpulse does, one function a job: the only place where its parts are put together.

DAGs, the command line and the web page call these and nothing below them. Jobs take plain values
and a `Parts`, know nothing of Airflow, and return URIs, ids and counts, never reviews.

A collection runs `plan` -> `collect` -> `load` -> `analyse`, and `summarise` closes the run.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from psycopg.types.json import Jsonb

from filmpulse import warehouse as wh
from filmpulse.analysis import Analyser, make_analyser
from filmpulse.analysis.language import detect_language
from filmpulse.config import Settings
from filmpulse.errors import (
    BadInput,
    Blocked,
    CollectionFailed,
    FilmpulseError,
    HostPaused,
    LakeUnavailable,
    LayoutChanged,
    NotFound,
    WarehouseUnavailable,
)
from filmpulse.items import (
    IMDB_ID_PATTERN,
    Analysis,
    CollectionStatus,
    Mode,
    Movie,
    Page,
    Review,
    ReviewText,
    SearchHit,
    Snapshot,
    analysed_text,
)
from filmpulse.lake import Lake, Manifest
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.crawl import Crawl, ImdbSite
from filmpulse.warehouse.gate import HostGate
from filmpulse.warehouse.load import Loaded, load_reviews, store_movie, store_snapshot
from filmpulse.warehouse.migrate import Revision, migrate
from filmpulse.warehouse.reception import MovieSummary, read_summary

log = logging.getLogger(__name__)

SOURCE = "imdb"
FULL_EVERY = timedelta(hours=24)
"""A movie's reviews are all read again after this, since edits and removals show no other way."""

GREEN: frozenset[CollectionStatus] = frozenset({"complete", "gated"})

# IMDb's conditions of use as quoted in a public thread (tidyverse/rvest#195).
IMDB_CLAUSE = (
    "You may not use data mining, robots, screen scraping, or similar data gathering and "
    "extraction tools on this site, except with our express written consent as noted below."
)

LIVE_IS_OFF = "Reading live is off (FILMPULSE_IMDB_URL is unset): no movie was looked at."

Progress = Callable[[int, int | None], None]
"""Called with what is done and what there is in all (None: not known)."""


def _silent(done: int, total: int | None) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Parts:
    """The outside world of a job: settings, the warehouse and the lake (opened when used)."""

    settings: Settings
    warehouse: wh.Warehouse
    open_lake: Callable[[], Lake]

    @cached_property
    def lake(self) -> Lake:
        """The lake; a job that needs none never waits for an object store's client."""
        return self.open_lake()

    @classmethod
    def from_settings(cls, settings: Settings) -> Parts:
        """Put the parts together from settings alone (Airflow's bridge takes its Connections).

        Raises:
            BadInput: The address of the warehouse or of the lake is not set.
        """
        lake_url = settings.lake_url
        if settings.warehouse_url is None or lake_url is None:
            raise BadInput(
                "FILMPULSE_WAREHOUSE_URL and FILMPULSE_LAKE_URL must be set; "
                "`source var/<instance>/env.sh` sets both for a local instance."
            )
        return cls(
            settings,
            wh.Warehouse(settings.warehouse_url.get_secret_value()),
            lambda: Lake(lake_url, lake_options(settings)),
        )


def lake_options(settings: Settings) -> dict[str, Any]:
    """Return what fsspec needs to reach the lake; empty for anything but S3."""
    if not (settings.lake_url or "").startswith("s3://"):
        return {}
    options: dict[str, Any] = {}
    if settings.lake_key and settings.lake_secret:
        options["key"] = settings.lake_key.get_secret_value()
        options["secret"] = settings.lake_secret.get_secret_value()
    if settings.lake_endpoint_url:
        options["client_kwargs"] = {"endpoint_url": settings.lake_endpoint_url}
    return options


# ---------------------------------------------------------------------------- set up


def setup_warehouse(parts: Parts) -> Revision:
    """Migrate the warehouse and give its reader role what it may see; repeatable."""
    revision = migrate(parts.warehouse.url)
    with parts.warehouse.connect() as connection:
        connection.execute(wh.sql("roles"))
        if parts.settings.reader_password:
            from psycopg import sql

            connection.execute(
                sql.SQL("ALTER ROLE filmpulse_reader LOGIN PASSWORD {}").format(
                    sql.Literal(parts.settings.reader_password.get_secret_value())
                )
            )
    return revision


# ------------------------------------------------------------------ the tracked movies


class Tracked(NamedTuple):
    """The movies of the Variable `tracked_movies`, and what is wrong with the rest of it."""

    imdb_ids: list[str]
    problems: list[str]


def read_tracked(raw: str) -> Tracked:
    """Read the list of tracked movies as a person wrote it.

    Args:
        raw: JSON list of ids, such as `["tt0111161"]`.

    Returns:
        Valid ids in their order, each once; a sentence for each entry that was passed over.

    Raises:
        BadInput: It is no JSON list at all.
    """
    try:
        entries = json.loads(raw)
    except json.JSONDecodeError as error:
        raise BadInput(
            f'The Variable tracked_movies is no JSON: {error}. It should look like ["tt0111161"].'
        ) from error
    if not isinstance(entries, list):
        raise BadInput('The Variable tracked_movies should be a JSON list, like ["tt0111161"].')
    ids: dict[str, None] = {}
    problems: list[str] = []
    for entry in entries:
        if isinstance(entry, str) and re.fullmatch(IMDB_ID_PATTERN, entry.strip()):
            ids[entry.strip()] = None
        else:
            problems.append(
                f"tracked_movies holds {json.dumps(entry, ensure_ascii=False)[:80]}, "
                "which is no IMDb id (tt and 7 to 9 digits); it was passed over."
            )
    return Tracked(list(ids), problems)


# -------------------------------------------------------------------------- detection


class Batch(NamedTuple):
    """One run of `movie_reception` to start: its deterministic id and its configuration."""

    run_id: str
    imdb_ids: list[str]
    mode: Mode


@dataclass
class Detection:
    """What one round of detection found.

    `is_done` is False when movies are left for the next poke; `due` and `visited` count movies.
    """

    is_done: bool
    due: int = 0
    visited: int = 0
    batches: list[Batch] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class _Verdict(NamedTuple):
    outcome: str
    reason: str | None = None
    sentence: str | None = None
    mode: Mode | None = None


def detect(
    imdb_ids: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    run_id: str,
    parts: Parts,
    is_active: Callable[[str], bool],
    budget_seconds: float | None = None,
) -> Detection:
    """Look at every tracked movie that was not looked at since `since`, one page each.

    Args:
        imdb_ids: Tracked movies; visited longest unchecked first.
        since: Start of the detector's run (UTC): a movie is due once a run.
        until: No visit begins after this (UTC); what is left is first in the next run.
        run_id: The detector's run, from which the ids of the runs to start are made.
        parts: Settings, warehouse and lake.
        is_active: Whether a run of `movie_reception` is still queued or running.
        budget_seconds: How long to visit; the setting `detect_budget_seconds` when None.

    Returns:
        The round's outcome. Once `is_done`, `batches` holds the runs to start for all news since
        `since`, whichever round found it, so that a crash between two rounds loses nothing.

    A site that refuses ends the round: the rest waits for the next run. One movie never stops
    another. Costs one page a movie.
    """
    if imdb_ids and not parts.settings.imdb_url:
        return Detection(is_done=True, warnings=[LIVE_IS_OFF])
    budget = budget_seconds or parts.settings.detect_budget_seconds
    left = (until - datetime.now(UTC)).total_seconds()
    deadline = time.monotonic() + min(budget, left)
    due = [
        row["imdb_id"]
        for row in parts.warehouse.rows("due_movies", imdb_ids=list(imdb_ids), since=since)
    ]
    found = Detection(is_done=False, due=len(due))
    if due and left > 0:
        with _PoliteSite(parts) as site:
            for imdb_id in due:
                if time.monotonic() >= deadline:
                    break
                try:
                    _look(imdb_id, site, parts, is_active)
                except (Blocked, HostPaused) as error:
                    waiting = len(due) - found.visited
                    found.failures.append(f"{error} {waiting} movies were not looked at.")
                    found.is_done = True
                    break
                found.visited += 1
    if found.visited == len(due):
        found.is_done = True
    elif datetime.now(UTC) >= until:
        found.is_done = True
        found.warnings.append(_say_cycle(len(imdb_ids), len(due) - found.visited, since))
    if found.is_done:
        _collect_news(found, imdb_ids, since=since, run_id=run_id, parts=parts)
    return found


def _say_cycle(tracked: int, unseen: int, since: datetime) -> str:
    seen = tracked - unseen
    if not seen:
        return f"None of {tracked} movies could be looked at in the time there is."
    hours = (datetime.now(UTC) - since).total_seconds() / 3600 * tracked / seen
    return (
        f"{seen} of {tracked} movies were looked at in the time there is: at this pace a round of "
        f"all takes {hours:.1f} hours. The others come first in the next run."
    )


def mark_triggered(batch_run_id: str, imdb_ids: Sequence[str], parts: Parts) -> None:
    """Remember which run was asked for, so that the next detection lets it finish."""
    parts.warehouse.rows("mark_triggered", run_id=batch_run_id, imdb_ids=list(imdb_ids))


def _look(imdb_id: str, site: ImdbSite, parts: Parts, is_active: Callable[[str], bool]) -> None:
    review_count = None
    try:
        movie, snapshot = site.look(imdb_id)
        review_count = snapshot.review_count
        with parts.warehouse.connect() as connection:
            _store_facts(connection, movie, snapshot, snapshot.taken_at or datetime.now(UTC))
        verdict = _judge(imdb_id, review_count, parts, is_active)
    except Exception as error:  # one movie never stops another
        if isinstance(error, WarehouseUnavailable):
            raise  # the movie stays due
        verdict = _Verdict(*_explain(error))
        if isinstance(error, Blocked | HostPaused):
            _record(imdb_id, verdict, None, parts)
            raise
        if isinstance(error, LayoutChanged):
            _quarantine(imdb_id, site.last_page, error, parts)
        elif not isinstance(error, FilmpulseError):
            log.exception("%s could not be looked at", imdb_id)
    _record(imdb_id, verdict, review_count, parts)
    log.info("%s: %s. %s", imdb_id, verdict.outcome, verdict.sentence or "")


def _judge(
    imdb_id: str, review_count: int | None, parts: Parts, is_active: Callable[[str], bool]
) -> _Verdict:
    """Tell news from no news by what was last collected, never by the last look."""
    (history,) = parts.warehouse.rows("collection_history", imdb_id=imdb_id)
    for run in history["open_runs"]:
        if run in history["fresh_runs"] or is_active(run):
            return _Verdict("busy", "running", f"The run {run} is still at work on it.")
    finished, now = history["finished"], datetime.now(UTC)
    if finished is None:
        return _Verdict("news", "first", "Its reviews have not been collected yet.", "full")
    known = finished["review_count"]
    grown = 0 if review_count is None or known is None else review_count - known
    if finished["status"] == "gated":
        sentence = f"{grown:,} new, not readable here." if grown > 0 else None
        if now - history["attempt_at"] < FULL_EVERY:
            return _Verdict("no_news", "gated", sentence)
        return _Verdict("news", "gated", sentence, "full")
    full_at = history["full_attempt_at"]
    if full_at is None or now - full_at >= FULL_EVERY:
        return _Verdict("news", "full_due", "Its last full collection is a day old.", "full")
    if grown:
        # After a collection that broke off, a page of known reviews does not mean that all older
        # ones are known too.
        mode: Mode = "full" if history["has_gap"] else "incremental"
        return _Verdict("news", "count", f"The site's count changed by {grown:+,}.", mode)
    return _Verdict("no_news")


def _record(imdb_id: str, verdict: _Verdict, review_count: int | None, parts: Parts) -> None:
    parts.warehouse.rows(
        "record_check",
        imdb_id=imdb_id,
        checked_at=datetime.now(UTC),
        review_count=review_count,
        **verdict._asdict(),
    )


def _collect_news(
    found: Detection, imdb_ids: Sequence[str], *, since: datetime, run_id: str, parts: Parts
) -> None:
    news: dict[Mode, list[str]] = {"full": [], "incremental": []}
    for row in parts.warehouse.rows("checks_since", imdb_ids=list(imdb_ids), since=since):
        if row["outcome"] == "news":
            news[row["mode"]].append(row["imdb_id"])
        elif row["outcome"] == "not_found" or (row["reason"] == "gated" and row["sentence"]):
            found.warnings.append(f"{row['imdb_id']}: {row['sentence']}")
        elif row["outcome"] in ("layout_changed", "failed"):
            found.failures.append(f"{row['imdb_id']}: {row['sentence']}")
    size = parts.settings.movies_per_run
    for mode, ids in news.items():
        for start in range(0, len(ids), size):
            batch = ids[start : start + size]
            # The same news of the same run gives the same id, so a retried trigger starts nothing.
            digest = sha256(" ".join([run_id, mode, *batch]).encode()).hexdigest()[:12]
            found.batches.append(Batch(f"detected__{since:%Y-%m-%dT%H:%M}__{digest}", batch, mode))


# ------------------------------------------------------------------------- collection


def label(imdb_id: str, parts: Parts) -> str:
    """Name a movie for people: "Title (year)", or its id before anything is known of it."""
    row = parts.warehouse.row("movie_label", imdb_id=imdb_id)
    return row["label"] if row else imdb_id


def plan(imdb_ids: Iterable[str], mode: Mode, run_id: str, parts: Parts) -> list[str]:
    """Queue one collection a movie and return the movies, each once, in their order.

    Raises:
        BadInput: No movie at all, or an entry that is no IMDb id.
    """
    ids = list(dict.fromkeys(imdb_ids))
    wrong = [i for i in ids if not re.fullmatch(IMDB_ID_PATTERN, i)]
    if wrong or not ids:
        raise BadInput(
            f"No IMDb id (tt and 7 to 9 digits): {', '.join(wrong)[:500]}."
            if wrong
            else "No movie was asked for."
        )
    with parts.warehouse.connect() as connection:
        connection.cursor().executemany(
            wh.sql("queue_collection"),
            [{"run_id": run_id, "source": SOURCE, "imdb_id": i, "mode": mode} for i in ids],
        )
    return ids


def collect(
    imdb_id: str, mode: Mode, run_id: str, parts: Parts, progress: Progress = _silent
) -> str:
    """Read a movie's reviews into the lake and close with a manifest.

    Args:
        imdb_id: The movie.
        mode: full reads every review the site shows; incremental stops at a page of known ones.
        run_id: Whose collection this is.
        parts: Settings, warehouse and lake.
        progress: Told the reviews so far and the site's count.

    Returns:
        The manifest's URI.

    Raises:
        FilmpulseError: Only when nothing was collected, or the lake could not be written. What was
            not raised on purpose is passed on in the same way, and a time limit or an
            interruption always. `ops.collections` says why in any case.
    """
    started_at = datetime.now(UTC)
    (begun,) = parts.warehouse.rows(
        "start_collection", run_id=run_id, source=SOURCE, imdb_id=imdb_id, mode=mode
    )
    collection_id = begun["collection_id"]
    writer = None
    crawl: Crawl | None = None
    outcome: tuple[CollectionStatus, str | None, str | None]
    error: BaseException | None = None
    try:
        writer = parts.lake.begin(SOURCE, imdb_id, started_at)
        known = frozenset(
            row["review_id"]
            for row in parts.warehouse.rows("known_reviews", imdb_id=imdb_id, source=SOURCE)
            if row["is_living"]
        )
        with _PoliteSite(parts) as site:
            try:
                crawl = site.crawl(imdb_id, mode, known)
                for batch in crawl:
                    writer.append(batch)
                    parts.warehouse.rows("beat_collection", collection_id=collection_id)
                    progress(crawl.distinct_ids, crawl.review_count_end)
                outcome = crawl.status, crawl.reason, crawl.sentence
            except LayoutChanged as drift:
                _quarantine(imdb_id, crawl.last_page if crawl else site.last_page, drift, parts)
                raise
    except BaseException as raised:  # the ledger says how it ended, whatever it was
        error = raised
        outcome = _explain(raised)
    status, reason, sentence = outcome
    manifest = Manifest(
        run_id=run_id,
        source=SOURCE,
        imdb_id=imdb_id,
        mode=mode,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        status=status,
        reason=reason,
        sentence=sentence,
        parts=tuple(writer.parts) if writer else (),
        **{name: getattr(crawl, name) for name in _CRAWL_FIELDS} if crawl else {},
    )
    uri = None
    if writer is not None:
        try:
            uri = writer.close(manifest)
        except LakeUnavailable as lost:
            if error is None:  # else the first error is the one to tell
                error = lost
                told = dict(zip(("status", "reason", "sentence"), _explain(lost), strict=True))
                manifest = manifest.model_copy(update=told)
    parts.warehouse.rows(
        "finish_collection",
        collection_id=collection_id,
        manifest_uri=uri,
        **manifest.model_dump(include=_LEDGER_FIELDS),
    )
    log.log(
        logging.INFO if manifest.status == "complete" else logging.WARNING,
        "%s: %s. %s", imdb_id, manifest.status, manifest.sentence or "",
    )  # fmt: skip
    if uri is not None and (error is None or (manifest.parts and isinstance(error, Exception))):
        return uri
    raise error or LakeUnavailable(f"{imdb_id}: no manifest was written.")


# What a manifest takes over from the crawl, as the crawl names it.
_CRAWL_FIELDS = (
    "movie", "snapshot", "variant", "review_count_start", "review_count_end", "distinct_ids",
)  # fmt: skip
_LEDGER_FIELDS = {
    "status", "reason", "sentence", "started_at", "finished_at", "review_count_start",
    "review_count_end", "distinct_ids", "variant",
}  # fmt: skip


def load(manifest_uri: str, parts: Parts) -> Loaded:
    """Load one collection into the warehouse; the same one again changes nothing.

    Returns:
        What changed. One transaction: either the rows and the ledger's line, or neither.
    """
    manifest = parts.lake.read_manifest(manifest_uri)
    hashes = {
        row["review_id"]: row["content_hash"]
        for row in parts.warehouse.rows(
            "known_reviews", imdb_id=manifest.imdb_id, source=manifest.source
        )
    }
    reviews = _with_language(parts.lake.read_reviews(manifest_uri, manifest), hashes)
    with parts.warehouse.connect() as connection:
        movie = manifest.movie or Movie(imdb_id=manifest.imdb_id, title=manifest.imdb_id)
        facts_as_of = manifest.started_at if manifest.movie else datetime.min.replace(tzinfo=UTC)
        _store_facts(connection, movie, manifest.snapshot, facts_as_of)
        loaded = load_reviews(
            connection,
            source=manifest.source,
            imdb_id=manifest.imdb_id,
            collected_at=manifest.started_at,
            reviews=reviews,
            is_whole=manifest.mode == "full" and manifest.status == "complete",
        )
        connection.execute(
            wh.sql("loaded_collection"),
            manifest.model_dump(include=_LEDGER_FIELDS | {"run_id", "source", "imdb_id", "mode"})
            | loaded._asdict()
            | {"manifest_uri": manifest_uri},
        )
    log.info("%s: %s", manifest.imdb_id, loaded)
    return loaded


def _with_language(
    reviews: Iterable[Review], known_hashes: dict[str, str]
) -> Iterator[tuple[Review, str | None]]:
    """Pass each review once, with its language where the text is new to us."""
    seen: set[str] = set()
    for review in reviews:
        if review.review_id in seen:
            continue
        seen.add(review.review_id)
        is_known = known_hashes.get(review.review_id) == review.content_hash
        yield review, None if is_known else detect_language(f"{review.title}\n{review.body}")


def _store_facts(
    connection: wh.Connection, movie: Movie, snapshot: Snapshot | None, facts_as_of: datetime
) -> None:
    store_movie(connection, movie, facts_as_of)
    if snapshot is not None and snapshot.taken_at is not None:
        store_snapshot(connection, snapshot)


def _explain(error: BaseException) -> tuple[CollectionStatus, str, str]:
    """Put an error into a collection's status, reason and sentence."""
    if not isinstance(error, Exception):  # a time limit of Airflow's, Ctrl-C
        return "failed", "interrupted", f"It was interrupted: {error!r}."
    if not isinstance(error, FilmpulseError):
        return "failed", "unexpected", f"An unexpected error: {error!r}. The task's log has more."
    status: CollectionStatus
    match error:
        case Blocked() | HostPaused():
            status = "blocked"
        case LayoutChanged():
            status = "layout_changed"
        case NotFound():
            status = "not_found"
        case _:
            status = "failed"
    return status, error.reason, str(error)


def _quarantine(imdb_id: str, page: Page | None, error: LayoutChanged, parts: Parts) -> None:
    """Keep the page that could not be read, cleaned, so that somebody can look at it."""
    if page is None:
        return
    secret = parts.settings.author_secret
    cleaned = clean_page(page.html, secret.get_secret_value().encode() if secret else None)
    uri = parts.lake.quarantine(
        SOURCE, imdb_id, error.reason, cleaned, page.fetched_at or datetime.now(UTC)
    )
    log.error("%s: the page that could not be read is kept at %s", imdb_id, uri)


class _PoliteSite:
    """Opens the gate and the site together, and closes both."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._gate = HostGate(parts.warehouse, parts.settings.request_gap_seconds)

    def __enter__(self) -> ImdbSite:
        _accept_terms(self._parts)
        self._gate.__enter__()
        try:
            self._site = ImdbSite(self._parts.settings, self._gate)
            return self._site.__enter__()
        except BaseException:
            self._gate.__exit__(None, None, None)
            raise

    def __exit__(self, *exc: Any) -> None:
        try:
            self._site.__exit__(*exc)
        finally:
            self._gate.__exit__(*exc)


def _accept_terms(parts: Parts) -> None:
    """Show IMDb's clause once, when its own address is first used, and record the acceptance."""
    host = urlsplit(parts.settings.imdb_url or "").hostname or ""
    if host != "imdb.com" and not host.endswith(".imdb.com"):
        return
    if parts.warehouse.rows("accept_terms", host=host, clause=IMDB_CLAUSE):
        log.warning(
            "Live reading of %s is on (FILMPULSE_IMDB_URL). IMDb's conditions of use say: "
            '"%s" The acceptance is recorded in ops.source_terms.', host, IMDB_CLAUSE
        )  # fmt: skip


def search(query: str, parts: Parts) -> list[SearchHit]:
    """Ask the source which titles it suggests for what a person typed, best first."""
    with _PoliteSite(parts) as site:
        return site.search(query)


# --------------------------------------------------------------------------- analysis


class Analysed(NamedTuple):
    """How many texts an analysis took up, and how many got a score."""

    texts: int
    scored: int


def analyse(
    imdb_id: str,
    parts: Parts,
    analyser: Analyser | None = None,
    progress: Progress = _silent,
) -> Analysed:
    """Score every current text of a movie that the analyser has not finished with.

    Each answer is committed in small steps as it arrives, so a crash loses none that was stored,
    and a second call takes up only the rest.
    """
    analyser = analyser or make_analyser("lexicon")
    (registered,) = parts.warehouse.rows(
        "register_analyser",
        kind=analyser.kind,
        model=analyser.model,
        prompt_version=analyser.prompt_version,
        parameters=Jsonb(analyser.parameters),
    )
    analyser_id = registered["analyser_id"]
    texts = [
        ReviewText(
            text=analysed_text(row.pop("title"), row.pop("body")),
            **row,
        )
        for row in parts.warehouse.rows("unscored_texts", imdb_id=imdb_id, analyser_id=analyser_id)
    ]
    scored = 0
    with parts.warehouse.connect(autocommit=True) as connection:
        for done, analysis in enumerate(analyser.analyse(texts), start=1):
            with connection.transaction():
                _store_analysis(connection, analysis, analyser_id)
            scored += analysis.status == "scored"
            progress(done, len(texts))
        connection.execute(
            wh.sql("switch_analyser"), {"imdb_id": imdb_id, "analyser_id": analyser_id}
        )
    log.info("%s: %d of %d texts scored by %s", imdb_id, scored, len(texts), analyser.kind)
    return Analysed(len(texts), scored)


def _store_analysis(connection: wh.Connection, analysis: Analysis, analyser_id: int) -> None:
    key = analysis.model_dump(exclude={"aspects"}) | {"analyser_id": analyser_id}
    connection.execute(wh.sql("store_analyses"), key)
    if analysis.aspects:
        connection.cursor().executemany(
            wh.sql("store_aspect_scores"), [key | s.model_dump() for s in analysis.aspects]
        )


# ---------------------------------------------------------------------------- closing


class RunSummary(NamedTuple):
    """How a run went: a line a movie, what to warn of, what failed, how many rows changed."""

    lines: list[str]
    warnings: list[str]
    failures: list[str]
    changed_rows: int


def review_run(run_id: str, parts: Parts) -> RunSummary:
    """Tell how each movie of a run went, in the order of their ids."""
    found = RunSummary([], [], [], 0)
    for c in parts.warehouse.rows("run_collections", run_id=run_id):
        name = f"{c['imdb_id']} {c['title']}"
        shown = c["distinct_ids"] or 0
        count = f"{shown:,} of {c['review_count_end']:,}" if c["review_count_end"] else f"{shown:,}"
        line = f"{name}: {c['status']}, {count} reviews read"
        if c["loaded_at"]:
            line += (
                f"; {c['inserted_rows']} new, {c['revised_rows']} edited, "
                f"{c['removed_rows']} removed"
            )
            changed = c["inserted_rows"] + c["updated_rows"] + c["removed_rows"]
            found = found._replace(changed_rows=found.changed_rows + changed)
        found.lines.append(line)
        why = c["sentence"] or "It did not finish; the log of its last task says why."
        if c["status"] not in GREEN:
            found.failures.append(f"{name}: {c['status']}. {why}")
        elif not c["loaded_at"]:
            found.failures.append(f"{name}: read but not loaded; the log of `load` says why.")
        elif c["unscored"]:
            found.failures.append(
                f"{name}: {c['unscored']:,} reviews have no score; the log of `analyse` says why."
            )
        elif c["status"] == "gated":
            found.warnings.append(f"{name}: {why}")
    return found


def summarise(run_id: str, parts: Parts) -> RunSummary:
    """Say how each movie of a run went.

    Raises:
        CollectionFailed: A movie ended as neither complete nor gated, was not loaded or not
            scored, or there is none; the message names each such movie and why.
    """
    found = review_run(run_id, parts)
    for line in found.lines:
        log.info(line)
    for warning in found.warnings:
        log.warning(warning)
    if not found.lines:
        raise CollectionFailed("No movie was planned; the log of `plan` says why.")
    if found.failures:
        raise CollectionFailed(
            f"{len(found.failures)} of {len(found.lines)} movies did not end well:\n"
            + "\n".join(found.failures)
        )
    return found


# ---------------------------------------------------------------------------- reading


def summary(imdb_id: str, parts: Parts) -> MovieSummary:
    """Read how a movie is received from the marts.

    Raises:
        BadInput: The movie was never looked at.
    """
    return read_summary(imdb_id, parts.warehouse)
