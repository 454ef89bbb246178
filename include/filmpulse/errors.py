"""Everything that can go wrong, in one tree.

A caller decides by the branch, never by the message::

    FilmpulseError
    ├── Retryable                 a later try may succeed
    │   ├── SiteUnavailable       reset, timeout, 5xx, half a page
    │   │   ├── HostBusy          others asked it for longer than the caller waits
    │   │   └── BrowserUnavailable  no browser starts, or it was lost; the site is not at fault
    │   ├── LakeUnavailable       the object store did not answer
    │   │   └── ObjectMissing     the store answered: an object that should be there is not
    │   ├── WarehouseUnavailable  Postgres did not answer
    │   ├── AirflowUnavailable    Airflow's own database did not answer
    │   ├── BackupUnavailable     the place of backups did not answer, or another backup runs
    │   ├── CatalogueBusy         another run loads the catalogue, or readers leave it no moment
    │   └── LlmUnavailable        the model's endpoint is down, overloaded, or asks for a long wait
    └── Final                     a new try cannot help
        ├── BadInput              a malformed id, file or setting
        │   └── LakeDamaged       an object of the lake holds what cannot be read
        ├── BackupRefused         the place of backups refuses keys, bucket or request
        ├── BackupDamaged         a backup is not what its manifest says
        ├── CatalogueRefused      what was downloaded, or is to be loaded, cannot be used
        ├── ForeignPage           a file that holds no page of the source
        ├── NotCleaned            it may still tell of people: nothing of its content may be stored
        ├── NotFound              the site knows no such movie
        ├── Blocked               challenge, captcha, 403, 429, robots.txt: final for this run
        ├── HostPaused            a block before this one holds until `until`: final for this run
        ├── LayoutChanged         reviews were announced and none could be read
        ├── LlmRefused            the endpoint refuses key, model or account, or answers uselessly
        └── CollectionFailed      a run's closing verdict, naming each movie and why

Every leaf carries `reason`, a short stable word that is stored in `ops.collections.reason`.
"""

from __future__ import annotations

from datetime import datetime

EXIT_LAYOUT_CHANGED, EXIT_BLOCKED, EXIT_FOREIGN_PAGE, EXIT_GATED = 3, 4, 5, 6
"""Exit codes of a command that reads a page, if the page is at fault."""


class FilmpulseError(Exception):
    """The root of all errors that Filmpulse raises on purpose."""

    reason = "failed"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        """Keep the sentence and the reason.

        The message says what happened, to which movie, and what to do; people see it as it is. The
        reason is a short stable word, that of the class when not given.
        """
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class Retryable(FilmpulseError):
    """A later try may succeed."""


class Final(FilmpulseError):
    """A new try cannot help."""


class SiteUnavailable(Retryable):
    """The site did not give a whole page: reset, timeout, 5xx, broken_page."""

    reason = "unavailable"


class HostBusy(SiteUnavailable):
    """Other workers kept a host busy for longer than the caller waits for its turn."""

    reason = "timeout"


class BrowserUnavailable(SiteUnavailable):
    """No browser could be had, or it was lost: the site was not asked, or its answer not read.

    `reason` is browser (it does not start, or was lost), grid_busy (no slot of the Selenium Grid
    became free in time) or grid_unavailable (the Grid does not answer).
    """

    reason = "browser"


class LakeUnavailable(Retryable):
    """The lake could not be read or written."""

    reason = "lake_unavailable"


class ObjectMissing(LakeUnavailable):
    """The store answered that it has no such object; it may be put back, or be late."""

    reason = "missing"


class WarehouseUnavailable(Retryable):
    """Postgres could not be reached, or went away in mid-statement."""

    reason = "warehouse_unavailable"


class AirflowUnavailable(Retryable):
    """Airflow's own database could not be reached."""

    reason = "airflow_unavailable"


class BackupUnavailable(Retryable):
    """The place of backups did not answer, or (`busy`) another backup is under way."""

    reason = "backup_unavailable"


class CatalogueBusy(Retryable):
    """Another task works on the catalogue, or its readers left no moment for the swap."""

    reason = "busy"


class LlmUnavailable(Retryable):
    """The model's endpoint gave no answer after all tries, or asked for a wait of minutes."""

    reason = "llm_unavailable"


class BadInput(Final):
    """A person gave something that cannot be used; the message names it."""

    reason = "bad_input"


class LakeDamaged(BadInput):
    """An object of the lake holds what cannot be read."""

    reason = "damaged"


class BackupRefused(Final):
    """The place of backups refuses.

    `reason` is keys_refused, expired, region, forbidden or no_bucket.
    """

    reason = "forbidden"


class BackupDamaged(Final):
    """A backup is not what its manifest says, or its manifest cannot be read."""

    reason = "damaged"


class CatalogueRefused(Final):
    """The catalogue is not loaded, and the one that readers see stays.

    `reason` is not_accepted (nobody accepted the terms), disk_full, taken_over (another run began),
    incomplete (a dataset is missing), fewer_rows, bad_row, or what the file is refused for:
    header_changed, broken_file, dataset_missing.
    """

    reason = "incomplete"


class ForeignPage(Final):
    """The file holds no page of the source: another site's, another kind of file, or damaged.

    The stored word is from the time when IMDb was the only source.
    """

    reason = "not_imdb"


class NotCleaned(Final):
    """A page or file may still tell of reviewers or of its visitor: its content may not be stored.

    The message never quotes the content.
    """

    reason = "not_cleaned"


class NotFound(Final):
    """The site knows no such movie (404)."""

    reason = "not_found"


class Blocked(Final):
    """The site refuses: `reason` is challenge, captcha, forbidden, rate_limited or robots.

    `retry_after` is the site's Retry-After in seconds, if it gave one.
    """

    reason = "forbidden"

    def __init__(
        self, message: str, *, reason: str | None = None, retry_after: float | None = None
    ) -> None:
        """Keep the site's Retry-After beside the sentence."""
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class HostPaused(Final):
    """An earlier block holds: no request may go to this host before `until` (UTC)."""

    reason = "paused"

    def __init__(self, message: str, *, until: datetime, reason: str | None = None) -> None:
        """Keep the end of the pause beside the sentence."""
        super().__init__(message, reason=reason)
        self.until = until


class LayoutChanged(Final):
    """The page announces reviews or a movie, and the known places hold none."""

    reason = "layout_changed"


class LlmRefused(Final):
    """The model's endpoint refuses key, model or account, or no request to it can be of use.

    `reason` is key_refused, model_refused, quota_exhausted, rejected (every request is),
    unsafe_certificate, not_an_api (a web page answers) or unusable_answers.
    """

    reason = "key_refused"


class CollectionFailed(Final):
    """At least one movie of a run did not end well; the message names each and why."""

    reason = "collection_failed"
