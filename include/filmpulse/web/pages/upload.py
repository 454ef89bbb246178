"""Bring reviews in: saved pages by drag and drop, tables by a map of their columns; and import.

A table waits nowhere between its trial and its import: the browser sends the file with each step.
So it works with any number of web servers, there is nothing to clean up, and a table, which may
hold people's names, is stored only once its good rows are taken out and authors hashed. A script
keeps the chosen file in the page; without a script, the file is chosen again (docs/adr/0040).
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from filmpulse import jobs
from filmpulse.errors import BadInput, FilmpulseError
from filmpulse.warehouse import pages as rows
from filmpulse.web import table_form
from filmpulse.web.door import Door, DoorDep, VisitorDep, changes
from filmpulse.web.render import is_part, page, url

router = APIRouter(prefix="/upload", dependencies=[changes])

IMPORT = "import_saved_pages"
SHOWN = 30
"""How many waiting, failed and imported files the page shows of each."""
_LIMIT = jobs.MOST_UPLOADED_BYTES
_PATIENCE_SECONDS = 60.0
_reading = threading.Lock()  # one file at a time in this process: each is held and parsed in memory


class Brought(NamedTuple):
    """What became of a file or a page of it."""

    state: Literal["added", "known", "refused", "table"]
    given: str
    sentence: str


@dataclass
class Table:
    """A table on its way: what the form shows.

    `trial` is what an import would read; `added` says that it was put into the inbox; `problem` is
    why a step could not be done.
    """

    name: str
    entries: dict[str, Any] = field(default_factory=dict)
    columns: list[table_form.ColumnShown] = field(default_factory=list)
    questions: Sequence[str] = ()
    trial: Any = None
    added: jobs.Added | None = None
    problem: str | None = None

    @property
    def inputs(self) -> dict[str, str]:
        """The values of the form's other inputs."""
        return table_form.inputs_of(self.entries)


@router.get("", response_class=HTMLResponse)
def upload_page(request: Request, door: DoorDep) -> HTMLResponse:
    """Show where files can be dropped, and the inbox."""
    return _page(request, door)


@router.post("/pages", response_class=HTMLResponse)
async def upload_pages(request: Request, door: DoorDep) -> HTMLResponse:
    """Put saved pages, answers and ZIPs into the inbox, cleaned; say what became of each."""
    form = await request.form()
    brought = await run_in_threadpool(_bring, form, door)
    if is_part(request):
        return await run_in_threadpool(page, request, "_upload_results.html", brought=brought)
    return await run_in_threadpool(_page, request, door, brought=brought)


@router.post("/table", response_class=HTMLResponse)
async def upload_table(request: Request, door: DoorDep) -> HTMLResponse:
    """Propose a map for a table, try it, or put the table into the inbox, as `step` says."""
    form = await request.form()
    table = await run_in_threadpool(_take_table, form, door)
    if is_part(request):
        return await run_in_threadpool(
            page, request, "_table_map.html", table=table, choices=table_form.CHOICES
        )
    return await run_in_threadpool(_page, request, door, table=table)


@router.post("/import")
def import_now(request: Request, door: DoorDep, visitor: VisitorDep) -> Response:
    """Start the import of what waits."""
    door.start(IMPORT, {}, visitor)
    if is_part(request):
        return inbox(request, door, is_started=True)
    return RedirectResponse(url(request, "/upload#inbox"), 303)


@router.get("/inbox", response_class=HTMLResponse)
def inbox(request: Request, door: DoorDep, is_started: bool = False) -> HTMLResponse:
    """Return what waits, what was imported and what failed."""
    return page(request, "_inbox.html", inbox=_inbox(door), is_started=is_started)


def _page(
    request: Request, door: Door, brought: Sequence[Brought] = (), table: Table | None = None
) -> HTMLResponse:
    values: dict[str, Any] = {
        "brought": brought,
        "table": table,
        "inbox": _inbox(door),
        "is_started": False,
    }
    return page(request, "upload.html", choices=table_form.CHOICES, **values)


class Inbox(NamedTuple):
    """The inbox and the last imports; `problem` says why the inbox cannot be shown."""

    shown: jobs.InboxShown | None
    imports: list[rows.CollectionLine]
    problem: str | None = None


def _inbox(door: Door) -> Inbox:
    context = door.context()
    imports = rows.imports(context.warehouse, most=SHOWN)
    try:
        return Inbox(jobs.look_into_inbox(context, SHOWN), imports)
    except FilmpulseError as error:
        return Inbox(None, imports, str(error))


@contextmanager
def _my_turn() -> Iterator[None]:
    """Wait until no other file is read in this process.

    Raises:
        BadInput: That took longer than a minute.
    """
    if not _reading.acquire(timeout=_PATIENCE_SECONDS):
        raise BadInput("Other files are being read: add this one again in a minute.")
    try:
        yield
    finally:
        _give_back()
        _reading.release()


def _give_back() -> None:
    """Have the C library return freed memory: after a page of 10 MB it would keep 190 MB for ever.

    Only glibc has such a function, and only glibc needs it.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _bring(form: FormData, door: Door) -> list[Brought]:
    """Add each file of a form; one never stops another."""
    context = door.context()
    movie = str(form.get("movie") or "").strip()
    imdb_id = jobs.typed_ids([movie])[0] if movie else None
    files = [one for one in form.getlist("files") if isinstance(one, UploadFile) and one.filename]
    dates = [*map(_moment, form.getlist("modified")), *[None] * len(files)]
    brought: list[Brought] = []
    for file, changed_at in zip(files, dates, strict=False):
        name = jobs.plain_name(file.filename or "")
        if jobs.is_table(name, has_map=False) and not jobs.holds_list(file.file, name):
            said = "A table: choose it under “A table of reviews”, which asks what its columns are."
            brought.append(Brought("table", name, said))
            continue
        try:
            with _my_turn():
                added = jobs.add_upload(
                    file.file, name, context, changed_at=changed_at, imdb_id=imdb_id
                )
        except FilmpulseError as error:
            brought.append(Brought("refused", name, str(error)))
            continue
        brought += [Brought(_state(one), one.given, one.sentence) for one in added]
    return brought or [Brought("refused", "Nothing", "No file was chosen.")]


def _state(added: jobs.Added) -> Literal["added", "known", "refused"]:
    return "refused" if added.is_refused else "added" if added.is_new else "known"


def _moment(said: object) -> datetime | None:
    """Read a file's date as a browser says it: milliseconds since 1970."""
    try:
        return datetime.fromtimestamp(int(str(said)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _take_table(form: FormData, door: Door) -> Table:
    """Do one step with a table; what goes wrong is said beside the form."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return Table("", problem="Choose the file.")
    table = Table(jobs.plain_name(file.filename))
    try:
        if (file.size or 0) > _LIMIT:
            raise BadInput(
                f"Larger than {_LIMIT // 1_000_000} MB: `filmpulse import reviews` takes larger "
                "tables, as a stream."
            )
        with _my_turn():
            _step(str(form.get("step") or "look"), file, form, table, door)
    except FilmpulseError as error:
        table.problem = str(error)
    return table


def _step(step: str, file: UploadFile, form: FormData, table: Table, door: Door) -> None:
    """Look at a table (`again`: as a person says it is written), `try` it, or `import` it."""
    given = None if step == "look" else table_form.writing_of(form)
    most = jobs.MOST_UNPACKED_BYTES
    sample, proposal = jobs.propose_table(file.file, table.name, given, most)
    table.entries = dict(proposal.entries)
    table.questions = [question.sentence for question in proposal.questions]
    table.columns = table_form.columns_of(sample, table.entries)
    if step not in ("try", "import"):
        return
    table.questions = ()
    entries, twice = table_form.entries_of(form)
    table.entries, table.columns = entries, table_form.columns_of(sample, entries)
    if twice:
        raise BadInput(f"More than one column was chosen for {', '.join(twice)}: leave one.")
    if step == "try":  # stores nothing, so it needs no name and no right yet
        entries = {"source": "trial", "rights": "a trial"} | entries
    elif not entries.keys() >= {"source", "rights"}:
        raise BadInput("Give the source a name, and say why you may use the file.")
    file.file.seek(0)
    what = file.file, table.name, jobs.make_map(entries), door.context()
    if step == "try":
        table.trial = jobs.check_table(*what, most_unpacked=most)
    else:
        table.trial, table.added = jobs.add_table(*what, most_unpacked=most)
