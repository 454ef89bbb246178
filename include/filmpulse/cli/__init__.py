"""The command line, `filmpulse ...`: a thin layer over jobs, one module for each group."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys

from filmpulse.cli import (
    audit,
    backup,
    catalogue,
    evaluation,
    export,
    inbox,
    lists,
    movies,
    pages,
    reception,
    upkeep,
)
from filmpulse.cli.app import app
from filmpulse.cli.common import Terminated, err, escape
from filmpulse.config import SECRETS, variable_name
from filmpulse.errors import FilmpulseError

__all__ = [
    "app",
    "audit",
    "backup",
    "catalogue",
    "evaluation",
    "export",
    "inbox",
    "lists",
    "main",
    "movies",
    "pages",
    "reception",
    "upkeep",
]


def main() -> None:
    """Run the command line; an error is one sentence and exit code 1, without a traceback.

    Python's development mode (`PYTHONDEVMODE=1`) shows the traceback of an unforeseen error.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    # Airflow logs to the terminal as soon as it is imported; only its errors matter here.
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
    for stream in (sys.stdout, sys.stderr):  # a terminal may be unable to show a file's name
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except FilmpulseError as error:
        err.print(f"[red]{escape(_without_secrets(str(error)))}[/]")
        raise SystemExit(1) from None
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        said = " ".join(_without_secrets(str(error)).split())[:500]
        err.print(
            f"[red]An error that Filmpulse did not foresee: {type(error).__name__}: "
            f"{escape(said)}[/] With PYTHONDEVMODE=1 the same command shows where."
        )
        raise SystemExit(1) from None


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def _without_secrets(said: str) -> str:
    """Mask the secrets of the environment: a library's error may quote them."""
    secrets = [os.environ.get(variable_name(name), "") for name in SECRETS]
    for name in ("warehouse_url", "warehouse_pooled_url"):
        url = os.environ.get(variable_name(name), "")
        secrets.append(url.partition("://")[2].rpartition("@")[0].partition(":")[2])
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret, "***")
    return said
