"""Clean again what earlier versions kept, once for each version of the rules.

Earlier versions cleaned less, and kept tables that could not be imported as they came. An object
that cannot be cleaned is deleted; its name, its hash and the reason stay (docs/adr/0016).
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from filmpulse.errors import BadInput, FilmpulseError, NotCleaned, ObjectMissing
from filmpulse.jobs.context import Context
from filmpulse.jobs.inbox import store
from filmpulse.jobs.upkeep.find_kept import files, is_table_among, together
from filmpulse.sources import cleaning_rules, reader_of
from filmpulse.sources.archives import is_archive
from filmpulse.sources.saved import unwrap

log = logging.getLogger(__name__)

MARKER = "cleaned.json"
"""The object that says by which rules all kept pages and files were cleaned."""


class Recleaned(NamedTuple):
    """How many kept objects were written anew, cleaned, and how many were deleted instead."""

    cleaned: int = 0
    not_cleaned: int = 0


def clean_kept(context: Context) -> Recleaned:
    """Clean what `quarantine/`, `inbox/done/` and `inbox/failed/` hold, once for these rules.

    An object that is clean already is not written. If this breaks off, the next call does the rest,
    since the rules are noted in `MARKER` last. Reads every kept page and file, one at a time.

    Raises:
        LakeUnavailable: The lake did not answer; what was done stays done.
    """
    if _last_rules(context) >= cleaning_rules():
        return Recleaned()
    cleaned = not_cleaned = 0
    for name, is_table in _kept(context):
        content = context.lake.read(name)
        try:
            made = _cleaned(name, content, context, is_table=is_table)
        except FilmpulseError as error:
            _keep_reason(name, content, error, context)
            for ending in ("", *store.MAPS):
                context.lake.delete(name + ending)
            log.warning("%s was deleted: it could not be cleaned.", name)
            not_cleaned += 1
        else:
            if made != content:
                context.lake.write(name, made)
                cleaned += 1
    told = {"rules": cleaning_rules(), "looked_through_at": datetime.now(UTC).isoformat()}
    context.lake.write(MARKER, json.dumps(told).encode())
    return Recleaned(cleaned, not_cleaned)


def _last_rules(context: Context) -> int:
    """Return the version of the rules by which all was cleaned last; 0 for never."""
    try:
        return int(json.loads(context.lake.read(MARKER))["rules"])
    except (ObjectMissing, ValueError, TypeError, KeyError):  # none, or not ours
        return 0


def _kept(context: Context) -> Iterator[tuple[str, bool]]:
    """Yield kept pages and files, and whether each holds rows of a table; no notes and reasons."""
    for name in context.lake.names("quarantine"):
        if not name.endswith(store.REASON):
            yield name, False
    for folder in (store.DONE, store.FAILED):
        names = frozenset(context.lake.names(folder))
        for file in files(names):
            objects = together(file, names)
            if file in objects:
                yield file, is_table_among(file, objects)
            if (rejects := file + store.REJECTS) in objects:
                yield rejects, True


def _cleaned(name: str, content: bytes, context: Context, *, is_table: bool) -> bytes:
    """Return an object cleaned, the same bytes if it was clean; raise if it cannot be cleaned."""
    if is_table:
        raise NotCleaned("A table may name people in any of its columns.")
    if is_archive(content):
        return _cleaned_archive(name, content, context)
    if not name.endswith(".gz"):
        return _cleaned_page(content, context)
    try:
        page = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise NotCleaned("It is damaged.") from None
    made = _cleaned_page(page, context)
    return content if made == page else gzip.compress(made)


def _cleaned_page(content: bytes, context: Context) -> bytes:
    text = unwrap(content).text
    return reader_of(text).clean(text, context.settings.author_key_secret).encode()


def _cleaned_archive(name: str, content: bytes, context: Context) -> bytes:
    """Clean the pages of a ZIP, and leave out those that cannot be cleaned."""
    members = {member.name: member.content for member in store.unpack(name, content, None)}
    pages: dict[str, bytes] = {}
    for member_name, page in members.items():
        with suppress(FilmpulseError):
            pages[member_name] = _cleaned_page(page, context)
    if not pages:
        raise NotCleaned("Nothing in the ZIP can be cleaned.")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if pages == members and archive.namelist() == [*pages]:
            return content
    made_anew = io.BytesIO()
    with zipfile.ZipFile(made_anew, "w", zipfile.ZIP_DEFLATED) as archive:
        for member_name, page in pages.items():
            archive.writestr(member_name, page)
    return made_anew.getvalue()


def _keep_reason(name: str, content: bytes, error: FilmpulseError, context: Context) -> None:
    """Write down why an object is deleted, with its name and its hash."""
    digest = sha256(content).hexdigest()
    why = f"What was kept of it was deleted: {error}"
    if name.startswith("quarantine/"):
        text = f"{why}\n\nsha256: {digest}\nreason: {error.reason}\n"
        context.lake.write(name.removesuffix(".html.gz") + store.REASON, text.encode())
        return
    file = files(frozenset({name}))[0]
    short = file.removeprefix(f"{store.DONE}/").removeprefix(f"{store.FAILED}/")
    said = store.read_reason(short, context)
    if said is None:
        sentence, reason = why, error.reason
    else:  # the reason why it was not imported still holds
        sentence, reason = f"{said.sentence.removesuffix(why).strip()} {why}", said.reason
    note = store.read_note(file, context)
    given_name = None if isinstance(note, BadInput) else note.original_name
    original = given_name or file.rpartition("/")[2]
    store.write_reason(short, sentence, reason, original, digest, context)
