"""Copy the lake to another place."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import NamedTuple

from filmpulse.backup.store import account
from filmpulse.errors import BadInput
from filmpulse.jobs.context import Context, Progress, s3_options, silent
from filmpulse.lake import MANIFEST, Lake


class Copied(NamedTuple):
    """How the copy went.

    Attributes:
        objects: Copied now.
        bytes: Of these.
        there: Objects that the copy had already.
        deleted: Objects of the copy that the lake no longer has, and that were deleted.
        left: The same, but left.
        problems: A sentence for each object that was not copied, since it is damaged here.
    """

    objects: int = 0
    bytes: int = 0
    there: int = 0
    deleted: int = 0
    left: int = 0
    problems: tuple[str, ...] = ()


def copy_lake(
    context: Context,
    elsewhere: str,
    *,
    is_return: bool = False,
    is_pruning: bool = False,
    progress: Progress = silent,
) -> Copied:
    """Copy what another place does not have, or has in another size or from before a change.

    It can be broken off and repeated. Manifests are copied last, so the copy shows no collection
    whose reviews are not there. A gzip or JSON object that is damaged never replaces another.
    Objects that the lake no longer has (erased, past their time, or lost) stay there unless
    `is_pruning`.

    Args:
        context: Its lake is the one to copy.
        elsewhere: Any fsspec URI; for S3 the account is that of the backups.
        is_return: Copy from there into the lake.
        is_pruning: Whether to delete there what is no longer here.
        progress: Told the objects looked at, and all of them.

    Raises:
        BadInput: `elsewhere` is the lake itself or in it, or what is to be copied holds nothing.
        LakeUnavailable: One of the places did not answer.
    """
    is_on_s3 = elsewhere.startswith("s3://")
    options = s3_options(account(context.settings, elsewhere)) if is_on_s3 else {}
    other = Lake(elsewhere, options)
    if context.lake.holds(other) or other.holds(context.lake):
        raise BadInput(
            f"{elsewhere} is the lake itself, or one lies in the other: name another place."
        )
    here, there = (other, context.lake) if is_return else (context.lake, other)
    ours, theirs = here.listing(), there.listing()
    if not ours and (is_return or is_pruning):
        raise BadInput(f"{here} holds nothing, so nothing was copied and nothing deleted.")
    copied, problems = Copied(), list[str]()
    for done, name in enumerate(sorted(ours, key=_manifests_last), start=1):
        known, mine = theirs.get(name), ours[name]
        # S3 tells whole seconds, so what was copied within the second may be copied once more.
        if known and known.size == mine.size and known.written_at >= mine.written_at:
            copied = copied._replace(there=copied.there + 1)
        else:
            content = here.read(name)
            if known and (why := _damage(name, content)):
                problems.append(f"{name} was not copied, since it is damaged here: {why}.")
            else:
                there.write(name, content)
                copied = copied._replace(
                    objects=copied.objects + 1, bytes=copied.bytes + len(content)
                )
        progress(done, len(ours))
    gone = sorted(theirs.keys() - ours.keys(), key=_manifests_last, reverse=True)
    for name in gone if is_pruning else ():
        there.delete(name)
    deleted = len(gone) if is_pruning else 0
    return copied._replace(deleted=deleted, left=len(gone) - deleted, problems=tuple(problems))


def _manifests_last(name: str) -> tuple[bool, str]:
    return name.endswith(f"/{MANIFEST}"), name


def _damage(name: str, content: bytes) -> str:
    """Say what is wrong with an object; empty if nothing is."""
    try:
        if name.endswith(".gz"):
            gzip.decompress(content)
        elif name.endswith(".json"):
            json.loads(content)
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        return str(error) or type(error).__name__
    return "it is empty" if not content else ""
