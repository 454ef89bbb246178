"""Hangs Filmpulse into Airflow's web server.

Every part of Airflow loads this file, each task too: keep it light.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from filmpulse.web.headers import SecureHeaders
from filmpulse.web.log_in import PatientLogIn


class FilmpulsePlugin(AirflowPlugin):
    """What Airflow's web server has of ours."""

    name = "filmpulse"
    # The last is the outermost: its headers stand on what the others answer, too.
    fastapi_root_middlewares: ClassVar[list[Any]] = [
        {"name": "Filmpulse's patient log-in", "middleware": PatientLogIn},
        {"name": "Filmpulse's secure headers", "middleware": SecureHeaders},
    ]
