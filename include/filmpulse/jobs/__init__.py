"""What Filmpulse does, one function a job: the only place where all parts are put together.

DAGs, the command line and the web page call these functions and nothing below them. Jobs take plain
values and a `Context`, know nothing of Airflow, and return URIs, ids and counts, never reviews.

A collection runs `plan` -> `collect` -> `load` -> `analyse`, and `summarise` closes the run.
"""

from filmpulse.backup.dashboards import Superset
from filmpulse.jobs.catalogue.accept import (
    CATALOGUE_COSTS,
    CATALOGUE_TERMS,
    accept_catalogue,
)
from filmpulse.jobs.catalogue.build import build_catalogue
from filmpulse.jobs.catalogue.choose_titles import choose_titles
from filmpulse.jobs.catalogue.drop import drop_catalogue
from filmpulse.jobs.catalogue.find import (
    Found,
    FoundPerson,
    RoleTitles,
    find,
    find_person,
    find_title,
    read_person_id,
)
from filmpulse.jobs.catalogue.index_names import index_names
from filmpulse.jobs.catalogue.load_dataset import load_dataset
from filmpulse.jobs.catalogue.plan_refresh import CataloguePlan, plan_catalogue
from filmpulse.jobs.catalogue.refresh import refresh_catalogue
from filmpulse.jobs.catalogue.status import CatalogueStatus, catalogue_status
from filmpulse.jobs.catalogue.swap import swap_catalogue
from filmpulse.jobs.context import Context, lake_options, setup_warehouse
from filmpulse.jobs.inbox.import_files import (
    import_file,
    plan_import,
    review_import,
    summarise_import,
)
from filmpulse.jobs.inbox.import_tables import (
    TableRead,
    add_table,
    check_table,
    import_table,
    open_table,
)
from filmpulse.jobs.inbox.store import (
    MOST_UNPACKED_BYTES,
    MOST_UPLOADED_BYTES,
    Added,
    Imported,
    ImportedPage,
    InboxShown,
    add_to_inbox,
    add_upload,
    holds_list,
    list_inbox,
    look_into_inbox,
    plain_name,
)
from filmpulse.jobs.inbox.title_lists import list_lists, remove_list, show_list
from filmpulse.jobs.reception.collect import collect, label, plan
from filmpulse.jobs.reception.detect import LIVE_IS_OFF, Batch, Detection, detect, mark_triggered
from filmpulse.jobs.reception.fetch_poster import fetch_poster
from filmpulse.jobs.reception.judge import failed_checks
from filmpulse.jobs.reception.load import load, load_movie
from filmpulse.jobs.reception.look_first import Estimate, FirstLook, look_first
from filmpulse.jobs.reception.note_events import add_event, list_events, remove_event
from filmpulse.jobs.reception.probe import check_live
from filmpulse.jobs.reception.score import (
    Unfinished,
    analyse,
    analyse_backlog,
    ask_again,
    new_run_id,
    plan_backlog,
    who_reads,
)
from filmpulse.jobs.reception.suggest import Suggested, may_ask_site, suggest
from filmpulse.jobs.reception.summarise import (
    RunSummary,
    review_backlog,
    review_run,
    review_scoring,
    summarise,
    summarise_backlog,
    summary,
)
from filmpulse.jobs.reception.tag import add_tag, remove_tag
from filmpulse.jobs.reception.track import (
    TABLE_FROM,
    Changed,
    Tracked,
    all_tracked,
    change_entries,
    change_tracked,
    labels,
    move_to_table,
    read_tracked,
    tracked_id,
    typed_ids,
)
from filmpulse.jobs.reception.visit import search
from filmpulse.jobs.upkeep.alert import alert, alert_without_warehouse
from filmpulse.jobs.upkeep.audit import (
    AuditRead,
    Sampled,
    forget_auditor,
    read_audit,
    write_audit,
)
from filmpulse.jobs.upkeep.back_up import (
    AirflowObjects,
    BackedUp,
    back_up,
    is_backup_due,
    list_backups,
    newest_backup,
    newest_complete,
    verify_backup,
)
from filmpulse.jobs.upkeep.copy_lake import Copied, copy_lake
from filmpulse.jobs.upkeep.erase import (
    Erased,
    erase,
    find_key,
    find_stored,
    preview,
    replay_erasures,
)
from filmpulse.jobs.upkeep.evaluate import (
    Evaluated,
    evaluate,
    evaluation_cost,
    evaluation_document,
    open_gold,
)
from filmpulse.jobs.upkeep.evaluate_warehouse import WarehouseReport, evaluate_warehouse
from filmpulse.jobs.upkeep.export import Exported, ExportManifest, export, export_weekly
from filmpulse.jobs.upkeep.rebuild import rebuild
from filmpulse.jobs.upkeep.recount import recount
from filmpulse.jobs.upkeep.restore import Drilled, Restored, drill, restore
from filmpulse.jobs.upkeep.retain import Retained, apply_retention
from filmpulse.jobs.upkeep.verify_lake import Verified, verify_lake
from filmpulse.jobs.upkeep.write_sheet import recovery_sheet
from filmpulse.sources.datasets import CREDIT as CATALOGUE_CREDIT
from filmpulse.sources.id_files import IdFile, read_ids
from filmpulse.sources.tables.mapping import DATE_WORDS, FIELDS, SUFFIXES, is_table, make_map
from filmpulse.sources.tables.propose import NAMES, Proposal, propose_table
from filmpulse.sources.tables.sample import Sample
from filmpulse.warehouse.load import Loaded
from filmpulse.warehouse.tables import has_rows
