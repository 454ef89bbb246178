"""Starting, watching and stopping an instance."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from filmpulse.errors import BadInput
from filmpulse.local import processes
from filmpulse.local.cluster.grid import remove_homes
from filmpulse.local.files import CHECKOUT, locked
from filmpulse.local.instance import MARK, OPTIONAL, Install, Instance, Stack, stack_of
from filmpulse.local.object_store import remove_sockets
from filmpulse.local.parts import BUCKET, Part, store_of
from filmpulse.local.progress import SILENT, Progress
from filmpulse.local.running import Running, supervisor_of
from filmpulse.local.supervisor import ALIVE

DEFAULT_ROOT = CHECKOUT / "var"
IN_USE = "another command is starting, stopping or filling this instance: waiting until it is done"


@dataclass(frozen=True)
class PartStatus:
    """The state of one part, in supervisord's words (RUNNING, FATAL...) or `DOWN`."""

    title: str
    state: str
    healthy: bool
    log: Path
    memory: processes.Memory  # of its process and the children of that


def up(
    name: str,
    root: Path = DEFAULT_ROOT,
    *,
    sample_site: bool | None = None,
    cluster: bool | None = None,
    without: Iterable[str] | None = None,
    meanwhile: Callable[[Stack], None] = lambda _: None,
    progress: Progress = SILENT,
    env: Mapping[str, str] = os.environ,
) -> Stack:
    """Start an instance, in whatever state it is; do nothing if it works with today's settings.

    Repeatable; two calls at once are safe.

    Args:
        name: A word such as `demo`.
        root: Directory that holds the instances.
        sample_site: Run the sample site, and read it in place of a live one; None leaves this as
            it was (off for a new instance).
        cluster: Run Airflow's work on what a cluster is made of (`local.cluster`); None leaves this
            as it was (off for a new instance).
        without: The parts of `instance.OPTIONAL` to leave out; None leaves this as it was (none for
            a new instance).
        meanwhile: Called as soon as Airflow works; Superset takes some seconds more.
        progress: Shows the steps.
        env: The caller's environment.

    Raises:
        BadInput: A setting or a file of the instance cannot be used, or a lake that is not empty
            would be left behind.
        StackError: A part did not start; the message holds the end of its log.
        PostgresError: There is no Postgres, or its data directory cannot be made.
    """
    instance = Instance.at(name, root)
    instance.make()
    with locked(instance.dir / "lock", lambda: progress.say(IN_USE)):
        install = Install.load(instance) or Install.new()
        if sample_site is not None:
            install.sample_site = sample_site
        if cluster is not None:
            install.run_as(cluster=cluster)
        install.take_settings(env, instance)
        _leave_out(install.without if without is None else without, instance, install)
        if install.ports and (running := Running(instance, install)).supervisor.states():
            if running.is_whole():
                meanwhile(running.stack)
                running.renew_dashboards(env, progress)
                return running.stack
            progress.say("settings or code changed, or a part is down: starting anew")
        return _start(instance, install, env, progress, meanwhile)


def down(name: str, root: Path = DEFAULT_ROOT, progress: Progress = SILENT) -> int:
    """Stop an instance and end all processes that are left of it, browsers included.

    Returns:
        How many processes the supervisor did not stop, so that they were ended one by one.
    """
    instance = Instance.at(name, root)
    if not instance.dir.is_dir():  # somebody removed it while it ran; the mark still names it
        return _stop(instance, None)
    with locked(instance.dir / "lock", lambda: progress.say(IN_USE)):
        try:
            install = Install.load(instance)
        except BadInput:  # the mark is enough to end its processes
            install = None
        return _stop(instance, install)


def rotate(
    name: str,
    root: Path = DEFAULT_ROOT,
    *,
    progress: Progress = SILENT,
    env: Mapping[str, str] = os.environ,
) -> Stack:
    """Give every part of an instance new passwords and keys, and start the instance anew.

    What data hang on stays (`instance.KEPT`), and so do keys that a person gave.

    Raises:
        BadInput: There is no such instance.
        StackError: A part did not start; the next `up` goes on with the new secrets.
    """
    directory = Instance.at(name, root).dir
    _installed(directory)  # raises before the lock makes a file
    with locked(directory / "lock", lambda: progress.say(IN_USE)):
        instance, install = _installed(directory)
        _stop(instance, install)  # by the old ones
        install.rotate()
        return _start(instance, install, env, progress, lambda _: None)


def status(name: str, root: Path = DEFAULT_ROOT) -> list[PartStatus]:
    """Return the state of each part of an instance; empty when it was never started.

    Raises:
        BadInput: A file of the instance cannot be used.
    """
    instance = Instance.at(name, root)
    install = Install.load(instance) if instance.dir.is_dir() else None
    if install is None:
        return []
    running = Running(instance, install)
    states = running.supervisor.states() or {}

    def state_of(part: Part) -> PartStatus:
        info = states.get(part.program.name, {"statename": "DOWN", "pid": 0})
        return PartStatus(
            part.title,
            state=info["statename"],
            healthy=info["statename"] in ALIVE and part.is_healthy(info["start"]),
            log=instance.log_dir / f"{part.program.name}.log",
            memory=processes.memory_of(info["pid"]) if info["pid"] else processes.Memory(0, 0),
        )

    return [state_of(part) for part in running.parts.values()]


def read_stack(directory: Path) -> Stack:
    """Return an instance's addresses, log-ins and environment.

    Raises:
        BadInput: There is no instance in the directory.
    """
    instance, install = _installed(directory)
    stack = stack_of(instance, install)
    if stack.superset_env and "superset" not in install.done:
        # The instance is older than its Superset, which has no log-ins yet.
        ours = {key: v for key, v in stack.env.items() if not key.startswith("FILMPULSE_SUPERSET_")}
        return replace(
            stack,
            env=ours,
            urls=stack.urls | {"superset": None},
            superset_env={},
            superset_passwords={},
            left_out=stack.left_out | {"superset": "it was never started: `make up`"},
        )
    return stack


def has_dashboards_of_now(directory: Path) -> bool:
    """Say whether an instance's Superset has the dashboards of this checkout.

    Raises:
        BadInput: There is no instance in the directory.
    """
    return Running(*_installed(directory)).has_dashboards_of_now()


def sync_dashboards(name: str, root: Path = DEFAULT_ROOT) -> str:
    """Write this checkout's dashboards into a running Superset; return the list of changes.

    Does so even when it was done before: people may have changed dashboards since.

    Raises:
        BadInput: There is no such instance, it has no Superset, or its Superset does not run.
        StackError: The dashboards could not be written; none was changed.
    """
    directory = Instance.at(name, root).dir
    _installed(directory)  # raises before the lock makes a file
    with locked(directory / "lock"):
        return Running(*_installed(directory)).sync_dashboards(os.environ)


def wanted(name: str, root: Path, without: Iterable[str] | None) -> list[str]:
    """Return the parts of `instance.OPTIONAL` that `up` would start, installed or not.

    Raises:
        BadInput: A file of the instance, or a word of `without`, cannot be used.
    """
    instance = Instance.at(name, root)
    install = (Install.load(instance) if instance.dir.is_dir() else None) or Install.new()
    if without is not None:
        install.leave_out(without)
    return [part for part in OPTIONAL if part not in install.without]


def _installed(directory: Path) -> tuple[Instance, Install]:
    instance = Instance.at(directory.name, directory.parent)
    install = Install.load(instance)
    if install is None or not install.ports:
        raise BadInput(f"There is no instance in {directory}: start one with `make up`.")
    return instance, install


def _leave_out(without: Iterable[str], instance: Instance, install: Install) -> None:
    """Note which parts to leave out.

    Raises:
        BadInput: The lake would move between directory and S3 server, and is not empty.
    """
    before = install.without
    install.leave_out(without)
    if ("s3" in before) == ("s3" in install.without):
        return
    if "s3" in before:
        held, where = any(path.is_file() for path in instance.lake.rglob("*")), "directory `lake`"
    else:
        held, where = _store_holds_objects(instance, install), "S3 server"
    if held:
        raise BadInput(
            f"The lake of {instance.name} lies in its {where} and is not empty: it would be left "
            f'behind. Go on as before, with WITHOUT="{" ".join(before)}", or remove '
            f"{instance.dir} to start anew."
        )


def _store_holds_objects(instance: Instance, install: Install) -> bool:
    """Say whether the S3 server's bucket is not empty; start the server if it does not run."""
    if not any((instance.dir / "s3").iterdir()):
        return False  # it never ran
    if install.ports and (store := store_of(instance, install)).is_ready():
        return store.holds_objects(BUCKET)
    _stop(instance, install)  # some parts may run
    install.choose_ports()
    store = store_of(instance, install)
    with store.running(instance.log_dir / "s3.log", {MARK: str(instance.dir)}):
        return store.holds_objects(BUCKET)


def _start(
    instance: Instance,
    install: Install,
    env: Mapping[str, str],
    progress: Progress,
    meanwhile: Callable[[Stack], None],
) -> Stack:
    _stop(instance, install)
    install.choose_ports()
    (instance.dir / "s3.json").unlink(missing_ok=True)  # where older versions kept the S3 keys
    # A start that fails half-way must not be taken for a whole one.
    install.done.pop("start", None)
    install.save(instance)
    running = Running(instance, install)
    running.stack.write()
    running.start(env, progress, meanwhile)
    return running.stack


def _stop(instance: Instance, install: Install | None) -> int:
    """Have the supervisor stop its parts, then end what is left; return how many were left.

    The files of a Grid go too: they hold passwords, and lie outside the instance.
    """
    if install is not None and install.ports:
        supervisor_of(instance, install).stop()
    ended = processes.end_all(instance.dir)
    remove_homes(instance.dir / "grid")
    if install is not None and install.ports:
        remove_sockets(install.ports.values())
    return ended
