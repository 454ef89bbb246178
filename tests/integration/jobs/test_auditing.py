"""A sample for a person to label, in a spreadsheet, and the labels on their way back."""

import codecs
import csv
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from test_erasing import MOVIE, OTHER, collection, made, review

from filmpulse import jobs
from filmpulse.errors import BadInput
from filmpulse.items import ASPECTS
from filmpulse.jobs.upkeep import audit
from filmpulse.jobs.upkeep.audit import COLUMNS, LABELS

pytestmark = pytest.mark.rows_by_hand

HOSTILE = {
    1: ("=cmd|' /C calc'!A0", "=1+1 is what the acting is: wonderful."),
    2: ("+5", "@SUM(A1) said the dull music.\n\n-2+3;=4"),
    3: ("-1", "'=already quoted, the acting is wonderful."),
    4: ("", 'He said "no", twice;\nand left.\tThe acting is wonderful.'),
    5: ("Zażółć", "Gęślą jaźń 👩‍🚀: the acting is wonderful, the music is dull."),
}


@pytest.fixture
def context(warehouse_url, tmp_path):
    """Two movies, with five hostile reviews and forty plain ones, scored."""
    context = made(warehouse_url, (tmp_path / "lake").as_uri())
    hostile = [review(n, title=title, body=body) for n, (title, body) in HOSTILE.items()]
    jobs.load(collection(context, "a", 0, hostile), context)
    plain = [review(n, OTHER, rating_1_10=n % 10 + 1) for n in range(10, 50)]
    jobs.load(collection(context, "b", 1, plain, OTHER), context)
    score(context)
    return context


def score(context):
    """Give every review that has no analysis one: some like it, and say so of the acting."""
    with context.warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO core.analysers (kind, prompt_version) VALUES ('lexicon', '1') "
            "ON CONFLICT DO NOTHING"
        )
        connection.execute("UPDATE core.movies SET active_analyser_id = 1")
        connection.execute(
            "INSERT INTO core.review_analyses (source, review_id, content_hash, analyser_id, "
            "imdb_id, status, overall, overall_quote, overall_quote_start) "
            "SELECT source, review_id, content_hash, 1, imdb_id, 'scored', "
            "ascii(content_hash) % 5 - 2, left(body, 20), length(title) + 2 "
            "FROM core.reviews WHERE removed_at IS NULL ON CONFLICT DO NOTHING"
        )
        connection.execute(
            "INSERT INTO core.aspect_scores (source, review_id, content_hash, analyser_id, "
            "imdb_id, aspect, score, quote, quote_start) "
            "SELECT source, review_id, content_hash, 1, imdb_id, 'acting', 1, left(body, 30), "
            "length(title) + 2 FROM core.reviews ON CONFLICT DO NOTHING"
        )


def rows(context, statement, *values):
    with context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


@pytest.fixture
def written(context, tmp_path):
    """Every review, in a file and as its rows."""
    path = tmp_path / "audit.csv"
    sampled = jobs.write_audit(context, path, 100, seed=1)
    assert (sampled.reviews, sampled.of) == (45, 45)
    return read_rows(path.read_bytes())


def read_rows(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def as_csv(found, columns=COLUMNS, *, delimiter=",", encoding="utf-8-sig", end="\r\n"):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator=end, restval="")
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue().encode(encoding, "replace")


def read(context, content, auditor="Ann", name="audit.csv"):
    return jobs.read_audit(context, io.BytesIO(content), name, auditor)


def of(found, number):
    """Return the row of a review."""
    (row,) = (row for row in found if f"/rw{number}/" in row["id"])
    return row


def fill(row, overall, **aspects):
    row |= {"overall_label": str(overall)}
    row |= {LABELS[aspect]: str(score) for aspect, score in aspects.items()}


def stored(context, auditor="Ann"):
    """Return an auditor's labels by review, the whole as `overall`."""
    found = rows(
        context,
        "SELECT review_id, 'overall' AS side, overall AS score FROM core.audits WHERE auditor = %s "
        "UNION ALL SELECT review_id, aspect, score FROM core.audit_labels WHERE auditor = %s",
        auditor, auditor,
    )  # fmt: skip
    labels = {}
    for row in found:
        labels.setdefault(row["review_id"], {})[row["side"]] = row["score"]
    return labels


# ----------------------------------------------------------------------------- the sample


def test_a_spreadsheet_can_open_it_and_runs_nothing(context, tmp_path, written):
    content = (tmp_path / "audit.csv").read_bytes()
    assert content.startswith(codecs.BOM_UTF8)
    assert content.count(b"\r\n") == 46
    assert tuple(written[0]) == COLUMNS
    for row in written:
        for column, text in row.items():
            is_number = column == "grade" or column.endswith("_score")
            assert is_number or not text.startswith(("=", "+", "-", "@")), (column, text)
    for number, (title, body) in HOSTILE.items():
        row = of(written, number)
        assert row["text"].replace("'", "") == body.replace("'", "")
        assert row["title"].replace("'", "") == title.replace("'", "")


def test_scores_and_quotes_are_those_that_are_shown(context, written):
    shown = {
        (row["review_id"], row["aspect"]): (str(row["score"]), row["quote"])
        for row in rows(context, "SELECT * FROM mart.aspect_scores")
    }
    for row in written:
        review_id = row["id"].split("/")[1]
        for aspect in ASPECTS:
            score, quote = shown.get((review_id, aspect), ("", ""))
            assert row[f"{aspect}_score"] == score
            assert row[f"{aspect}_quote"].lstrip("'") == (quote or "").lstrip("'")
            assert row[LABELS[aspect]] == ""
    overall = rows(context, "SELECT review_id, overall, rating_1_10 FROM mart.reviews")
    assert {r["review_id"]: (str(r["overall"]), str(r["rating_1_10"])) for r in overall} == {
        row["id"].split("/")[1]: (row["overall_score"], row["grade"]) for row in written
    }
    assert len({row["analyser"] for row in written}) == 1


def test_each_review_has_the_same_chance_and_no_movie_is_missed(context, tmp_path):
    drawn = Counter()
    for seed in range(60):
        path = tmp_path / f"{seed}.csv"
        assert jobs.write_audit(context, path, 9, seed=seed) == (9, 45, seed)
        found = [row["id"] for row in read_rows(path.read_bytes())]
        assert len(set(found)) == 9
        assert sum("/rw1/" in i or "/rw2/" in i or "/rw3/" in i or "/rw4/" in i or "/rw5/" in i
                   for i in found) == 1  # fmt: skip
        drawn.update(found)
    assert len(drawn) == 45
    assert max(drawn.values()) < 30


def test_a_seed_draws_the_same_again(context, tmp_path):
    files = [tmp_path / f"{name}.csv" for name in "abc"]
    for path, seed in zip(files, (7, 7, 8), strict=True):
        jobs.write_audit(context, path, 9, [OTHER], seed)
    first, again, other = (path.read_bytes() for path in files)
    assert first == again != other
    assert {row["movie"] for row in read_rows(first)} == {f"Movie {OTHER} (2025)"}


def test_removed_and_unscored_reviews_are_not_asked_about(context, tmp_path):
    rows_changed = "UPDATE core.reviews SET removed_at = now() WHERE review_id = 'rw10' RETURNING 1"
    assert rows(context, rows_changed)
    assert rows(context, "DELETE FROM core.review_analyses WHERE review_id = 'rw11' RETURNING 1")
    jobs.write_audit(context, tmp_path / "a.csv", 100)
    found = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert "imdb/rw12/" in found
    assert "imdb/rw10/" not in found
    assert "imdb/rw11/" not in found


def test_a_file_that_is_there_is_never_replaced(context, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"somebody's work")
    with pytest.raises(BadInput):
        jobs.write_audit(context, path)
    assert path.read_bytes() == b"somebody's work"
    with pytest.raises(BadInput):
        jobs.write_audit(context, tmp_path / "no" / "folder.csv")
    with pytest.raises(BadInput):
        jobs.write_audit(context, tmp_path / "b.csv", movies=["tt99000009"])
    rows(context, "DELETE FROM core.reviews RETURNING 1")
    with pytest.raises(BadInput):
        jobs.write_audit(context, tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()


# ----------------------------------------------------------------------------- and back


def test_labels_are_stored_and_blank_rows_are_not(context, written):
    fill(of(written, 1), 1, acting=2)
    fill(of(written, 2), -2, sound=-1, storytelling=0)
    fill(of(written, 3), 0)
    found = read(context, as_csv(written), "Zoë  O'Brien")
    assert (found.labelled, found.blank) == (3, 42)
    assert stored(context, "Zoë  O'Brien") == {
        "rw1": {"overall": 1, "acting": 2},
        "rw2": {"overall": -2, "sound": -1, "storytelling": 0},
        "rw3": {"overall": 0},
    }
    shown = rows(context, "SELECT DISTINCT shown_analyser_id AS id FROM core.audits")
    active = rows(context, "SELECT DISTINCT active_analyser_id AS id FROM core.movies")
    assert shown == active
    together = {row.aspect: row for row in found.figures}
    assert together["Acting"].labelled == 1
    assert together["Overall"].compared == 3
    assert rows(context, "SELECT audited_texts AS n FROM mart.analysers") == [{"n": 3}]


@pytest.mark.parametrize("again", [1, 2])
def test_the_same_file_again_changes_nothing_and_a_better_one_replaces(context, written, again):
    fill(of(written, 1), 1, acting=2, sound=1)
    fill(of(written, 2), -1)
    for _ in range(again):
        read(context, as_csv(written))
    assert stored(context) == {
        "rw1": {"overall": 1, "acting": 2, "sound": 1},
        "rw2": {"overall": -1},
    }
    fill(of(written, 1), 2, sound="")
    of(written, 2)["overall_label"] = ""  # blank: what was read before stands
    read(context, as_csv(written))
    assert stored(context) == {"rw1": {"overall": 2, "acting": 2}, "rw2": {"overall": -1}}


WRITTEN_OTHERWISE = {
    "semicolons": {"delimiter": ";"},
    "tabs": {"delimiter": "\t"},
    "line feeds": {"end": "\n"},
    "no mark": {"encoding": "utf-8"},
    "Windows": {"encoding": "cp1252", "delimiter": ";"},
    "Unicode text": {"encoding": "utf-16", "delimiter": "\t"},
    "reordered": {"columns": COLUMNS[::-1]},
    "more columns": {"columns": ("my notes", *COLUMNS, "and more")},
    "fewer columns": {"columns": ("id", *LABELS.values())},
}


@pytest.mark.parametrize("how", WRITTEN_OTHERWISE)
def test_however_a_spreadsheet_saves_it(context, written, how):
    fill(of(written, 4), "+2", acting="2.0", sound="-1,0", visuals=" 0 ")
    fill(of(written, 5), "−1", themes="'-2", storytelling="–1")  # noqa: RUF001
    columns = WRITTEN_OTHERWISE[how].get("columns", COLUMNS)
    kept = [{c: row.get(c, "note, of; mine") for c in columns} for row in written]
    if how == "Windows":
        kept[:] = [{c: t.replace("−", "-") for c, t in row.items()} for row in kept]  # noqa: RUF001
    read(context, as_csv(kept, **{"columns": columns} | WRITTEN_OTHERWISE[how]))
    assert stored(context) == {
        "rw4": {"overall": 2, "acting": 2, "sound": -1, "visuals": 0},
        "rw5": {"overall": -1, "themes": -2, "storytelling": -1},
    }


def test_a_workbook_is_read_too(context, written):
    book = openpyxl.Workbook()
    book.active.append([*COLUMNS])
    fill(of(written, 1), 1)
    for row in written:
        values = [int(row[c]) if row[c] and c in LABELS.values() else row[c] for c in COLUMNS]
        book.active.append(values)
    content = io.BytesIO()
    book.save(content)
    assert read(context, content.getvalue(), name="audit.xlsx").labelled == 1
    assert stored(context) == {"rw1": {"overall": 1}}


LINE_END = b"\n"
HOSTILE_CELLS = ("3", "-3", "1.5", "yes", "=1+1", "2 2", "--1", "1e0", "²", "x" * 5000,
                 "-", "+", "0x1", "2026-01-02", "Robert'); DROP TABLE core.audits;--")  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE_CELLS)
def test_a_cell_that_is_no_score_is_named_and_nothing_is_stored(context, written, text):
    fill(of(written, 1), 1)
    fill(of(written, 2), 1, acting=text)
    with pytest.raises(BadInput) as error:
        read(context, as_csv(written))
    assert "column acting_label" in str(error.value)
    before = as_csv(written).partition(b"imdb/rw2/")[0]
    assert f"line {before.count(LINE_END) + 1}," in str(error.value)
    assert len(str(error.value)) < 500
    assert stored(context) == {}


def faults(context, content, **more):
    with pytest.raises(BadInput) as error:
        read(context, content, **more)
    assert stored(context) == {}
    return str(error.value)


def test_every_fault_is_told_at_once(context, written):
    fill(of(written, 1), 9)
    of(written, 2)["acting_label"] = "1"
    fill(of(written, 4), 1)
    of(written, 4)["id"] = "4.5E+10"
    told = faults(context, as_csv(written))
    assert told.count("column overall_label") == 2
    assert told.count("column id") == 1
    assert len(told.splitlines()) == 4
    for row in written:
        row["overall_label"] = "none"
    told = faults(context, as_csv(written))
    assert "and 26 more" in told


def test_a_review_that_is_not_here_is_refused(context, written):
    fill(of(written, 1), 1)
    row = of(written, 2)
    fill(row, 1)
    for wrong in ("imdb/rw99/", "nowhere/rw2/"):
        broken = [{**r, "id": r["id"].replace("imdb/rw2/", wrong)} for r in written]
        assert "column id" in faults(context, as_csv(broken))
    changed = [{**r, "id": "/".join((*r["id"].split("/")[:2], "0" * 64, "1"))} for r in written]
    assert "column id" in faults(context, as_csv(changed))
    rows(context, "DELETE FROM core.reviews WHERE review_id = 'rw2' RETURNING 1")
    assert "rw2" in faults(context, as_csv(written))
    row |= dict.fromkeys(LABELS.values(), "")  # a row that nobody filled does not matter
    assert read(context, as_csv(written)).labelled == 1


@pytest.mark.parametrize(
    "text",
    ["", "imdb", "imdb/rw1/h/", "imdb/rw1/h/x", "imdb/rw1/h/1/1", "imdb/rw1%00/h/1", "////",
     "imdb/rw1/%ff/1", "imdb/rw1/h/" + "9" * 6000, "imdb/rw1/" + "h" * 6000 + "/1"],
)  # fmt: skip
def test_an_id_that_is_none_is_refused(context, written, text):
    row = of(written, 1)
    fill(row, 1)
    row["id"] = text
    told = faults(context, as_csv(written))
    assert "column id" in told
    assert len(told) < 500


def test_the_same_review_twice_is_refused(context, written):
    fill(of(written, 1), 1)
    assert "column id" in faults(context, as_csv([*written, of(written, 1)]))


def test_a_column_that_was_sorted_alone_is_noticed(context, written):
    for row in written:
        fill(row, 1)
    texts = sorted(row["text"] for row in written)
    moved = [{**row, "text": text} for row, text in zip(written, texts, strict=True)]
    assert "column text" in faults(context, as_csv(moved))


@pytest.mark.parametrize(
    "content",
    [b"", b"\r\n\r\n", b"id,overall_label\r\nimdb/rw1/x/1,1\r\n", b"\x89PNG\r\n\x1a\n\x00\x00",
     b'id,"open\r\n'],
)  # fmt: skip
def test_what_is_no_audit_is_refused(context, content):
    faults(context, content)


def test_a_file_without_a_label_is_refused(context, written):
    assert "label" in faults(context, as_csv(written))


@pytest.mark.parametrize("name", ["", "  ", "A\nB", "x" * 81, "\x00"])
def test_an_auditor_has_a_name(context, written, name):
    fill(of(written, 1), 1)
    faults(context, as_csv(written), auditor=name)


def test_an_id_may_look_like_anything(context, tmp_path):
    odd = ["=1+1", "-5", "00012345678901234567", "1e5", "a/b,c;d", "@SUM(1)", '"%2F"']
    written = [review(1, review_id=name, body=f"The acting is wonderful. {name}") for name in odd]
    jobs.load(collection(context, "c", 2, written, source="diary"), context)
    score(context)
    jobs.write_audit(context, tmp_path / "a.csv", 100, [MOVIE])
    found = read_rows((tmp_path / "a.csv").read_bytes())
    for row in found:
        fill(row, 1)
    read(context, as_csv(found, delimiter=";"))
    assert {*odd} <= set(stored(context))


def test_an_edited_review_keeps_the_labels_of_its_former_text(context, written):
    fill(of(written, 1), 1, acting=1)
    edited = [review(n, title=t, body=b) for n, (t, b) in HOSTILE.items() if n != 1]
    edited.append(review(1, body="Now the acting is dull."))
    jobs.load(collection(context, "d", 5, edited), context)
    assert read(context, as_csv(written)).labelled == 1
    (figures,) = rows(
        context, "SELECT * FROM mart.audit_agreement WHERE aspect = 'Acting' AND auditor = 'Ann'"
    )
    assert (figures["labelled"], figures["sign_agreement"]) == (1, 1)


def test_labels_of_an_erased_review_are_erased(context, written):
    for number in (1, 2):
        fill(of(written, number), 1, acting=1)
    read(context, as_csv(written))
    jobs.erase("review", "rw1", context)
    assert set(stored(context)) == {"rw2"}
    jobs.erase("movie", MOVIE, context)
    assert stored(context) == {}


def test_two_people_are_held_against_each_other(context, written):
    for number, row in enumerate(written):
        fill(row, 1, acting=1 if number % 2 else -1, sound=-1)
    read(context, as_csv(written), "Ann")
    for row in written[:30]:
        fill(row, 1, acting=1)
    for row in written[30:]:
        row |= dict.fromkeys(LABELS.values(), "")
    found = read(context, as_csv(written), "Ben").figures
    with_ann = {row.aspect: row for row in found if row.analyser_id is None and row.other_auditor}
    assert (with_ann["Acting"].auditor, with_ann["Acting"].other_auditor) == ("Ann", "Ben")
    assert (with_ann["Acting"].reviews, with_ann["Acting"].sign_agreement) == (30, 0.5)
    assert (with_ann["Sound"].exact_agreement, with_ann["Sound"].kappa) == (1, None)
    assert with_ann["Overall"].compared == 30


def test_a_person_can_take_all_labels_back(context, written):
    fill(of(written, 1), 1, acting=1)
    for name in ("Ann", "Ben"):
        read(context, as_csv(written), name)
    assert jobs.forget_auditor(context, " Ann ") == 1
    assert jobs.forget_auditor(context, "Ann") == 0
    assert (stored(context), set(stored(context, "Ben"))) == ({}, {"rw1"})


def noted(context):
    found = rows(context, "SELECT * FROM ops.erasures")
    assert {row["kind"] for row in found} <= {"auditor"}
    return {row["key"]: row["erased_at"] for row in found}


LABELS_OF = ("core.audits", "core.audit_labels")


@contextmanager
def brought_back(context):
    """Have the labels as they are now again at the end, as a restore of a backup brings them."""
    with context.warehouse.connect() as connection:
        for table in LABELS_OF:
            connection.execute(f"CREATE TABLE ops.saved_{table[5:]} AS TABLE {table}")
    yield
    with context.warehouse.connect() as connection:
        for table in LABELS_OF:
            connection.execute(
                f"INSERT INTO {table} TABLE ops.saved_{table[5:]} ON CONFLICT DO NOTHING"
            )


@pytest.mark.parametrize("again", ["replay", "rebuild"])
@pytest.mark.parametrize("knows", ["both", "lake", "warehouse"])
def test_a_forgotten_auditor_never_comes_back(context, written, again, knows):
    fill(of(written, 1), 1, acting=1)
    for name in ("Zoë", "Ben"):
        read(context, as_csv(written), name)
    with brought_back(context):
        assert jobs.forget_auditor(context, "ZOË ") == 1
        (key,) = noted(context)
        for name in context.lake.names("erasures"):
            note = context.lake.read(name).decode()
            assert key in note
            assert "zo" not in note.lower()
            if knows == "warehouse":
                context.lake.delete(name)
        if knows == "lake":
            rows(context, "DELETE FROM ops.erasures RETURNING 1")
    assert set(stored(context, "Zoë")) == {"rw1"}
    if again == "replay":
        assert jobs.replay_erasures(context) == jobs.Erased(rows=2)
        assert jobs.replay_erasures(context) == jobs.Erased()
    else:
        jobs.rebuild(context)
    assert (stored(context, "Zoë"), set(stored(context, "Ben"))) == ({}, {"rw1"})
    assert set(noted(context)) == {key}
    assert len(context.lake.names("erasures")) == 1


def test_what_is_labelled_after_that_stays(context, written):
    fill(of(written, 1), 1, acting=1)
    read(context, as_csv(written))
    jobs.forget_auditor(context, "Ann")
    fill(of(written, 2), 1)
    read(context, as_csv(written), "ann")
    assert jobs.replay_erasures(context) == jobs.Erased()
    assert set(stored(context, "ann")) == {"rw1", "rw2"}
    (first,) = noted(context).values()
    jobs.forget_auditor(context, "Ann")
    (second,) = noted(context).values()
    assert first < second
    assert stored(context, "ann") == {}


def test_a_note_is_keyed_where_there_is_a_secret(context, written):
    fill(of(written, 1), 1)
    plain = replace(context, settings=context.settings.model_copy(update={"author_secret": None}))
    read(context, as_csv(written))
    with brought_back(context):
        jobs.forget_auditor(plain, "Ann")
    assert [len(key) for key in noted(context)] == [64]
    assert jobs.replay_erasures(context).rows == 1
    read(context, as_csv(written))
    with context.warehouse.connect() as connection:
        connection.execute("DELETE FROM ops.erasures")
    for name in context.lake.names("erasures"):
        context.lake.delete(name)
    jobs.forget_auditor(context, "Ann")
    assert [len(key) for key in noted(context)] == [32]


def test_an_auditor_without_labels_is_not_noted(context):
    assert jobs.forget_auditor(context, "Nobody") == 0
    assert (noted(context), context.lake.names("erasures")) == ({}, [])


def test_forgetting_that_broke_off_is_completed(context, written, monkeypatch):
    fill(of(written, 1), 1)
    read(context, as_csv(written))

    def crash(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(audit, "drop_auditors", crash)
        with pytest.raises(KeyboardInterrupt):
            jobs.forget_auditor(context, "Ann")
    assert set(stored(context)) == {"rw1"}
    assert jobs.forget_auditor(context, "Ann") == 1
    assert stored(context) == {}


@pytest.mark.parametrize("again", [" ann ", "ANN", "Ann"])
def test_a_name_is_the_same_in_any_case(context, written, again):
    fill(of(written, 1), 1)
    read(context, as_csv(written), "Ann")
    fill(of(written, 1), 2)
    fill(of(written, 2), 2)
    found = read(context, as_csv(written), again).figures
    assert {row.auditor for row in found if row.auditor} == {"Ann"}
    assert stored(context, "Ann") == {"rw1": {"overall": 2}, "rw2": {"overall": 2}}
    assert rows(context, "SELECT DISTINCT auditor FROM core.audits") == [{"auditor": "Ann"}]


def test_files_that_are_read_at_the_same_time(context, written):
    for row in written:
        fill(row, 1, acting=1)
    content = as_csv(written)
    names = ["Ann", "ann", "ANN ", "Ann", "Ann", "ann"]
    with ThreadPoolExecutor(len(names)) as pool:
        found = list(pool.map(lambda name: read(context, content, name), names))
    assert {one.labelled for one in found} == {45}
    counts = rows(context, "SELECT auditor, count(*) AS n FROM core.audits GROUP BY auditor")
    assert [row["n"] for row in counts] == [45]


def test_labels_say_when_they_were_read(context, written):
    fill(of(written, 1), 1)
    read(context, as_csv(written))
    (row,) = rows(context, "SELECT noted_at FROM core.audits")
    assert timedelta(0) <= datetime.now(UTC) - row["noted_at"] < timedelta(hours=1)
