"""Free TCP ports on 127.0.0.1."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Collection

HOST = "127.0.0.1"
# Below the range that Linux (32768) and macOS (49152) hand out to outgoing connections, so that a
# port kept for weeks is not lent to somebody's browser while the stack is down.
FIRST, LAST = 18_000, 32_000
# The UDP sockets that mark this process's choices. Otherwise two starts at once could choose the
# same port, which looks free to both until a server takes it.
_claims: list[socket.socket] = []


def is_free(port: int) -> bool:
    """Say whether a server could listen on this port now."""
    with socket.socket() as probe:
        # As servers do: an old connection in TIME_WAIT does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose(taken: Collection[int] = (), is_usable: Callable[[int], bool] = is_free) -> int:
    """Return a free port that is not in `taken`, and that no other start chooses while we run.

    Args:
        taken: Ports that must not be chosen.
        is_usable: Says whether the server could take a port.

    Raises:
        OSError: No port in the range is free.
    """
    for _ in range(1_000):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if port not in taken and is_usable(port) and _claim(port):
            return port
    raise OSError(f"no free port between {FIRST} and {LAST} on {HOST}")


def _claim(port: int) -> bool:
    """Take the UDP port of this number until the process ends, as a mark for other processes."""
    claim = socket.socket(type=socket.SOCK_DGRAM)
    try:
        claim.bind((HOST, port))
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True
