"""Airflow's side of the package: Connections and Variables become plain clients and settings.

| kind | name | what it is |
|---|---|---|
| Connection | `filmpulse_warehouse` | Postgres, database `filmpulse`, as its owner |
| Connection | `filmpulse_lake` | S3 key, secret and `endpoint_url`; not needed for another lake |
| Connection | `filmpulse_backup` | S3 keys of the backups; optional, else those of the lake |
| Connection | `filmpulse_superset` | Superset, whose assets a backup includes; optional |
| Connection | `filmpulse_llm` | the model that scores reviews: base URL, key, extra; optional |
| Connection | `filmpulse_alerts` | whom to tell what is wrong: addresses of Apprise; optional |
| Variable | `tracked_movies` | JSON list of IMDb ids |
| Variable | `llm_budget_usd_per_day` | most that all runs of a day may spend on a model; optional |
| Pool | `browser` 1, `detector` 1, `llm` 4 | how many tasks of a kind run at once |

`job_context_for` names a mapped task after its movie; `RETRY_POLICY` says what follows an error.
"""

from filmpulse.airflow_bridge.alerts import send_test
from filmpulse.airflow_bridge.backlog import (
    ask_about,
    plan_backlog,
    score_backlog,
    score_if_approved,
    summarise_backlog,
)
from filmpulse.airflow_bridge.backup import (
    back_up,
    drill,
    has_backup,
    is_backup_due,
    stored_objects,
    write_variables,
)
from filmpulse.airflow_bridge.catalogue import load_dataset, plan_catalogue
from filmpulse.airflow_bridge.connections import stored_model
from filmpulse.airflow_bridge.context import job_context, job_context_for
from filmpulse.airflow_bridge.dags import (
    ALERTS,
    ASPECT_SCORES,
    BUDGET,
    CHANGED,
    MODE,
    RETRY_POLICY,
    REVIEWS,
    by_browser,
    by_model,
    default_args,
    movies,
    tell,
)
from filmpulse.airflow_bridge.detection import announce, detect, report_detection
from filmpulse.airflow_bridge.inbox import group_movies, import_file, summarise_import
from filmpulse.airflow_bridge.objects import setup
from filmpulse.airflow_bridge.variables import change_variable, read_variable
