"""What tests of DAGs share."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _database(airflow_database: None) -> None:
    """Airflow's database, new for each file."""
