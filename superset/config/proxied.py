"""Superset below a path of a host, as a proxy shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def below(path: str) -> Callable[[App], App]:
    """Return a WSGI middleware that adds the path to requests without it.

    Superset itself answers 404 to such requests. But who reaches it without the proxy (health
    checks, a backup) need not know where the proxy shows it.

    Args:
        path: Such as `/superset`.
    """

    def wrap(app: App) -> App:
        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            asked = environ.get("PATH_INFO", "")
            if not f"{asked}/".startswith(f"{path}/"):
                environ["PATH_INFO"] = path + asked
            return app(environ, start_response)

        return answer

    return wrap
