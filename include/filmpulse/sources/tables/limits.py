"""Limits on memory and time for the reading of one file.

Each limit has room for any table of reviews. `Reading` also limits the processor's time, since some
files are small in every respect and slow all the same.
"""

from __future__ import annotations

import time

from filmpulse.errors import BadInput

BLOCK = 1 << 20
"""Bytes, or characters of a text, in one read."""

MAX_UNPACKED_BYTES = 2_000_000_000
"""Of what a `.gz` or a workbook holds, unpacked: a small file can hold more than any disk."""
MAX_COLUMNS = 16_384
"""Columns of a sheet in Excel ("Excel specifications and limits"), and of every other table."""
MAX_ROWS = 1_048_576
"""Rows of a sheet in Excel (the same page), and the most empty rows of any table."""
MAX_FIELD_CHARACTERS = 1_000_000
"""Of one cell: ten times the longest review (`values.MAX_CHARACTERS`)."""
MAX_RECORD_CHARACTERS = 2_000_000
"""Of one line, one row, or one element of a JSON array: two cells of the longest kind."""
MAX_BROKEN_ROWS = 100_000
"""Rows that cannot be divided into cells; with more of them the map is of another file."""

CHUNK_ROWS = 1_000
CHUNK_CELLS = 100_000
CHUNK_CHARACTERS = 4_000_000
"""A chunk ends with the row that reaches one of these, which limits its memory."""

SECONDS = 6.0
"""For a file of up to 1 MB: twice what 1 MB of short reviews takes. With the start of the program
it is less than 10 seconds."""
SECONDS_PER_MB = 5.0
"""More for each further MB: twice what a workbook takes, the slowest table of reviews."""


class Reading:
    """The reading of one file: its name, for messages, and what it may take."""

    def __init__(self, name: str, size: int, most_unpacked: int | None = None) -> None:
        """Start the clock.

        Args:
            name: The file's.
            size: Its bytes as it came (packed if it is packed).
            most_unpacked: The most bytes that it may hold unpacked; `MAX_UNPACKED_BYTES` if None.
        """
        self.name = name
        self.most_unpacked = MAX_UNPACKED_BYTES if most_unpacked is None else most_unpacked
        self._seconds = SECONDS + SECONDS_PER_MB * max(0.0, size / 1e6 - 1)
        self._started = time.thread_time()

    def check_time(self) -> None:
        """Raise `BadInput` if the time of the processor for this thread is over.

        So a busy machine refuses the same files as an idle one.
        """
        if time.thread_time() - self._started > self._seconds:
            raise BadInput(
                f"{self.name} takes longer to read than a file of its size may, which is "
                f"{self._seconds:.0f} seconds of the processor: remove empty rows and columns, or "
                "divide it into smaller files."
            )
