"""What tests of the web share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.airflow_web import add_a_run_that_asks, airflow_web


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, airflow_database: None) -> Iterator[Any]:
    """Airflow's whole web server, with the plugin as Airflow loads it; 10 s."""
    with airflow_web(tmp_path_factory.mktemp("passwords")) as made:
        add_a_run_that_asks()
        yield made
