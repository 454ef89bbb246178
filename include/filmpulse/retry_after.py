"""The header Retry-After (RFC 9110, 10.2.3), of a review site or of a model's endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WISH = 30 * 86_400.0
"""Seconds, 30 days: a longer wish is a mistake of the site, and is cut to this."""


def retry_after(headers: Mapping[str, str], answered_at: datetime | None) -> float | None:
    """Read for how many seconds the site wants no further request.

    Args:
        headers: Of the answer, names in lower case.
        answered_at: When it came (UTC), for a header that names a date; None: now.

    Returns:
        0 to 30 days, in seconds; None where the header is missing or cannot be read.
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        seconds = float(said)
    else:
        try:
            date = parsedate_to_datetime(said)
        except ValueError:
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - (answered_at or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WISH)
