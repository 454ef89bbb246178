"""Run a module of this package with the variables of a local instance's Superset.

    python -m superset_tools.run INSTANCE MODULE [ARGUMENT...]

This module runs in the project's Python environment, the other in Superset's. `make
superset-export` calls it.
"""

from __future__ import annotations

import os
import sys

import httpx

from filmpulse import local
from filmpulse.errors import FilmpulseError
from filmpulse.local.instance import shared_env
from filmpulse.local.superset import python


def running(instance: str) -> local.Stack:
    """Return an instance whose Superset runs; exit with a message if it does not."""
    try:
        stack = local.read_stack(local.DEFAULT_ROOT / instance)
    except FilmpulseError as error:
        sys.exit(str(error))
    if stack.urls["superset"] is None:
        sys.exit(f"`{instance}` has no Superset: {stack.left_out['superset']}.")
    try:
        httpx.get(f"{stack.urls['superset']}/health", trust_env=False).raise_for_status()
    except httpx.HTTPError:
        start = "make demo" if instance == "demo" else "make up"
        sys.exit(f"The Superset of `{instance}` does not run: `{start}` first.")
    return stack


def main() -> None:
    """Replace this process by the module."""
    instance, module, *arguments = sys.argv[1:]
    stack = running(instance)
    command = [str(python()), "-m", f"superset_tools.{module}", *arguments]
    os.execve(command[0], command, shared_env(stack, os.environ) | stack.superset_env)  # noqa: S606


if __name__ == "__main__":
    main()
