"""The recovery sheet: what no backup holds, and what a new instance needs to bring one back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pydantic import SecretStr

from filmpulse.backup.store import account
from filmpulse.config import Settings, source_variable, variable_name

_MADE_ANEW = {
    "warehouse_url", "reader_password", "superset_url", "superset_user", "superset_password",
    "browser_path", "driver_path", "source_urls",
}  # fmt: skip
"""Settings that belong to one machine: a new instance has its own."""

_HEAD = """\
# Recovery sheet of Filmpulse. It holds secrets: print it, or keep it in a password manager, and
# never beside the backups.
#
# On a new machine, in a clone of Filmpulse:
#   source this-sheet && make up && source var/main/env.sh && filmpulse restore
# Elsewhere: set these variables, run `filmpulse setup`, then `filmpulse restore`.
#
# It brings back movies, reviews, scores, the list of tracked movies and Superset's dashboards.
# The lake is apart: `filmpulse lake copy --to URI` makes its copy and, with the copy as the lake,
# brings it back. Without the author secret, reviewers would get new keys.
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
    key, secret, endpoint_url = account(settings)
    ours = {"backup_key": key, "backup_secret": secret, "backup_endpoint_url": endpoint_url}
    for name, value in sorted((given | ours).items()):
        if value is not None:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            yield variable_name(name), plain
    for source, url in sorted(settings.source_urls.items()):
        yield source_variable(source), url
