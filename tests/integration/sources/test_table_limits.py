"""Small files that unfold, and large ones without end: refused or read within memory and time.

The files are made here. One process starts `filmpulse` once and forks for each file, so each has a
peak and a time of its own; the time is the processor's, so a busy machine changes little. A file
that only the limit of time refuses has less time here; the drill gives the file all of it.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from filmpulse.sources.tables import limits

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB"),
    pytest.mark.slow,
    pytest.mark.timeout(1_500),
]

MOST_MB = 300  # of the whole process, the program itself included
MOST_SECONDS = 10.0  # of the processor, for a file of up to 1 MB
START_SECONDS = 2.5  # of these, what the program itself may take before it reads
LESS_SECONDS = 1.5  # in place of `limits.SECONDS`
HEARD_SECONDS = 1.5  # after Ctrl-C

DRIVER = """
import json, os, signal, sys, time
import psutil
from filmpulse.cli import main
from filmpulse.sources.tables import limits

def run(arguments):
    sys.argv = ["filmpulse", *arguments]
    try:
        main()
    except SystemExit as done:
        return done.code or 0
    return 0

def cpu(pid):
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system

def wait_until_busy(pid):
    while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and cpu(pid) < 1:
        time.sleep(0.05)
    return cpu(pid)

signal.signal(signal.SIGINT, signal.default_int_handler)
first, *cases = json.load(open(sys.argv[1]))
log = os.open(sys.argv[1] + ".log", os.O_RDWR | os.O_CREAT)
told = os.dup(1)
os.dup2(log, 1), os.dup2(log, 2)
run(first["arguments"])  # imports all that the others need
for case in [first, *cases]:
    sys.stdout.flush()
    os.ftruncate(log, 0), os.lseek(log, 0, os.SEEK_SET)
    pid = os.fork()
    if pid == 0:
        limits.SECONDS = case["seconds"]
        code = run(case["arguments"])
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    since = 0.0
    if case["is_interrupted"]:
        since = wait_until_busy(pid)
        os.kill(pid, signal.SIGINT)
    _, status, usage = os.wait4(pid, 0)
    said = os.pread(log, 1_000_000, 0).decode()
    seconds = usage.ru_utime + usage.ru_stime - since
    line = [case["name"], os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024, seconds, said]
    os.write(told, json.dumps(line).encode() + b"\\n")
"""

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
RELATION = f'<Relationship Id="{{}}" Type="{OFFICE}/{{}}" Target="{{}}"/>'
TEXT = '<c t="inlineStr"><is><t>{}</t></is></c>'
HEADER, FINE = f"<row>{TEXT.format('text')}</row>", f"<row>{TEXT.format('Fine.')}</row>"
LAST_ROW = FINE.replace("<row>", '<row r="1048576">')
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 11))
    + "]>"
)

Pieces = Iterable[str | bytes]


@dataclass(frozen=True)
class many:
    """A text repeated, a thousand times a piece."""

    text: str
    count: int

    def __iter__(self) -> Iterator[str]:
        yield from (self.text * 1_000 for _ in range(self.count // 1_000))
        yield self.text * (self.count % 1_000)


def a_file(*pieces: str | Pieces) -> Callable[[Path], None]:
    """Write a file, packed if its name says so."""

    def write(path: Path) -> None:
        with (gzip.open if path.suffix == ".gz" else open)(path, "wb") as file:
            write_all(file, pieces)

    return write


def write_all(file: Any, pieces: Iterable[str | Pieces]) -> None:
    for piece in pieces:
        for text in (piece,) if isinstance(piece, str) else piece:
            file.write(text.encode() if isinstance(text, str) else text)


def a_book(
    *rows: str | Pieces,
    shared: Pieces = (),
    styles: Pieces = ('<cellXfs><xf numFmtId="0"/></cellXfs>',),
    sheets: int = 1,
    before: str = "",
    after: Pieces = (),
    doctype: str = "",
) -> Callable[[Path], None]:
    """Write a workbook of which the first sheet has a header and these rows."""
    numbers = range(1, sheets + 1)
    one = RELATION.format("book", "officeDocument", "xl/workbook.xml")
    relations = [RELATION.format(f"r{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    relations.append(RELATION.format("texts", "sharedStrings", "sharedStrings.xml"))
    relations.append(RELATION.format("styles", "styles", "styles.xml"))
    names = [f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers]
    parts: dict[str, Iterable[str | Pieces]] = {
        "_rels/.rels": [f'<Relationships xmlns="{PACKAGE}">{one}</Relationships>'],
        "xl/_rels/workbook.xml.rels": [
            f'<Relationships xmlns="{PACKAGE}">', relations, "</Relationships>",
        ],
        "xl/workbook.xml": [
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>', names, "</sheets></workbook>",
        ],
        "xl/sharedStrings.xml": [f'<sst xmlns="{MAIN}">', shared, "</sst>"],
        "xl/styles.xml": [f'<styleSheet xmlns="{MAIN}">', styles, "</styleSheet>"],
    }  # fmt: skip
    start = f'{doctype}<worksheet xmlns="{MAIN}">{before}<sheetData>{HEADER}'
    end = ["</sheetData>", after, "</worksheet>"]

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in numbers:
                parts[f"xl/worksheets/sheet{number}.xml"] = (
                    [start, *rows, *end] if number == 1 else [start, *end]
                )
            for name, pieces in parts.items():
                with archive.open(name, "w") as part:
                    write_all(part, pieces)

    return write


def within(write: Callable[[Path], None]) -> Callable[[Path], None]:
    """Pack a file that is packed already."""

    def packed(path: Path) -> None:
        inner = path.with_name("inner.gz")
        write(inner)
        path.write_bytes(gzip.compress(inner.read_bytes(), 1))

    return packed


# Name -> how it is made, and the figure of its refusal; None for a file that is read.
FILES: dict[str, tuple[Callable[[Path], None], str | None]] = {
    "plain.csv": (a_file("text\nFine.\n"), None),
    # Workbooks: what unfolds
    "shared-texts.xlsx": (a_book(FINE, shared=many("<si><t>x</t></si>", 10_000_000)), ""),
    "long-shared-text.xlsx": (
        a_book(FINE, shared=["<si><t>", *["word " * 1_000_000] * 10]),
        "1,000,000",
    ),
    "one-text-everywhere.xlsx": (
        a_book(
            many('<row><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>', 100_000),
            shared=["<si><t>", *many("\u4e00", 900_000), "</t></si>"],
        ),
        "",
    ),
    "sheet-of-gigabytes.xlsx": (a_book(many("<row/>", 10_000_000)), "1,048,576"),
    "cell-of-50-mb.xlsx": (
        a_book('<row><c t="inlineStr"><is><t>', many("word ", 10_000_000)),
        "1,000,000",
    ),
    "entities.xlsx": (a_book(FINE.replace("Fine.", "&l10;"), doctype=LAUGHS), "DOCTYPE"),
    "attribute-of-50-mb.xlsx": (a_book('<row x="', many("word ", 10_000_000)), "100,000"),
    "comment-of-50-mb.xlsx": (a_book("<!--", many("word ", 10_000_000)), "100,000"),
    "deep.xlsx": (a_book(many("<a>", 1_000_000)), "100"),
    "names.xlsx": (a_book("".join(f"<a{n}/>" for n in range(20_000))), "10,000"),
    "packed.xlsx.gz": (within(a_book(FINE, shared=many("<si/>", 10_000_000))), ""),
    # Workbooks: size and shape
    "million-empty-rows.xlsx": (a_book(many("<row/>", 1_048_574), LAST_ROW), None),
    "last-row.xlsx": (a_book(LAST_ROW), None),
    "last-column.xlsx": (
        a_book(many('<row><c r="XFD1"><v>1</v></c></row>', 200_000)), "",
    ),
    "columns.xlsx": (a_book("<row>", many("<c/>", 200_000), "</row>"), "16,384"),
    "dimension-that-lies.xlsx": (a_book(FINE, before='<dimension ref="A1:XFD1048576"/>'), None),
    "merged-cells.xlsx": (
        a_book(FINE, after=many('<mergeCell ref="A1:XFD1048576"/>', 1_000_000)), None,
    ),
    "formats.xlsx": (
        a_book(FINE, styles=["<cellXfs>", *many('<xf numFmtId="0"/>', 500_000), "</cellXfs>"]),
        "65,490",
    ),
    "formats-of-mb.xlsx": (a_book(FINE, styles=many("<xf/>", 4_000_000)), "16 MB"),
    "sheets.xlsx": (a_book(FINE, sheets=10_000), None),
    # CSV
    "empty-rows.csv": (a_file("text\n", many("\n", 1_000_000), "Fine.\n"), None),
    "short-rows.csv": (a_file("text\n", "".join(f"No {n}\n" for n in range(20_000))), None),
    "columns.csv": (a_file(f"text{',' * 200_000}\nFine.{',' * 200_000}\n"), "16,384"),
    "many-columns.csv": (a_file(*(f"{word}{',' * 16_000}\n" for word in ("text", "Fine."))), None),
    "wide-rows.csv.gz": (
        a_file(f"text{',' * 16_000}\n", many(f"Fine.{',' * 16_000}\n", 10_000)), "",
    ),
    "cell-of-50-mb.csv": (a_file("text\n", many("word ", 10_000_000)), "2,000,000"),
    "open-quote.csv": (a_file('text\n"', many("It was a fine evening.\n", 1_700_000)), "1,000,000"),
    "open-quote-empty-rows.csv": (a_file('text\n"', many("\n", 39_000_000)), "1,000,000"),
    "open-quotes.csv": (a_file("text\n", many('"a\n', 13_000_000)), "100,000"),
    "quoted-cells.csv": (a_file("text\n", many('"' + "a\n" * 1_000 + '",', 2_000)), "2,000,000"),
    "nul.csv": (a_file("text\nFine.", many("\0", 80_000), "\n"), None),
    "nul-rows.csv": (a_file("text\nFine.\n", many("\0\n", 100_000)), None),
    "marks.csv": (a_file("text\nFine.\n", many("<", 900_000), "\n", many("&#", 450_000)), None),
    "astral.csv": (a_file("text\n", *(many("\U0001f600", 90_000) for _ in range(2)), "\n"), ""),
    # JSON
    "array-of-a-million.json": (a_file("[0", many(",1", 499_000), "]"), "100,000"),
    "array-of-lists.json": (a_file('[{"text":[', many("[],", 300_000), "0]}]"), ""),
    "deep.json": (a_file("[", many("[", 100_000)), "1"),
    "deep-objects.json": (a_file("[", many('{"a":', 100_000)), "1"),
    "text-of-100-mb.json": (a_file('[{"text":"', many("word ", 20_000_000), '"}]'), "2,000,000"),
    "text-of-100-mb.jsonl": (a_file('{"text":"', many("word ", 20_000_000), '"}'), "2,000,000"),
    "names.json": (
        a_file('[{"text":"a"', "".join(f',"k{n}":1' for n in range(20_000)), "}]"), "16,384",
    ),
    "lines-of-lists.jsonl.gz": (a_file(many('{"text":[' + "[]," * 99 + "0]}\n", 500_000)), ""),
    "one-line.jsonl": (a_file(many('{"text":"Fine."} ', 60_000)), ""),
    # gzip
    "bomb.csv.gz": (a_file(many("\0" * 100, 3_000_000)), "2,000,000"),
    "bomb-within.csv.gz": (within(a_file(many("\0" * 100, 1_000_000))), "gzip"),
}  # fmt: skip
UNTIL_TIME_IS_UP = (
    "shared-texts.xlsx", "one-text-everywhere.xlsx", "packed.xlsx.gz", "last-column.xlsx",
    "wide-rows.csv.gz", "lines-of-lists.jsonl.gz",
)  # fmt: skip
INTERRUPTED = (
    "shared-texts.xlsx", "last-column.xlsx", "wide-rows.csv.gz", "lines-of-lists.jsonl.gz",
    "open-quotes.csv",
)  # fmt: skip


class Measured(NamedTuple):
    """How a call went: exit code, the most memory, the processor's time and all that it wrote."""

    exit_code: int
    peak_mb: float
    seconds: float
    said: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "map.yaml").write_text(
        "source: trial\nrights: Invented for a test.\nimdb_id: {constant: tt99000001}\n"
        "body: {column: text, html: true}\n"
    )
    for name, (write, _) in FILES.items():
        write(folder / name)
    yield folder
    shutil.rmtree(folder)  # half a gigabyte


@pytest.fixture(scope="module")
def measured(folder: Path) -> dict[str, Measured]:
    """Try each file, then interrupt some: their names end in `!` then."""
    cases = [a_case(folder, name, seconds=seconds_for(name)) for name in FILES]
    return measure(folder, cases + [a_case(folder, n, is_interrupted=True) for n in INTERRUPTED])


def seconds_for(name: str) -> float:
    """Return what a file may take of the processor's time in these tests."""
    return LESS_SECONDS if name in UNTIL_TIME_IS_UP else limits.SECONDS


def a_case(
    folder: Path, name: str, *, seconds: float = limits.SECONDS, is_interrupted: bool = False
) -> dict[str, Any]:
    arguments = ["import", "reviews", str(folder / name), "--map", str(folder / "map.yaml")]
    return {
        "name": name + "!" * is_interrupted,
        "arguments": [*arguments, "--dry-run"],
        "is_interrupted": is_interrupted,
        "seconds": seconds,
    }


def measure(folder: Path, to_try: list[dict[str, Any]]) -> dict[str, Measured]:
    cases = folder / "cases"
    cases.write_text(json.dumps(to_try))
    env = os.environ | {  # a trial run of rows without ids asks neither
        "FILMPULSE_WAREHOUSE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "FILMPULSE_LAKE_URL": (folder / "lake").as_uri(),
        "COLUMNS": "1000",
    }
    command = [sys.executable, "-c", DRIVER, str(cases)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: Measured(*rest) for name, *rest in lines}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_or_refused_within_memory_and_time(
    name: str, folder: Path, measured: dict[str, Measured]
) -> None:
    found = measured[name]
    figure = FILES[name][1]
    assert found.peak_mb < MOST_MB
    if (folder / name).stat().st_size <= 1_000_000 or figure:
        saved = limits.SECONDS - seconds_for(name)
        assert found.seconds < MOST_SECONDS - START_SECONDS - saved
    assert found.exit_code == (figure is not None), found.said
    assert "Traceback" not in found.said
    if figure is not None:
        assert figure in found.said
    assert not (folder / "lake").exists()


@pytest.mark.drill
def test_a_file_that_takes_all_the_time_is_refused_in_time(folder: Path) -> None:
    measured = measure(folder, [a_case(folder, name) for name in UNTIL_TIME_IS_UP])
    for name in UNTIL_TIME_IS_UP:
        found = measured[name]
        assert found.peak_mb < MOST_MB
        assert found.seconds < MOST_SECONDS - START_SECONDS
        assert found.exit_code == 1, found.said


@pytest.mark.parametrize("name", INTERRUPTED)
def test_an_interrupt_is_heard_at_once(name: str, measured: dict[str, Measured]) -> None:
    found = measured[f"{name}!"]
    assert found.exit_code == 130
    assert found.seconds < HEARD_SECONDS
