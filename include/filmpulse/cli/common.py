"""What the commands share: arguments, output, the context of a job, telling how a run went."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich import markup
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import read_imdb_id, without_controls

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def escape(text: str) -> str:
    """Make a text safe to print: no markup of ours, no control characters for the terminal."""
    return markup.escape(without_controls(text))


def read_movie(typed: str) -> str:
    """Read the address of a movie's page as its id; the jobs refuse any other text."""
    return read_imdb_id(typed) or typed


ImdbId = Annotated[
    str, typer.Argument(help="An IMDb id, such as tt0111161, or its address.", parser=read_movie)
]
ImdbIds = Annotated[
    list[str],
    typer.Argument(help="IMDb ids, such as tt0111161, or their addresses.", parser=read_movie),
]


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does."""


@contextmanager
def interruptible(tell: Callable[[], str]) -> Iterator[None]:
    """End on Ctrl-C or SIGTERM with exit code 130 or 143.

    `tell` gives the sentence that says what is stored and how to go on.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not cut this short
        err.print(f"[yellow]Interrupted. {escape(tell())}[/]")
        raise typer.Exit(interrupted_code(stop)) from None


def interrupted_code(stop: KeyboardInterrupt) -> int:
    """Return the exit code of a command that was interrupted: 130 or 143."""
    number = signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT
    return 128 + number


def job_context() -> Any:
    """Return the context of a job, by the environment."""
    from filmpulse.jobs import Context

    return Context.from_settings(Settings.from_env())


def scoring_context() -> Any:
    """Return the context of a job that scores reviews."""
    return job_context().with_model(with_model)


def has_airflow() -> bool:
    """Say whether this shell has an Airflow; without one, importing it would make an empty one."""
    return "AIRFLOW_HOME" in os.environ


def with_model(settings: Settings) -> Settings:
    """Take model and budget from Airflow's Connection and Variable, if there is an Airflow.

    Raises:
        BadInput: The Connection cannot be used.
    """
    if not has_airflow():
        return settings
    with _kept_logging():
        from filmpulse import airflow_bridge

        return airflow_bridge.stored_model(settings)


def variable_reader() -> Callable[[], str] | None:
    """Return what reads Airflow's Variable of tracked movies; None without an Airflow."""
    if not has_airflow():
        return None

    def read() -> str:
        with _kept_logging():
            from filmpulse import airflow_bridge

            return airflow_bridge.read_variable()

    return read


def send_test_alert() -> list[tuple[str, bool]] | None:
    """Send a test message to whom alerts go; return who took it, None if nobody is told.

    Raises:
        BadInput: There is no Airflow here, or its Connection cannot be used.
    """
    if not has_airflow():
        raise BadInput(
            "Airflow's Connection filmpulse_alerts cannot be reached: run this where the "
            "instance's environment is set (`source var/<instance>/env.sh`)."
        )
    with _kept_logging():
        from filmpulse import airflow_bridge

        return airflow_bridge.send_test()


@contextmanager
def _kept_logging() -> Iterator[None]:
    """Keep how this process logs: importing Airflow replaces that."""
    log = logging.getLogger()
    handlers, level = log.handlers[:], log.level
    try:
        yield
    finally:
        log.handlers[:] = handlers
        log.setLevel(level)


@contextmanager
def saying(said: list[str]) -> Iterator[None]:
    """Print an error, unless the same was said before, and go on."""
    try:
        yield
    except Exception as error:
        sentence = str(error) or repr(error)
        if sentence not in said:
            err.print(f"[red]{escape(sentence)}[/]")
        said.append(sentence)


def tell(found: Any, said: Sequence[str] = ()) -> None:
    """Print how a run went, without failures that were printed before (`said`)."""
    for line in found.lines:
        out.print(escape(line))
    for warning in found.warnings:
        err.print(f"[yellow]{escape(warning)}[/]")
    for failure in found.failures:
        # A failure may have a movie before the sentence, or the missing reviews after it.
        if not any(
            f" {failure}".endswith(f" {sentence}") or failure.startswith(f"{sentence} ")
            for sentence in said
        ):
            err.print(f"[red]{escape(failure)}[/]")


@contextmanager
def bar(label: str) -> Iterator[Any]:
    """Show a progress bar on a terminal; nothing else may print meanwhile."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    )  # fmt: skip
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
