"""Close a connection in the middle of an answer."""

from __future__ import annotations

import socket
import struct

from starlette.types import Receive


async def hang_up(receive: Receive, *, reset: bool = False) -> None:
    """Close the connection during an answer, in good order or by a TCP reset.

    ASGI has no message for this. `receive` is a method of uvicorn's request cycle, which has the
    transport.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("a switch hangs up on this request")
    if reset:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()
    # Wait until uvicorn has noticed; else it would log an error about the unfinished answer.
    while (await receive())["type"] != "http.disconnect":
        pass
