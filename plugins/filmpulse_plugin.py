"""Adds Filmpulse's pages, API and middleware to Airflow's web server.

Every part of Airflow loads this file, even each task: keep it light.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from filmpulse.web.headers import SecureHeaders
from filmpulse.web.log_in import PatientLogIn
from filmpulse.web.mount import PREFIX, WhenAsked
from filmpulse.web.proxied import BelowPath


class FilmpulsePlugin(AirflowPlugin):
    """The pages with their entry in Airflow's menu, and the middleware of its web server."""

    name = "filmpulse"
    fastapi_apps: ClassVar[list[Any]] = [
        {"app": WhenAsked(), "url_prefix": PREFIX, "name": "Filmpulse"}
    ]
    # Airflow draws this app as a page of its own, and it leads on to ours: in a frame, as Airflow
    # shows an external view, links out are dead, and one without a frame is a button that does
    # nothing (3.3.2).
    react_apps: ClassVar[list[Any]] = [
        {
            "name": "Movies",
            "bundle_url": f"{PREFIX[1:]}/static/menu.js",  # relative: Airflow may have a path
            "icon": f"{PREFIX[1:]}/static/icon.svg",
            "destination": "nav",
            "url_route": "movies",
            "nav_top_level": True,
        }
    ]
    # The last is the outermost: its headers also stand on answers of the others.
    fastapi_root_middlewares: ClassVar[list[Any]] = [
        {"name": "Filmpulse's patient log-in", "middleware": PatientLogIn},
        {"name": "Filmpulse's secure headers", "middleware": SecureHeaders},
        {"name": "Filmpulse's path", "middleware": BelowPath},
    ]
