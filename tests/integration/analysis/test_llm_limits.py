"""As many reviews as a limit allows, and never one request more than it allows."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from llmock.chaos import ChaosSettings
from llmock.verdict import judge

pytestmark = pytest.mark.usefixtures("no_lost_errors")

CHAT = "/v1/chat/completions"
RPM = 300


@pytest.fixture
def drained(scoring, llmock):
    """Settings for an endpoint whose minute is used up: from now on it lets in five a second.

    llmock begins with the whole minute's requests at hand, so without this the first 300 would
    find no limit.
    """
    settings = scoring.settings(llmock.base_url())
    llmock.limits(rpm=RPM)
    key = settings.llm_api_key.get_secret_value()
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        while client.get(f"{llmock.base_url()}/models").status_code == 200:
            continue
    llmock._server.state.journal.clear()
    return settings


def chats(llmock):
    return [record for record in llmock.requests if record.path == CHAT]


@pytest.mark.parametrize("count", [40, pytest.param(150, marks=pytest.mark.drill)])
def test_reviews_pass_a_limit_of_300_a_minute_and_5_percent_of_faults(
    scoring, drained, llmock, monkeypatch, count
):
    """The limit is learned from the answers: our own is 2,000 times as large."""
    monkeypatch.setattr("llmock.chaos.random", random.Random(5))
    llmock._server.state.chaos = ChaosSettings(latency_ms=50, error_rates={503: 0.05})
    texts = scoring.many(count)
    analyses = scoring.run(drained, texts)
    assert Counter(a.status for a in analyses) == {"scored": count}
    seen = chats(llmock)
    by_status = Counter(record.status for record in seen)
    assert by_status[200] == count
    assert by_status[503] >= 1
    assert 429 not in [record.status for record in seen[1:]]
    llmock.assert_resilient()
    # Nor does it dawdle: most of what would have been let in was asked for.
    elapsed = seen[-1].started_at - seen[0].started_at
    assert (len(seen) - 1) / elapsed > 0.8 * RPM / 60

    assert len(scoring.run(drained, texts, run_id="again")) == count
    assert len(chats(llmock)) == len(seen)


def test_two_workers_share_a_key(scoring, drained, llmock):
    """Neither knows of the other but by what the endpoint has left; both get on."""
    texts = scoring.many(30)
    together = threading.Barrier(2)

    def work(number):
        with scoring.analyser(drained, run_id=str(number)) as analyser:
            together.wait(30)
            return list(analyser.analyse(texts[number::2]))

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(work, range(2)))
    assert [Counter(a.status for a in analyses) for analyses in found] == [{"scored": 15}] * 2
    by_status = Counter(record.status for record in chats(llmock))
    assert by_status[200] == 30
    # Both ask for the list of models at once, which would be judged as a retry.
    judge(chats(llmock)).assert_ok()
