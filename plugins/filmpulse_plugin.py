"""Adds Filmpulse's pages, API and middleware to Airflow's web server.

Every part of Airflow loads this file, even each task: keep it light.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from filmpulse.web.headers import SecureHeaders
from filmpulse.web.log_in import PatientLogIn
from filmpulse.web.mount import PREFIX, WhenAsked


class FilmpulsePlugin(AirflowPlugin):
    """The pages with their entry in Airflow's menu, and the middleware of its web server."""

    name = "filmpulse"
    fastapi_apps: ClassVar[list[Any]] = [
        {"app": WhenAsked(), "url_prefix": PREFIX, "name": "Filmpulse"}
    ]
    # Without a route the entry opens the page itself: in Airflow's frame its links would be dead.
    external_views: ClassVar[list[Any]] = [
        {"name": "Movies", "href": f"{PREFIX}/", "destination": "nav", "nav_top_level": True}
    ]
    # The last is the outermost: its headers also stand on answers of the others.
    fastapi_root_middlewares: ClassVar[list[Any]] = [
        {"name": "Filmpulse's patient log-in", "middleware": PatientLogIn},
        {"name": "Filmpulse's secure headers", "middleware": SecureHeaders},
    ]
