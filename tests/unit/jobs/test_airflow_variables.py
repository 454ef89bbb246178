"""What is said of Airflow's database, when several threads ask at once."""

from __future__ import annotations

import logging
import threading

import pytest
from sqlalchemy.exc import OperationalError

from filmpulse.airflow_bridge.variables import metadata_answers
from filmpulse.errors import AirflowUnavailable, Retryable

AIRFLOWS = "airflow.models.variable"


def said(caplog: pytest.LogCaptureFixture) -> bool:
    """Say whether a line of Airflow's is logged now."""
    caplog.clear()
    logging.getLogger(AIRFLOWS).error("a traceback")
    return bool(caplog.records)


def test_airflow_logs_again_after_two_questions_at_once(caplog) -> None:
    first_is_in, second_is_in = threading.Event(), threading.Event()

    def first() -> None:
        with metadata_answers():
            first_is_in.set()
            second_is_in.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    first_is_in.wait(10)
    assert said(caplog)  # another thread's question is not this one's
    with metadata_answers():
        second_is_in.set()
        thread.join(10)
        assert not said(caplog)
    assert said(caplog)


def test_an_outage_can_be_retried_and_has_a_reason_of_its_own() -> None:
    with pytest.raises(AirflowUnavailable, match="no route to host") as caught, metadata_answers():
        raise OperationalError("SELECT 1", {}, Exception("no route to host"))
    assert isinstance(caught.value, Retryable)
    assert caught.value.reason == "airflow_unavailable"
