"""Superset below a path: a request without the path gets one."""

from __future__ import annotations

from typing import Any

import pytest

from proxied import below


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("/health", "/superset/health"),
        ("/superset/health", "/superset/health"),
        ("/superset", "/superset"),
        ("/supersets", "/superset/supersets"),
        ("", "/superset"),
    ],
)
def test_the_path_is_added_once(asked: str, found: str) -> None:
    seen: list[str] = []

    def app(environ: dict[str, Any], _: Any) -> list[bytes]:
        seen.append(environ["PATH_INFO"])
        return []

    below("/superset")(app)({"PATH_INFO": asked}, None)
    assert seen == [found]
