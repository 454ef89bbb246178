"""Run a script of this folder as the Superset of a local instance.

    python superset/run.py INSTANCE SCRIPT [ARGUMENT...]

Runs in the project's environment; the script in Superset's. `make superset-export` calls it.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit


def main() -> None:
    """Replace this process by the script."""
    from filmpulse import local
    from filmpulse.errors import FilmpulseError
    from filmpulse.local.instance import shared_env
    from filmpulse.local.superset import python

    instance, script, *arguments = sys.argv[1:]
    try:
        stack = local.read_stack(local.DEFAULT_ROOT / instance)
    except FilmpulseError as error:
        sys.exit(str(error))
    interpreter = python()
    if interpreter is None or not stack.superset_env:
        sys.exit(f"{instance} has no Superset: {stack.left_out.get('superset', 'make up')}")
    database = urlsplit(stack.superset_env["SUPERSET_METADATA_URL"])
    try:
        socket.create_connection((database.hostname, database.port), 5).close()
    except OSError:
        sys.exit(f"{instance} does not run: start it first")
    command = [str(interpreter), str(Path(__file__).with_name(script)), *arguments]
    os.execve(interpreter, command, shared_env(stack, os.environ) | stack.superset_env)  # noqa: S606


if __name__ == "__main__":
    main()
