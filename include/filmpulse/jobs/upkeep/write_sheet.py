"""The recovery sheet: what no backup holds, and what a new instance needs to bring one back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pydantic import SecretStr

from filmpulse.backup.store import account
from filmpulse.config import Settings, source_variable, variable_name

_MADE_ANEW = {
    "warehouse_url", "warehouse_pooled_url", "reader_password", "superset_url", "superset_user",
    "superset_password", "browser_path", "driver_path", "source_urls",
}  # fmt: skip
"""Settings that belong to one machine: a new instance has its own."""

_HEAD = """\
# Recovery sheet of Filmpulse. It holds secrets: print it, or keep it in a password manager, and
# never beside the backups.
#
# On a new machine, in a clone of Filmpulse:
#   source this-sheet && make up && source var/main/env.sh
#   filmpulse lake copy --from URI      # where `filmpulse lake copy --to URI` put the lake's copy
#   filmpulse restore                   # tables, tracked movies, Superset's dashboards
#   filmpulse rebuild                   # what was collected since the backup
# Elsewhere set these variables and run `filmpulse setup` first. The lake comes before the restore:
# it says what was erased since the backup. Keys that stand in Airflow's Connections alone are not
# here. Without the author secret, reviewers would get new keys.
"""


def recovery_sheet(settings: Settings) -> str:
    """Return the sheet: comments, and a line of shell for each setting that was given.

    The account of the backups stands there even where it is the lake's, since a new instance may
    have another lake.
    """
    return _HEAD + "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in _lines(settings)
    )


def _lines(settings: Settings) -> Iterator[tuple[str, str]]:
    given = {
        name: getattr(settings, name)
        for name in Settings.model_fields
        if name in settings.model_fields_set - _MADE_ANEW
    }
    if settings.backup_url is not None:
        found = account(settings, settings.backup_url)
        given |= {
            "backup_key": found.key,
            "backup_secret": found.secret,
            "backup_endpoint_url": found.endpoint_url,
        }
    for name, value in sorted(given.items()):
        if value is not None:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            yield variable_name(name), plain
    for source, url in sorted(settings.source_urls.items()):
        yield source_variable(source), url
