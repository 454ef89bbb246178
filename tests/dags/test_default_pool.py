"""The slots of Airflow's own pool, after an upgrade of Filmpulse."""

import pytest
from sqlalchemy import select

from filmpulse.airflow_bridge import objects


@pytest.fixture
def pool():
    """Ask for, or set, the slots of `default_pool`."""
    from airflow.models import Pool
    from airflow.utils.session import create_session

    def slots(number=None):
        with create_session() as session:
            found = session.scalar(select(Pool).where(Pool.pool == Pool.DEFAULT_POOL_NAME))
            found.slots = number or found.slots
            return found.slots

    return slots


@pytest.mark.parametrize(
    ("option", "before", "after"),
    [("4", 128, 4), ("4", 7, 7), (None, 128, 128)],
    ids=["airflow's own", "a person's", "no option"],
)
def test_setup_sets_it_unless_a_person_did(pool, monkeypatch, option, before, after):
    if option:
        monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_POOL_TASK_SLOT_COUNT", option)
    pool(before)
    objects.setup()
    assert pool() == after
