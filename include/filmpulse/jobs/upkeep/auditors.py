"""The people who label reviews: their names, and taking their labels out for good.

Of an auditor who was forgotten a note stays as of other erasures (`erase`), with a hash in place of
the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from unicodedata import normalize

from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import author_key
from filmpulse.warehouse import audits as wh
from filmpulse.warehouse.statement import Where

LONGEST_NAME = 80
"""Characters of an auditor's name, as the table allows."""


def read_auditor(typed: str) -> str:
    """Return an auditor's name as a person typed it, without spaces around.

    Raises:
        BadInput: It is empty, too long, or not to be printed.
    """
    name = typed.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(f"The auditor's name has 1 to {LONGEST_NAME} characters, on one line.")
    return name


def known_as(where: Where, name: str) -> list[str]:
    """Return the names in the warehouse that are this one but for case, the first spelling first.

    There is one at most, unless somebody wrote rows by hand.
    """
    return [each for each in wh.auditors(where) if _folded(each) == _folded(name)]


def keys_of(name: str, settings: Settings) -> list[str]:
    """Return the hashes under which an auditor may be noted; the first is for a new note.

    Keyed as an author's is where FILMPULSE_AUTHOR_SECRET is set, then the plain hash, of a time
    when there was no secret.
    """
    folded, secret = _folded(name), settings.author_key_secret
    keyed = [] if secret is None else [author_key("auditor", folded, secret)]
    return [*keyed, sha256(folded.encode()).hexdigest()]


def drop_auditors(where: Where, names: Iterable[str], until: datetime) -> wh.LabelsGone:
    """Delete what people of these names labelled until a moment (UTC)."""
    return wh.forget_auditors.one(where, auditors=list(names), until=until)


def drop_noted(where: Where, noted: Mapping[str, datetime], settings: Settings) -> int:
    """Delete the labels of auditors who were forgotten, by hash and when; return how many rows."""
    rows = 0
    for name in wh.auditors(where) if noted else ():
        if times := [noted[key] for key in keys_of(name, settings) if key in noted]:
            rows += sum(drop_auditors(where, [name], max(times)))
    return rows


def _folded(name: str) -> str:
    """Return what makes a name the same: neither case, nor how a letter's accent is encoded."""
    return normalize("NFC", normalize("NFC", name).casefold())
