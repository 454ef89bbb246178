"""What Filmpulse does, one function a job: the only place where all of it is put together.

DAGs, the command line and the web page call these and nothing below them. Jobs take plain values
and a `Context`, know nothing of Airflow, and return URIs, ids and counts, never reviews.

A collection runs `plan` -> `collect` -> `load` -> `analyse`, and `summarise` closes the run.
"""

from filmpulse.jobs.context import Context, lake_options, setup_warehouse
from filmpulse.jobs.inbox.import_files import (
    import_file,
    plan_import,
    review_import,
    summarise_import,
)
from filmpulse.jobs.inbox.import_tables import (
    TableImported,
    TableRead,
    add_table,
    check_table,
    import_table,
)
from filmpulse.jobs.inbox.store import Added, Imported, ImportedPage, add_to_inbox, list_inbox
from filmpulse.jobs.reception.collect import collect, label, plan
from filmpulse.jobs.reception.detect import LIVE_IS_OFF, Batch, Detection, detect, mark_triggered
from filmpulse.jobs.reception.judge import failed_checks, standing_faults
from filmpulse.jobs.reception.load import load
from filmpulse.jobs.reception.note_events import add_event, list_events, remove_event
from filmpulse.jobs.reception.probe import LiveCheck, check_live
from filmpulse.jobs.reception.refresh import refresh_figures
from filmpulse.jobs.reception.score import (
    Analysed,
    Backlog,
    Unfinished,
    analyse,
    analyse_backlog,
    ask_again,
    new_run_id,
    plan_backlog,
    who_reads,
)
from filmpulse.jobs.reception.summarise import (
    RunSummary,
    review_backlog,
    review_run,
    review_scoring,
    summarise,
    summarise_backlog,
    summary,
)
from filmpulse.jobs.reception.track import Tracked, read_tracked, tracked_id, typed_ids
from filmpulse.jobs.reception.visit import search
from filmpulse.jobs.upkeep.erase import (
    Erased,
    erase,
    find_key,
    find_stored,
    preview,
    replay_erasures,
)
from filmpulse.jobs.upkeep.rebuild import Rebuilt, rebuild
from filmpulse.jobs.upkeep.retain import Retained, apply_retention
from filmpulse.sources.tables.mapping import is_table
from filmpulse.warehouse.load import Loaded
from filmpulse.warehouse.movies import Event

__all__ = [
    "LIVE_IS_OFF",
    "Added",
    "Analysed",
    "Backlog",
    "Batch",
    "Context",
    "Detection",
    "Erased",
    "Event",
    "Imported",
    "ImportedPage",
    "LiveCheck",
    "Loaded",
    "Rebuilt",
    "Retained",
    "RunSummary",
    "TableImported",
    "TableRead",
    "Tracked",
    "Unfinished",
    "add_event",
    "add_table",
    "add_to_inbox",
    "analyse",
    "analyse_backlog",
    "apply_retention",
    "ask_again",
    "check_live",
    "check_table",
    "collect",
    "detect",
    "erase",
    "failed_checks",
    "find_key",
    "find_stored",
    "import_file",
    "import_table",
    "is_table",
    "label",
    "lake_options",
    "list_events",
    "list_inbox",
    "load",
    "mark_triggered",
    "new_run_id",
    "plan",
    "plan_backlog",
    "plan_import",
    "preview",
    "read_tracked",
    "rebuild",
    "refresh_figures",
    "remove_event",
    "replay_erasures",
    "review_backlog",
    "review_import",
    "review_run",
    "review_scoring",
    "search",
    "setup_warehouse",
    "standing_faults",
    "summarise",
    "summarise_backlog",
    "summarise_import",
    "summary",
    "tracked_id",
    "typed_ids",
    "who_reads",
]
