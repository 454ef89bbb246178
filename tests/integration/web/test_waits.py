"""The count of wrong passwords on Postgres: many tries at once, and a flood of names."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, create_engine, text

from filmpulse.web import waits


@pytest.fixture
def engine(empty_database: str) -> Iterator[Engine]:
    made = create_engine(empty_database.replace("postgresql://", "postgresql+psycopg://"))
    with made.begin() as connection:
        waits.create(connection)
        waits.create(connection)  # as each setup does
    yield made
    made.dispose()


def _take(engine: Engine, name: str) -> int:
    with engine.begin() as connection:
        return waits.take(connection, name, "192.0.2.1")


def test_of_many_tries_at_once_ten_are_let_through(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        seconds = list(pool.map(lambda _: _take(engine, "admin"), range(40)))
    assert seconds.count(0) == 10
    assert set(seconds) - {0} <= {30, 29, 28, 27, 26, 25}


def test_a_flood_of_names_fills_no_disk_and_frees_nobody(engine: Engine) -> None:
    waiting = [_take(engine, "admin") for _ in range(11)][-1]
    assert waiting > 0
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO filmpulse_log_ins (who, tries, free_at) "
                "SELECT md5(n::text), 1, extract(epoch FROM now())::bigint - n % 1000 "
                "FROM generate_series(1, 30000) n"
            )
        )
    assert _take(engine, "Zoë") == 0
    with engine.begin() as connection:
        rows = connection.execute(text("SELECT count(*) FROM filmpulse_log_ins")).scalar()
    assert rows is not None
    assert rows <= 10_100
    assert _take(engine, "admin") > 0


def test_a_clock_that_went_back_keeps_nobody_out_for_long(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        now = 2_000_000_000.0

        @classmethod
        def time(cls) -> float:
            return cls.now

    monkeypatch.setattr(waits, "time", Clock)
    assert _take(engine, "admin") == 0
    Clock.now -= 30 * 86_400
    assert _take(engine, "admin") == 0
