"""Programs that run as if each had a machine of its own.

On Linux, as root, a program gets a host name and mounts of its own: it sees an empty /tmp, and of
the instance nothing but its own folder. It also loses root's rights over other processes and over
mounts, so that it can neither look into the control plane's environment nor take the mounts away.
Elsewhere it has a folder of its own, and nothing keeps it from the others.
"""

from __future__ import annotations

import functools
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from filmpulse.local.files import CHECKOUT

# The program's own folder is its working directory, which stays reachable as such when a mount
# hides the path to it.
_OWN_HOST = "; ".join(  # one line, since supervisord's configuration takes no more
    (
        "set -e",
        'echo "$0" > /proc/sys/kernel/hostname',
        "own=$1",
        "shift",
        'cd "$own"',
        'while [ "$1" != -- ]; do mount -t tmpfs -o mode=1777,nosuid,nodev own "$1"; shift; done',
        "shift",
        'mkdir -p "$own"',
        'mount --no-canonicalize --bind /proc/self/cwd "$own"',
        'cd "$own"',
        'exec "$@"',
    )
)
# Work below directories that are closed to root without rights, such as a person's checkout.
_RIGHTS = ("--bounding-set=-all,+dac_override", "--inh-caps=-all", "--no-new-privs")


@functools.cache
def can_separate() -> bool:
    """Say whether programs get hosts of their own here: Linux, root, allowed to mount."""
    if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "setpriv", "mount"))):
        return False
    tried = ["unshare", "--mount", "--uts", "mount", "-t", "tmpfs", "tried", "/tmp"]  # noqa: S108
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


def separate(name: str, folder: Path, hidden: Path, command: Sequence[str]) -> list[str]:
    """Wrap a command so that it runs on a host of its own, as far as that can be.

    Args:
        name: The host's name.
        folder: The one folder below `hidden` that the program sees; must exist.
        hidden: The instance's directory.
        command: Words, not shell.
    """
    if not can_separate():
        return ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(folder), *command]
    places = [Path("/tmp")]  # noqa: S108
    if CHECKOUT.is_relative_to(places[0]):  # the program itself lies there
        places = []
    if not any(hidden.is_relative_to(place) for place in places):
        places.append(hidden)
    return [
        *("unshare", "--mount", "--uts", "/bin/sh", "-c", _OWN_HOST, name, str(folder)),
        *(*map(str, places), "--", "setpriv", *_RIGHTS, *command),
    ]
