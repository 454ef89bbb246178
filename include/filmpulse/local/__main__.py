"""`python -m filmpulse.local`: the commands that the Makefile runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from filmpulse import local
from filmpulse.errors import FilmpulseError
from filmpulse.local import postgres
from filmpulse.local.airflow_rest import AirflowError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(soft_wrap=True)
if not console.is_terminal:
    console = Console(soft_wrap=True, width=100)  # a log is not 80 columns wide

Name = Annotated[str, typer.Option("--instance", help="Which instance: `main`, `demo`...")]
Without = Annotated[
    str | None,
    typer.Option(help="Parts to leave out, such as `superset s3`; empty: none; as before."),
]
Root = Annotated[Path, typer.Option("--root", help="The directory that holds the instances.")]


@app.command()
def up(
    instance: Name = "main",
    root: Root = local.DEFAULT_ROOT,
    sample_site: Annotated[
        bool | None,
        typer.Option(help="Run the sample site, and read it in place of a live one; as before."),
    ] = None,
    without: Without = None,
) -> None:
    """Start an instance in the background, unless it runs."""
    _print_addresses(_up(instance, root, without, sample_site=sample_site))


@app.command()
def parts(
    instance: Name = "main", root: Root = local.DEFAULT_ROOT, without: Without = None
) -> None:
    """Print the parts that `up` would start, of those that can be left out."""
    for part in local.wanted(instance, root, None if without is None else without.split()):
        console.print(part)


@app.command()
def down(instance: Name = "main", root: Root = local.DEFAULT_ROOT) -> None:
    """Stop an instance and all its processes."""
    with console.status(f"stopping {instance}") if console.is_terminal else nullcontext():
        local.down(instance, root, local.Lines(console))
    console.print(f"{instance} is down")


@app.command()
def status(instance: Name = "main", root: Root = local.DEFAULT_ROOT) -> None:
    """Show the state of each part. Exit code 1 when one does not work."""
    parts = local.status(instance, root)
    if not parts:
        console.print(f"{instance} was never started")
        raise typer.Exit(1)
    _print_parts(parts)
    if not all(part.healthy for part in parts):
        raise typer.Exit(1)
    _print_addresses(local.read_stack(root / instance))


@app.command()
def rotate(instance: Name = "main", root: Root = local.DEFAULT_ROOT) -> None:
    """Give every part new passwords and keys, and start the instance anew."""
    _print_addresses(local.rotate(instance, root, progress=local.Lines(console)))


@app.command("sync-dashboards")
def sync_dashboards(instance: Name = "main", root: Root = local.DEFAULT_ROOT) -> None:
    """Write this checkout's dashboards into a running Superset."""
    sys.stdout.write(f"{local.sync_dashboards(instance, root)}\n")


@app.command("remove-copies")
def remove_copies() -> None:
    """Remove root's copies of Postgres outside the checkout; `make clean` does."""
    postgres.remove_copies()


@app.command(
    "dags-test",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
)
def dags_test(words: list[str], instance: Name = "main", root: Root = local.DEFAULT_ROOT) -> None:
    """Run `airflow dags test` beside the instance's scheduler."""
    from filmpulse.local.dags_test import run

    raise typer.Exit(run(local.read_stack(root / instance), words))


@app.command()
def demo(instance: Name = "demo", root: Root = local.DEFAULT_ROOT, without: Without = None) -> None:
    """Start an instance with the sample site, and show how its movies are received."""
    from filmpulse.local.demo import show

    show(_up(instance, root, without, _fill, sample_site=True), console)


@app.command()
def cluster(
    instance: Name = "cluster", root: Root = local.DEFAULT_ROOT, without: Without = None
) -> None:
    """Do as `demo`, with Airflow's work on what a cluster is made of."""
    from filmpulse.local.cluster.grid import has_namespaces
    from filmpulse.local.cluster.hosts import can_separate
    from filmpulse.local.demo import show

    console.print(
        "Each worker has a host name and mounts of its own, and sees nothing of the others."
        if can_separate()
        else "Each worker has a folder of its own. Root on Linux would give each a host of its own."
    )
    if not has_namespaces():
        console.print("The driver of a Grid's node that is killed lives on until `make down`.")
    stack = _up(instance, root, without, _fill, sample_site=True, cluster=True)
    show(stack, console)
    _print_parts(local.status(instance, root))


def _fill(stack: local.Stack) -> None:
    """Collect and score the sample movies, and load the sample site's datasets."""
    from filmpulse.local.demo import collect, load_catalogue

    collect(stack, console)
    load_catalogue(stack, console)


def _up(
    instance: str,
    root: Path,
    without: str | None,
    meanwhile: Callable[[local.Stack], None] = lambda _: None,
    *,
    sample_site: bool | None = None,
    cluster: bool | None = None,
) -> local.Stack:
    console.print(f"[bold]Starting {instance}[/bold] in {escape(str(root / instance))}")
    return local.up(
        instance,
        root,
        sample_site=sample_site,
        cluster=cluster,
        without=None if without is None else without.split(),
        meanwhile=meanwhile,
        progress=local.Lines(console),
    )


def _print_parts(parts: Sequence[local.PartStatus]) -> None:
    for part in parts:
        mark = "[green]✓[/green]" if part.healthy else "[red]✗[/red]"
        state = "works" if part.healthy else part.state.lower()
        memory = f"{part.memory.bytes / 2**20:.0f} MiB"
        log = f"[dim]{escape(str(part.log))}[/dim]"
        console.print(f"  {mark} {part.title:<24}{state:<10}{memory:>9}  {log}", highlight=False)


def _print_addresses(stack: local.Stack) -> None:
    console.print(f"\n{local.addresses(stack)}\n", highlight=False)


def main() -> None:
    """Run a command; print an error of our own as a sentence, without a traceback."""
    try:
        app()
    except (FilmpulseError, local.StackError, postgres.PostgresError, AirflowError) as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]✗[/red] {escape(str(error))}")
        sys.exit(1)


if __name__ == "__main__":
    main()
