"""Programs that run as if each had a machine of its own.

On Linux, as root, a program gets a host name and mounts of its own: it sees an empty /tmp, of all
instances nothing but its own folder, and nothing of root's copies. It also loses root's rights over
mounts and over what other processes know, so that it can neither take the mounts away nor look into
the environment of the control plane or of another such program. Elsewhere it has a folder of its
own, and nothing keeps it from the others.
"""

from __future__ import annotations

import functools
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filmpulse.local.files import CHECKOUT
from filmpulse.local.postgres import COPIES

# The program's own folder is its working directory, which stays reachable as such when a mount
# hides the path to it.
_OWN_HOST = "; ".join(  # one line, since supervisord's configuration takes no more
    (
        "set -e",
        'echo "$0" > /proc/sys/kernel/hostname',
        "own=$1",
        "shift",
        'cd "$own"',
        'hide() { [ ! -d "$1" ] || mount -t tmpfs -o mode=1777,nosuid,nodev own "$1"; }',
        'while [ "$1" != -- ]; do hide "$1"; shift; done',
        "shift",
        'mkdir -p "$own"',
        'mount --no-canonicalize --bind /proc/self/cwd "$own"',
        'cd "$own"',
        'exec "$@"',
    )
)
# Work below directories that are closed to root without rights, such as a person's checkout.
_KEPT = "dac_override"
# A process may look into another of the same user if it has every right of the other. So each
# program keeps one right more, of no use to it, that none of the others has.
_ONE_MORE = ("fsetid", "audit_write", "net_bind_service")


@functools.cache
def can_separate() -> bool:
    """Say whether programs get hosts of their own here: Linux, root, allowed to mount."""
    if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "setpriv", "mount"))):
        return False
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "own"
        folder.mkdir()
        tried = _separated("tried", 0, folder, [Path(place)], ["true"])
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def host_name(name: str) -> str:
    """Return the host name that a program of this name sees."""
    return name if can_separate() else socket.gethostname()


def named(name: str, command: Sequence[str]) -> list[str]:
    """Wrap a command so that it has a host name of its own, where that can be."""
    if not can_separate():
        return list(command)
    script = 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"'
    return ["unshare", "--uts", "/bin/sh", "-c", script, name, *command]


def separate(
    name: str, number: int, folder: Path, instance: Path, command: Sequence[str]
) -> list[str]:
    """Wrap a command so that it runs on a host of its own, as far as that can be.

    Args:
        name: The host's name.
        number: From 0 to 2; programs of the same number can look into each other's environment.
        folder: The one folder below `instance` that the program sees; must exist.
        instance: The instance's directory. Its neighbours are hidden too, unless the program itself
            lies there.
        command: Words, not shell.
    """
    if not can_separate():
        return ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(folder), *command]
    needed = (CHECKOUT, Path(sys.prefix), Path(sys.base_prefix))
    places: list[Path] = []
    for place in (Path("/tmp"), instance.parent, instance, COPIES):  # noqa: S108
        if not any(each.is_relative_to(place) for each in needed) and not any(
            place.is_relative_to(above) for above in places
        ):
            places.append(place)
    return _separated(name, number, folder, places, command)


def _separated(
    name: str, number: int, folder: Path, hidden: Sequence[Path], command: Sequence[str]
) -> list[str]:
    rights = f"--bounding-set=-all,+{_KEPT},+{_ONE_MORE[number]}"
    return [
        *("unshare", "--mount", "--uts", "/bin/sh", "-c", _OWN_HOST, name, str(folder)),
        *(*map(str, hidden), "--", "setpriv", rights, "--inh-caps=-all", "--no-new-privs"),
        *command,
    ]
