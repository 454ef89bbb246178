"""How much of a file is read at most, so that no file can fill the memory or work without end.

Each limit has room for any table of reviews. They hold for one reading: `Reading` also counts the
processor's time, since every limit on sizes leaves some slow file.
"""

from __future__ import annotations

import time

from filmpulse.errors import BadInput

BLOCK = 1 << 20
"""Bytes, or characters of a text, that are read at once."""

MAX_UNPACKED_BYTES = 2_000_000_000
"""Of what a `.gz` or a workbook holds, unpacked: a small file can hold more than any disk."""
MAX_COLUMNS = 16_384
"""Columns of a sheet in Excel ("Excel specifications and limits"), and of every other table."""
MAX_ROWS = 1_048_576
"""Rows of a sheet in Excel (the same page). So many empty rows are passed over in any table."""
MAX_FIELD_CHARACTERS = 1_000_000
"""Of one cell: ten times the longest review (`values.MAX_CHARACTERS`)."""
MAX_RECORD_CHARACTERS = 2_000_000
"""Of one line, one row, or one element of a JSON array: two cells of the longest kind."""
MAX_BROKEN_ROWS = 100_000
"""Rows that cannot be taken apart; with more of them, the map is that of another file."""

CHUNK_ROWS = 1_000
CHUNK_CELLS = 100_000
CHUNK_CHARACTERS = 4_000_000
"""A chunk ends with the row that reaches one of these; they were chosen for the memory it takes."""

SECONDS = 6.0
"""For a file of up to 1 MB: twice what 1 MB of short reviews takes. With the start of the program
it is less than 10 seconds."""
SECONDS_PER_MB = 5.0
"""More for each further MB: twice what a workbook takes, the slowest table of reviews."""


class Reading:
    """The reading of one file: its name, for messages, and the time that it may take."""

    def __init__(self, name: str, size: int) -> None:
        """Start the clock.

        Args:
            name: The file's name.
            size: Its bytes as it came, so packed where it is packed.
        """
        self.name = name
        self._seconds = SECONDS + SECONDS_PER_MB * max(0.0, size / 1e6 - 1)
        self._started = time.thread_time()

    def check_time(self) -> None:
        """Refuse to go on when the time is over.

        The time is the processor's, for this thread: a busy machine refuses no other files.

        Raises:
            BadInput: The time is over.
        """
        if time.thread_time() - self._started > self._seconds:
            raise BadInput(
                f"{self.name} takes longer to read than a file of its size may, which is "
                f"{self._seconds:.0f} seconds of the processor: remove empty rows and columns, or "
                "divide it into smaller files."
            )
