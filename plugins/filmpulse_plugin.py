"""Adds Filmpulse's middleware to Airflow's web server.

Every part of Airflow loads this file, even each task: keep it light.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from filmpulse.web.headers import SecureHeaders
from filmpulse.web.log_in import PatientLogIn


class FilmpulsePlugin(AirflowPlugin):
    """The middleware for Airflow's web server."""

    name = "filmpulse"
    # The last is the outermost: its headers also stand on answers of the others.
    fastapi_root_middlewares: ClassVar[list[Any]] = [
        {"name": "Filmpulse's patient log-in", "middleware": PatientLogIn},
        {"name": "Filmpulse's secure headers", "middleware": SecureHeaders},
    ]
