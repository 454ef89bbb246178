"""Which backups stay, and what else lies in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from filmpulse.backup.manifest import MANIFEST, begun_at, complete, folders, is_ours
from filmpulse.backup.store import Store
from filmpulse.config import Settings
from filmpulse.errors import BackupRefused, BackupUnavailable

LEFTOVER_AFTER = timedelta(days=1)
"""No backup takes as long, so one without a manifest by then never ended."""


class Kept(NamedTuple):
    """What was deleted: backups, folders of backups that never ended, uploads that never did.

    `problems` has a sentence for each thing that could not be deleted.
    """

    backups: int = 0
    leftovers: int = 0
    uploads: int = 0
    problems: tuple[str, ...] = ()


def worth_keeping(backup_ids: Iterable[str], settings: Settings) -> set[str]:
    """Choose among complete backups: the newest, and the last of each of some days and months.

    A day without a backup does not count, so that old ones stay when none was made for a while.
    """
    newest_first = sorted(backup_ids, reverse=True)
    days: dict[str, str] = {}
    months: dict[str, str] = {}
    for one in newest_first:
        days.setdefault(one[:8], one)
        months.setdefault(one[:6], one)
    return {
        *newest_first[: settings.backup_keep],
        *list(days.values())[: settings.backup_daily],
        *list(months.values())[: settings.backup_monthly],
    }


def delete_old(store: Store, verified_id: str, settings: Settings, now: datetime) -> Kept:
    """Delete backups that are not worth keeping, and what never ended, since a new one is verified.

    Never raises for the store: what could not be deleted is told, and tried again next time.
    """
    problems, found = list[str](), dict[str, list[str]]()
    with _told(problems, "Old backups could not be listed"):
        found = folders(store)
    whole = {one for one, names in found.items() if f"{one}/{MANIFEST}" in names}
    stay = worth_keeping(whole, settings) | {verified_id}
    old = whole - stay
    leftovers = {one for one in found.keys() - whole if now - begun_at(one) > LEFTOVER_AFTER}
    gone = set[str]()
    for one in sorted(old | leftovers):
        with _told(problems, f"The old backup {one} could not be deleted"):
            _delete(store, one, found[one])
            gone.add(one)
    uploads = 0
    with _told(problems, "Uploads that never ended could not be given up"):
        uploads = store.end_uploads(now - LEFTOVER_AFTER, is_ours)
    return Kept(len(gone & old), len(gone & leftovers), uploads, tuple(problems))


@contextmanager
def _told(problems: list[str], what: str) -> Iterator[None]:
    try:
        yield
    except (BackupRefused, BackupUnavailable) as error:
        problems.append(f"{what}: {error}")


def _delete(store: Store, backup_id: str, names: Sequence[str]) -> None:
    """Delete the objects of one backup, its manifest first: then it is none."""
    for name in sorted(names, key=lambda each: not each.endswith(f"/{MANIFEST}")):
        store.delete(name)


def newest(store: Store) -> str | None:
    """Return the id of the newest complete backup; None if there is none."""
    return max(complete(store), default=None)
