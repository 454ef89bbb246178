r"""Invented rows of all seven datasets, many of them hostile; and how to read a table back.

`expected` splits text at tabs and line feeds alone; it quotes, strips and escapes nothing, and only
`\N` is null. (The csv module with QUOTE_NONE reads the same, but for carriage returns.)
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from filmpulse.sources.datasets import DATASETS

HOSTILE = [
    "NULL", "null", "NA", "N/A", "#N/A", "None", "nan", "NaN", "-1", "1e5", "TRUE", "t", "0",
    '"', '""', '"""', '"Quinces', 'Quin"ces', '"Quinces"', "'", "O'Ferry", "\\", "\\.", "\\N and",
    "\\n", "\\t", "\\x41", "\\\\", "C:\\new\\table", "\\N\\N", "N", "  outer spaces  ", " ", "",
    ",", ";", "|", "a,b;c|d", "--", "; DROP TABLE titles", "$$", "%s %d {x}", "<b>bold</b>",
    "e\u0301 and \u00e9", "\uff26\uff55\uff4c\uff4c", "\ufb01n", "\u0130stanbul \u0131", "\u00df",
    "\u591c\u306e\u56f3\u66f8\u9928", "\ud55c\uae00", "\u0627\u0644\u0646\u0647\u0631",
    "\u05e0\u05d4\u05e8", "\u0928\u0926\u0940", "\u0e41\u0e21\u0e48\u0e19\u0e49\u0e33",
    "\u0420\u0435\u043a\u0430", "\u03a0\u03bf\u03c4\u03ac\u03bc\u03b9", "\U0001f3ac",
    "\U0001f469\u200d\U0001f680", "\u202eback\u202c", "a\u00a0b", "\u2028", "\u0085", "\x0b",
    "\x0c", "\x02", "\x1c\x1d\x1e", "\x7f", "\ufeffmark", "\ufffd",
    "a\rb", "\r", "\r\r", "end\r", "\r\\N", '"\r"',
    "Quince " * 143, "\u591c" * 1_000,
]  # fmt: skip
"""Titles and names that one reader or another takes for something else."""


def hostile_rows() -> dict[str, str]:
    """Return rows of all datasets in which each hostile text stands wherever a text may stand."""
    basics, ratings, crew, akas, principals, names = [], [], [], [], [], []
    for number, text in enumerate(HOSTILE):
        title, person = f"tt99{number:07}", f"nm99{number:07}"
        cell = text or "\\N"  # the datasets hold no empty text, but one is tried below
        basics.append([title, "movie", text, text, number % 2, "-0050", "\\N", "51420", cell])
        ratings.append([title, f"{number % 10}.{number % 7}", number])
        crew.append([title, person, f"{person},nm990000001"])
        akas.append([title, 1, text, "NA", "\\N", "dvd\x02imdbDisplay", cell, 0])
        akas.append([title, 2, "\\N", "\\N", "\\N", "\\N", "\\N", 1])
        principals.append([title, 1, person, "actor", text, '["Dr. \\"Bones\\"","\\\\"]'])
        principals.append([title, 2, person, "self", "\\N", text])
        names.append([person, text, "-50", "\\N", cell, title])
    basics.append(["tt9910000000", "tvEpisode", "\\N", "\\N", "1", "\\N", "\\N", "\\N", "\\N"])
    ratings.append(["tt9910000000", "10.0", 2147483647])
    episode = [["tt9910000000", "tt990000000", "\\N", 7]]
    tables = {
        "title.basics": basics, "title.ratings": ratings, "title.crew": crew, "title.akas": akas,
        "title.principals": principals, "name.basics": names, "title.episode": episode,
    }  # fmt: skip
    return {name: lines(rows) for name, rows in tables.items()}


def lines(rows: Sequence[Sequence[object]]) -> str:
    """Return rows as the datasets write them."""
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def expected(dataset: str, text: str) -> list[tuple[str | None, ...]]:
    """Return the rows of a file's text as the table must hold them, sorted."""
    header = DATASETS[dataset].header
    rows = [
        tuple(
            None if cell == "\\N" else _written(column, cell)
            for column, cell in zip(header, row, strict=True)
        )
        for row in (line.split("\t") for line in text.split("\n")[:-1])
    ]
    return sorted(rows, key=repr)


def _written(column: str, cell: str) -> str:
    """Return a number as Postgres writes it; a text as it is."""
    if column in ("isAdult", "isOriginalTitle"):
        return {"0": "false", "1": "true"}[cell]
    if column.endswith(("Year", "Minutes", "Votes", "Number")) or column == "ordering":
        return str(int(cell))
    return cell


def stored(url: str, dataset: str) -> list[tuple[str | None, ...]]:
    """Return the rows that readers see of a dataset, each value as its bytes say, sorted."""
    table = psycopg.sql.Identifier("catalogue", DATASETS[dataset].table)
    with psycopg.connect(url) as connection:
        cursor = connection.execute(psycopg.sql.SQL("SELECT * FROM {} LIMIT 0").format(table))
        columns = psycopg.sql.SQL(", ").join(
            psycopg.sql.SQL("convert_to({}::text, 'UTF8')").format(psycopg.sql.Identifier(c.name))
            for c in cursor.description or ()
        )
        rows = connection.execute(psycopg.sql.SQL("SELECT {} FROM {}").format(columns, table))
        read = [tuple(v if v is None else v.decode() for v in row) for row in rows.fetchall()]
    return sorted(read, key=repr)
