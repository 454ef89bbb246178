"""The ledger: who may send which text, what stays of the answers, no budget ever exceeded."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from hashlib import sha256

import psycopg
import pytest
from psycopg.rows import dict_row

from filmpulse.errors import LlmRefused, WarehouseUnavailable
from filmpulse.items import AspectScore, Call, Reading, ReviewText, content_hash
from filmpulse.warehouse import Warehouse, sql
from filmpulse.warehouse.ledger import open_ledger

MOVIE = "tt99000001"
MOST = 0.001
WORDS = ("The Glass Orchard", "Żółta łódź 👩‍🚀 \u2028 “dull”, 100% {dull}; DROP TABLE --")


@pytest.fixture(scope="module")
def warehouse(databases, _warehouse_template):
    url = databases.create(_warehouse_template)
    yield Warehouse(url)
    databases.drop(url)


@pytest.fixture
def db(warehouse):
    """A look from outside, on a connection that sees what is committed; one movie, no reviews."""
    with psycopg.connect(warehouse.url, autocommit=True, row_factory=dict_row) as connection:
        for table in ("core.movies", "ops.llm_results", "ops.llm_calls"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'M', now())",
            (MOVIE,),
        )
        yield connection


def add_review(db, number, body=None):
    """Store a review; return what an analyser is given of it."""
    title, body = WORDS[0], body or f"{WORDS[1]} {number}"
    text = ReviewText(
        source="imdb",
        review_id=f"rw{number}",
        imdb_id=MOVIE,
        content_hash=content_hash(title, body),
        language="en",
        text=f"{title}\n\n{body}",
    )
    db.execute(
        """INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler,
                                     content_hash, first_seen_at)
           VALUES ('imdb', %s, %s, %s, %s, false, %s, now())""",
        (text.review_id, MOVIE, title, body, text.content_hash),
    )
    return text


def add_reviews(db, count):
    return [add_review(db, number) for number in range(count)]


def key_of(text):
    return sha256(text.text.encode()).hexdigest()


def opened(warehouse, run_id="run", run_usd=1.0, day_usd=1.0):
    return open_ledger(
        warehouse,
        run_id=run_id,
        model="toy",
        prompt_version="aspects_v0.00000000",
        run_usd=run_usd,
        day_usd=day_usd,
    )


@pytest.fixture
def ledger(warehouse):
    with opened(warehouse) as ledger:
        yield ledger


def begin(ledger, text, *, most_usd=MOST, lease_seconds=60.0, after=None):
    return ledger.begin(
        key_of(text), text, most_usd=most_usd, lease_seconds=lease_seconds, after=after
    )


def answered(usd=0.0004):
    return Call(
        outcome="scored", http_status=200, input_tokens=1200, output_tokens=90, cost_usd=usd
    )


def reading(text, score=1):
    quote = text.text[-12:]
    start = len(text.text) - 12
    return Reading(
        status="scored",
        overall=score,
        overall_quote=quote,
        overall_quote_start=start,
        aspects=(
            AspectScore(aspect="acting", score=-2, quote=quote, quote_start=start),
            AspectScore(aspect="sound", score=0),
        ),
    )


LOST = Call(outcome="timeout", sentence="No answer within 60 s.")
BUSY = Call(outcome="unavailable", http_status=503, cost_usd=0, sentence="503")


def together(count, work):
    """Run one function on so many threads, begun at the same moment; return what they say."""
    barrier = threading.Barrier(count)

    def begun(number):
        barrier.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begun, range(count)))


def calls(db):
    return db.execute("SELECT * FROM ops.llm_calls ORDER BY call_id").fetchall()


def expire(db, *keys):
    db.execute("UPDATE ops.llm_results SET leased_until = now() WHERE key = ANY(%s)", (list(keys),))


def somebody_waits_for_a_turn(db):
    query = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return db.execute(query).fetchone()["n"] == 1


# --------------------------------------------------------------------- leases


@pytest.mark.parametrize("workers", [2, 8])
def test_one_of_many_gets_a_text(warehouse, db, workers):
    text = add_review(db, 1)
    with ExitStack() as stack:
        ledgers = [stack.enter_context(opened(warehouse, f"run {n}")) for n in range(workers)]
        said = together(workers, lambda n: begin(ledgers[n], text))
    assert said.count("leased") == workers - 1
    assert [call["call_id"] for call in calls(db)] == [n for n in said if n != "leased"]


@pytest.mark.parametrize("workers", [2, 8])
def test_one_of_many_takes_over_when_the_lease_is_over(warehouse, db, ledger, workers):
    text = add_review(db, 1)
    first = begin(ledger, text)
    expire(db, key_of(text))
    with ExitStack() as stack:
        ledgers = [stack.enter_context(opened(warehouse, f"run {n}")) for n in range(workers)]
        said = together(workers, lambda n: begin(ledgers[n], text))
        (second,) = [n for n in said if n != "leased"]
        # the one who lost it can neither go on with it nor free it
        assert begin(ledger, text, after=first) == "leased"
        ledger.end(first, LOST)
        assert begin(ledger, text) == "leased"
        ledgers[said.index(second)].end(second, answered(), reading(text))
    assert begin(ledger, text) == "answered"


def test_the_first_answer_stays_even_when_it_is_late(warehouse, db, ledger):
    early, late = add_reviews(db, 2)
    with opened(warehouse, "other") as other:
        for text, order in ((early, (0, 1)), (late, (1, 0))):
            first = begin(ledger, text)
            expire(db, key_of(text))
            second = begin(other, text)
            ends = [(ledger, first, 1), (other, second, 2)]
            for n in order:
                holder, call_id, score = ends[n]
                holder.end(call_id, answered(), reading(text, score))
            assert ledger.find([key_of(text)])[key_of(text)].overall == order[0] + 1
    assert [call["outcome"] for call in calls(db)] == ["scored"] * 4  # each was paid


def test_a_failed_call_frees_its_text_at_once(warehouse, db, ledger):
    text = add_review(db, 1)
    ledger.end(begin(ledger, text), BUSY)
    with opened(warehouse, "other") as other:
        assert isinstance(begin(other, text), int)
    assert ledger.find([key_of(text)]) == {}


def test_who_will_repeat_keeps_the_text_and_goes_on(warehouse, db, ledger):
    text = add_review(db, 1)
    first = begin(ledger, text)
    ledger.end(first, BUSY, keeps_lease=True)
    with opened(warehouse, "other") as other:
        assert begin(other, text) == "leased"
        second = begin(ledger, text, after=first)
        assert isinstance(second, int)
        assert begin(other, text) == "leased"
        assert begin(ledger, text, after=first) == "leased"  # it holds it no more
        ledger.end(second, answered(), reading(text))
        assert begin(other, text) == "answered"


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_a_run_that_is_over_holds_nothing_that_it_does_not_await(warehouse, db, ledger, ends):
    waiting, repeated, flying = add_reviews(db, 3)
    with ExitStack() as stack:
        if ends == "badly":
            stack.enter_context(pytest.raises(KeyError))
        run = stack.enter_context(opened(warehouse, "over"))
        first = begin(run, repeated)
        run.end(first, BUSY, keeps_lease=True)
        begin(run, repeated, after=first)
        run.end(begin(run, waiting), BUSY, keeps_lease=True)
        begin(run, flying)
        if ends == "badly":
            raise KeyError
    assert isinstance(begin(ledger, waiting), int)
    assert begin(ledger, repeated) == "leased"  # sent, and nobody knows what became of it
    assert begin(ledger, flying) == "leased"


def test_a_lease_runs_from_the_turn_and_not_from_the_wait(warehouse, db, ledger):
    text = add_review(db, 1)
    with psycopg.connect(warehouse.url) as turn, ThreadPoolExecutor(1) as pool:
        turn.execute(sql("ledger_turn"))
        said = pool.submit(begin, ledger, text, lease_seconds=60.0)
        while not somebody_waits_for_a_turn(db):
            assert not said.done()
        (moment,) = turn.execute("SELECT clock_timestamp()").fetchone()
        turn.commit()
        said.result(30)
    row = db.execute(
        """SELECT r.leased_until - make_interval(secs => 60) AS leased_at, c.started_at
           FROM ops.llm_results r JOIN ops.llm_calls c ON c.call_id = r.leased_by"""
    ).fetchone()
    assert row["leased_at"] >= moment
    assert row["started_at"] >= moment


def test_a_lost_connection_inside_a_turn_leaves_nothing_and_nobody_waiting(warehouse, db, ledger):
    text = add_review(db, 1)

    def work():
        with opened(warehouse, "killed") as killed:
            begin(killed, text)

    with psycopg.connect(warehouse.url) as reader, ThreadPoolExecutor(1) as pool:
        # In the middle of its turn it waits for a table that somebody else has locked.
        reader.execute("LOCK TABLE ops.llm_calls IN EXCLUSIVE MODE")
        said = pool.submit(work)
        query = """SELECT pg_terminate_backend(pid) FROM pg_locks
                   WHERE relation = 'ops.llm_calls'::regclass AND NOT granted"""
        while not db.execute(query).fetchall():
            assert not said.done()
        with pytest.raises(WarehouseUnavailable):
            said.result(30)
        reader.rollback()
    assert calls(db) == []
    assert db.execute("SELECT FROM ops.llm_results").fetchall() == []
    assert isinstance(begin(ledger, text), int)


def test_who_falls_silent_in_its_turn_loses_it(warehouse, db, ledger):
    """A machine that lost its power; the 30 seconds are shortened here."""
    text = add_review(db, 1)

    def work():
        with opened(warehouse, "silent") as silent:
            connection = silent._connection
            shown = connection.execute("SHOW idle_in_transaction_session_timeout").fetchone()
            assert shown == {"idle_in_transaction_session_timeout": "30s"}
            connection.execute("SET idle_in_transaction_session_timeout = '50ms'")
            with connection.transaction():
                connection.execute(sql("ledger_turn"))
                assert isinstance(begin(ledger, text), int)  # waits until the silent one is out
                begin(silent, text)

    with pytest.raises(WarehouseUnavailable):
        work()


# --------------------------------------------------------------------- answers


@pytest.mark.parametrize("status", ["scored", "refused", "content_filter", "truncated", "invalid"])
def test_every_final_answer_is_kept_as_it_was(warehouse, db, ledger, status):
    text = add_review(db, 1)
    given = reading(text) if status == "scored" else Reading(status=status)
    ledger.end(begin(ledger, text), Call(outcome=status, cost_usd=0), given)
    with opened(warehouse, "other") as other:
        assert other.find([key_of(text), "0" * 64]) == {key_of(text): given}
        assert begin(other, text) == "answered"
    assert ledger.find([]) == {}


def test_an_answer_without_aspects_is_an_answer(db, ledger):
    text = add_review(db, 1)
    ledger.end(begin(ledger, text), answered(), Reading(status="scored", overall=0))
    assert ledger.find([key_of(text)]) == {key_of(text): Reading(status="scored", overall=0)}


@pytest.mark.parametrize("status", ["failed", "over_budget"])
def test_what_is_not_final_is_no_answer(db, ledger, status):
    text = add_review(db, 1)
    call_id = begin(ledger, text)
    with pytest.raises(psycopg.errors.CheckViolation):
        ledger.end(call_id, LOST, Reading(status=status))
    assert calls(db)[0]["outcome"] is None  # all of it or nothing
    ledger.end(call_id, LOST)
    assert calls(db)[0]["outcome"] == "timeout"


def test_every_figure_of_a_call_is_written_down(db, ledger):
    text = add_review(db, 1)
    call = Call(
        outcome="scored",
        http_status=200,
        request_id="req_Ż",
        service_tier="flex",
        input_tokens=1200,
        cached_tokens=1024,
        cache_write_tokens=12,
        output_tokens=90,
        reasoning_tokens=7,
        cost_usd=0.00012345,
        quotes_given=6,
        quotes_dropped=1,
        sentence="1 of 6 quotes is not in the text.",
    )
    ledger.end(begin(ledger, text, most_usd=0.00056789), call, reading(text))
    (row,) = calls(db)
    assert Call.model_validate({name: row[name] for name in Call.model_fields}) == call
    assert (row["key"], row["run_id"], row["imdb_id"]) == (key_of(text), "run", MOVIE)
    assert (row["model"], row["prompt_version"]) == ("toy", "aspects_v0.00000000")
    assert row["reserved_usd"] == Decimal("0.00056789")
    assert row["started_at"] <= row["finished_at"]


def test_words_that_nobody_has_any_more_are_not_sent(db, ledger):
    erased, dropped, edited, shared = add_reviews(db, 4)
    db.execute("DELETE FROM core.reviews WHERE review_id IN ('rw0', 'rw3')")
    db.execute("UPDATE core.reviews SET title = NULL, body = NULL WHERE review_id = 'rw1'")
    db.execute(
        """INSERT INTO core.review_revisions (source, review_id, replaced_at, imdb_id, title, body,
                                              is_spoiler, content_hash)
           VALUES ('imdb', 'rw2', now(), %s, 'T', 'B', false, %s)""",
        (MOVIE, edited.content_hash),
    )
    db.execute("UPDATE core.reviews SET content_hash = 'another' WHERE review_id = 'rw2'")
    add_review(db, 4, shared.text.partition("\n\n")[2])
    said = [begin(ledger, text) for text in (erased, dropped, edited, shared)]
    assert said[:2] == ["erased", "erased"]
    assert all(isinstance(one, int) for one in said[2:])
    assert len(calls(db)) == 2


# --------------------------------------------------------------------- money


def test_a_budget_can_be_spent_to_the_last_hundred_millionth(warehouse, db):
    texts = add_reviews(db, 12)
    with opened(warehouse, "a", run_usd=0.3, day_usd=10) as ledger:
        said = [begin(ledger, text, most_usd=0.1) for text in texts[:4]]  # 0.1 + 0.1 + 0.1 > 0.3
        assert said[3] == "over_run_budget"
        assert all(isinstance(one, int) for one in said[:3])
        assert isinstance(begin(ledger, texts[3], most_usd=0), int)
    with opened(warehouse, "b", run_usd=10, day_usd=0.40000001) as ledger:
        assert begin(ledger, texts[4], most_usd=0.10000002) == "over_day_budget"
        assert isinstance(begin(ledger, texts[4], most_usd=0.10000001), int)
        assert begin(ledger, texts[5], most_usd=0.00000001) == "over_day_budget"
    with opened(warehouse, "c", run_usd=float("inf"), day_usd=100_000_000) as ledger:
        assert isinstance(begin(ledger, texts[6], most_usd=999), int)
    with opened(warehouse, "free", run_usd=0, day_usd=0) as ledger:
        assert begin(ledger, texts[7], most_usd=0) == "over_day_budget"
        db.execute("DELETE FROM ops.llm_calls")
        assert isinstance(begin(ledger, texts[7], most_usd=0), int)


def test_what_costs_less_makes_room_and_what_is_unknown_does_not(warehouse, db):
    texts = add_reviews(db, 4)
    with opened(warehouse, run_usd=0.002) as ledger:
        first, second = begin(ledger, texts[0]), begin(ledger, texts[1])
        assert begin(ledger, texts[2]) == "over_run_budget"
        ledger.end(first, LOST)
        assert begin(ledger, texts[2]) == "over_run_budget"
        ledger.end(second, answered(0.0), reading(texts[1]))
        assert isinstance(begin(ledger, texts[2]), int)
        assert begin(ledger, texts[3]) == "over_run_budget"
    # nothing is held by who was told no
    with opened(warehouse, "other") as other:
        assert isinstance(begin(other, texts[3]), int)


@pytest.mark.parametrize("over", ["run", "day"])
def test_eight_workers_never_spend_more_than_there_is(request, warehouse, db, over):
    """A trigger looks after every statement, so no moment is missed."""
    budget, most, workers, each = Decimal("0.0205"), 0.001, 8, 6
    db.execute(
        f"""CREATE FUNCTION ops.guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(coalesce(cost_usd, reserved_usd)) FROM ops.llm_calls) > {budget} THEN
                RAISE EXCEPTION 'the budget was exceeded';
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER guard AFTER INSERT OR UPDATE ON ops.llm_calls
            FOR EACH STATEMENT EXECUTE FUNCTION ops.guard()"""  # noqa: S608
    )
    request.addfinalizer(lambda: db.execute("DROP FUNCTION ops.guard CASCADE"))
    texts = add_reviews(db, workers * each)

    def work(number):
        said = []
        budgets = {f"{over}_usd": float(budget)}
        with opened(warehouse, "run" if over == "run" else f"run {number}", **budgets) as ledger:
            for text in texts[number::workers]:
                said.append(begin(ledger, text, most_usd=most))
                if isinstance(said[-1], int) and number % 2:
                    ledger.end(said[-1], answered(0.0005), reading(text))
        return said

    said = [one for some in together(workers, work) for one in some]
    assert set(map(str, said)) >= {f"over_{over}_budget"}
    spent = sum(call["cost_usd"] or call["reserved_usd"] for call in calls(db))
    assert budget - Decimal(str(most)) < spent <= budget
    assert len(calls(db)) == sum(isinstance(one, int) for one in said)


def test_the_day_begins_at_midnight_in_utc_wherever_the_server_is(warehouse, db):
    texts = add_reviews(db, 3)
    with opened(warehouse, "yesterday", day_usd=0.0015) as ledger:
        begin(ledger, texts[0])
    midnight = "date_trunc('day', now(), 'UTC')"
    with opened(warehouse, "today", day_usd=0.0015) as ledger:
        for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
            ledger._connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
            db.execute(f"UPDATE ops.llm_calls SET started_at = {midnight}")  # noqa: S608
            assert begin(ledger, texts[1]) == "over_day_budget"
        db.execute(f"UPDATE ops.llm_calls SET started_at = {midnight} - interval '1 us'")  # noqa: S608
        assert isinstance(begin(ledger, texts[1]), int)
        assert begin(ledger, texts[2]) == "over_day_budget"
    # of a run that goes on after midnight all counts
    with opened(warehouse, "yesterday", run_usd=0.0015) as ledger:
        assert begin(ledger, texts[2]) == "over_run_budget"


NOTES = ["unsafe_certificate", "not_an_api", "unusable_answers"]


@pytest.mark.parametrize("reason", NOTES)
def test_a_note_of_why_a_run_stops_holds_for_its_other_tasks(warehouse, db, reason):
    text = add_review(db, 1)
    values = {"run_id": "a", "model": "toy", "prompt_version": "v", "outcome": reason,
              "sentence": "Of no use."}  # fmt: skip
    for _ in range(2):
        db.execute(sql("note_refusal"), values)
    (note,) = calls(db)
    assert (note["key"], note["outcome"], note["cost_usd"]) == (None, reason, 0)
    with opened(warehouse, "a") as a, opened(warehouse, "b") as b:
        with pytest.raises(LlmRefused, match="Of no use") as said:
            begin(a, text)
        assert said.value.reason == reason
        assert isinstance(begin(b, text), int)
    # No request was sent for it.
    (day,) = db.execute("SELECT sum(calls) AS calls FROM mart.llm_days").fetchall()
    assert day["calls"] == 1


@pytest.mark.parametrize("reason", ["key_refused", "model_refused", "quota_exhausted"])
def test_a_refusal_stops_its_run_and_no_other(warehouse, db, reason):
    texts = add_reviews(db, 4)
    with opened(warehouse, "a") as one, opened(warehouse, "a") as two, opened(warehouse, "b") as b:
        first, second = begin(one, texts[0]), begin(one, texts[1])
        refused = Call(outcome=reason, http_status=401, cost_usd=0, sentence="Z: refused first.")
        one.end(first, refused)
        one.end(second, refused.model_copy(update={"sentence": "A: refused again."}))
        for ledger in (one, two):
            with pytest.raises(LlmRefused, match="Z: refused first") as said:
                begin(ledger, texts[2])
            assert said.value.reason == reason
        assert isinstance(begin(b, texts[0]), int)
        assert isinstance(begin(b, texts[2]), int)
        # who mended it and clears the task goes on under the same run id
        db.execute("UPDATE ops.llm_calls SET finished_at = finished_at - interval '5 minutes'")
        assert isinstance(begin(two, texts[3]), int)


def test_begin_and_erasing_and_ending_do_not_wait_for_each_other(warehouse, db):
    """All at once on the same rows: a deadlock would be an error in one of them."""
    texts = add_reviews(db, 24)
    keys = [key_of(text) for text in texts]

    def work(number):
        if number == 0:
            for text in texts:
                with psycopg.connect(warehouse.url) as connection:
                    connection.execute(sql("ledger_turn"))
                    connection.execute(
                        "DELETE FROM core.reviews WHERE review_id = %s", (text.review_id,)
                    )
                    connection.execute(sql("erase_answers"), {"hashes": [text.content_hash]})
            return []
        with opened(warehouse, f"run {number}") as ledger:
            for text in texts[:: 1 if number % 2 else -1]:
                said = begin(ledger, text)
                if isinstance(said, int):
                    ledger.end(said, answered(), reading(text))
                assert isinstance(said, int) or said in ("leased", "answered", "erased")
        return []

    together(6, work)
    assert db.execute("SELECT FROM ops.llm_results").fetchall() == []
    assert {call["key"] for call in calls(db)} <= {None}
    with opened(warehouse) as ledger:
        assert ledger.find(keys) == {}


def test_old_calls_are_not_looked_at(warehouse, db, ledger):
    text = add_review(db, 1)
    db.execute(
        """INSERT INTO ops.llm_calls (key, run_id, model, prompt_version, started_at, finished_at,
                                      outcome, reserved_usd, cost_usd)
           SELECT NULL, 'old ' || n / 100, 'toy', 'v', now() - make_interval(days => 2, secs => n),
                  now(), 'scored', 0.001, 0.0004
           FROM generate_series(1, 20000) n"""
    )
    db.execute("ANALYZE ops.llm_calls")
    values = {"content_hash": text.content_hash, "run_id": "run", "most_usd": MOST, "run_usd": 1,
              "day_usd": 1}  # fmt: skip
    plan = "\n".join(
        row["QUERY PLAN"]
        for row in db.execute("EXPLAIN (ANALYZE, BUFFERS) " + sql("ledger_state"), values)
    )
    assert "Seq Scan on llm_calls" not in plan, plan
    for index in ("llm_calls_by_run", "llm_calls_by_time", "llm_calls_refused"):
        assert index in plan, plan
    assert isinstance(begin(ledger, text), int)
