"""The token that our pages carry against forms of other sites; the guard asks for it."""

from __future__ import annotations

import hmac

from filmpulse.web.door import Door, Visitor

TOKEN_HEADER, TOKEN_FIELD = "X-Filmpulse-Token", "token"
"""Where a request carries the token: a header, or a field of a form."""


def token_of(visitor: Visitor, door: Door) -> str:
    """Return the token that a visitor's pages carry: HMAC-SHA256 of the name, 64 hex digits."""
    return hmac.digest(door.secret, f"filmpulse pages\0{visitor.name}".encode(), "sha256").hex()


def is_token(given: str, visitor: Visitor, door: Door) -> bool:
    """Say whether a token is the visitor's."""
    return hmac.compare_digest(given.encode(), token_of(visitor, door).encode())
