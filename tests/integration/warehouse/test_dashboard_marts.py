"""What the dashboards read: one row per opinion, figures by hand, and words where there is none."""

import statistics
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.types.json import Jsonb

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.lake import Lake
from filmpulse.warehouse import Warehouse, figures

pytestmark = pytest.mark.rows_by_hand

MOVIE, OTHER = "tt99000001", "tt99000002"
RELEASE = date(2026, 3, 2)  # a Monday
ASPECTS = ("storytelling", "acting", "visuals", "sound", "themes")


class Invented:
    """A warehouse that rows are put into by hand; whoever asks a mart gets right figures."""

    def __init__(self, url, *, is_older=False):
        self.warehouse, self.is_older = Warehouse(url), is_older
        self._count = 0
        self.rows(
            """INSERT INTO core.analysers (kind, model, prompt_version)
               VALUES ('lexicon', NULL, '1'), ('llm', 'toy', 'v1')"""
        )

    def rows(self, statement, *values):
        if "mart." in statement and not self.is_older:
            figures.count_all(self.warehouse)
        with self.warehouse.connect() as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def row(self, statement, *values):
        (found,) = self.rows(statement, *values)
        return found

    def movie(self, imdb_id=MOVIE, title="The Glass Orchard", *, year=2026, analyser=1, site=None):
        self.rows(
            """INSERT INTO core.movies (imdb_id, title, year, release_date, facts_as_of,
                   active_analyser_id) VALUES (%s, %s, %s, %s, now(), %s)""",
            imdb_id, title, year, RELEASE, analyser,
        )  # fmt: skip
        if site is not None:
            self.look(imdb_id, datetime(2026, 6, 1, 12, tzinfo=UTC), 7.1, site)

    def look(self, imdb_id, at, rating, reviews):
        row = {
            "source": "imdb", "imdb_id": imdb_id, "taken_at": at.isoformat(), "rating": rating,
            "vote_count": 1000, "review_count": reviews,
        }  # fmt: skip
        self.rows(  # in any version of the table
            "INSERT INTO core.movie_snapshots "
            "SELECT * FROM jsonb_populate_record(NULL::core.movie_snapshots, %s)",
            Jsonb(row),
        )

    def review(self, overall=None, aspects=None, *, imdb_id=MOVIE, analyser=1, **changes):
        """Store a review, with what an analyser made of it where `overall` is given.

        `aspects`: a score each, or a score and a quote.
        """
        self._count += 1
        key = {"source": "imdb", "review_id": f"rw{self._count}", "content_hash": "h"}
        fields = {
            **key, "imdb_id": imdb_id, "title": "T", "body": "B", "rating_1_10": None,
            "submitted_on": RELEASE, "is_spoiler": False, "language": "en",
            "first_seen_at": datetime(2026, 6, 1, tzinfo=UTC), **changes,
        }  # fmt: skip
        self._insert("core.reviews", fields)
        if overall is not None:
            self.analysis(fields, analyser, overall, aspects or {})
        return fields

    def analysis(self, review, analyser, overall, aspects=None, status="scored"):
        key = {name: review[name] for name in ("source", "review_id", "content_hash", "imdb_id")}
        key |= {"analyser_id": analyser}
        self._insert("core.review_analyses", {**key, "status": status, "overall": overall})
        for aspect, found in (aspects or {}).items():
            score, quote = found if isinstance(found, tuple) else (found, None)
            start = None if quote is None else sum(map(ord, quote))
            self._insert(
                "core.aspect_scores",
                {**key, "aspect": aspect, "score": score, "quote": quote, "quote_start": start},
            )

    def _insert(self, table, fields):
        columns, places = ", ".join(fields), ", ".join(["%s"] * len(fields))
        self.rows(f"INSERT INTO {table} ({columns}) VALUES ({places})", *fields.values())  # noqa: S608


@pytest.fixture
def invented(warehouse_url):
    return Invented(warehouse_url)


def relations(invented):
    return [
        r["name"]
        for r in invented.rows(
            """SELECT c.oid::regclass::text AS name FROM pg_class c
               WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('v', 'm')
               ORDER BY 1"""
        )
    ]


# -------------------------------------------------------------------------------- who may read


def test_the_reader_reads_every_mart_and_those_of_later_migrations(invented, tmp_path):
    password = "only for tests"
    settings = Settings(warehouse_url=invented.warehouse.url, reader_password=password)
    context = jobs.Context(settings, invented.warehouse, lambda: Lake(tmp_path.as_uri()))
    jobs.setup_warehouse(context)
    invented.movie(site=2)
    invented.review(2, {"acting": (2, "Splendid acting.")}, rating_1_10=9)
    invented.rows("CREATE VIEW mart.later AS SELECT mart.grade_band(9::smallint)")
    invented.rows("CREATE MATERIALIZED VIEW mart.later_figures AS SELECT 1")
    names = relations(invented)
    assert {"mart.later", "mart.later_figures", "mart.compared_movies"} <= set(names)
    reader = invented.warehouse.url.replace("//filmpulse:", "//filmpulse_reader:")
    host = reader.rpartition("@")[2]
    with psycopg.connect(f"postgresql://filmpulse_reader:only%20for%20tests@{host}") as connection:
        for name in names:
            connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
        for function in ("time_ago(now())", "language_name('fr')", "html_escape('<')"):
            connection.execute(f"SELECT mart.{function}")
        for statement in (
            "SELECT * FROM core.reviews",
            "SELECT * FROM core.source_counts",
            "DELETE FROM ops.host_hours",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)


def test_an_empty_warehouse_can_be_read_and_says_so(warehouse_url):
    warehouse = Warehouse(warehouse_url)
    figures.count_all(warehouse)
    with warehouse.connect() as connection:
        found = {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
            for name in (
                r["name"]
                for r in connection.execute(
                    """SELECT oid::regclass::text AS name FROM pg_class
                       WHERE relnamespace = 'mart'::regnamespace AND relkind IN ('v', 'm')"""
                ).fetchall()
            )
        }
    says_so = {name for name, rows in found.items() if rows}
    assert says_so == {
        "mart.catalogue_dates", "mart.llm_use", "mart.failed_checks", "mart.host_hours",
        "mart.hosts",
        "mart.pipeline_facts", "mart.movie_choices", "mart.catalogue_figures",
        "mart.catalogue_loads", "mart.cadences", "mart.detections", "mart.look_budget",
        "mart.look_plan",
    }  # fmt: skip
    assert [row["movie"] for row in found["mart.movie_choices"]] == ["no movie yet"]
    assert found["mart.llm_use"][0]["model"] == "no model was asked yet"
    assert found["mart.failed_checks"][0]["check_name"] == "none failed"
    assert found["mart.failed_checks"][0]["sentence"].startswith("0 checks passed")
    assert found["mart.host_hours"][0]["host"] == "no host was asked yet"
    assert found["mart.hosts"][0]["is_paused"] is False
    facts = sorted(found["mart.pipeline_facts"], key=lambda row: row["position"])
    assert all(None not in fact.values() for fact in facts)
    assert [fact["value"] for fact in facts][:4] == ["0 of 0", "0", "0 of 0", "0"]
    assert "tracked_movies" in facts[0]["meaning"]


# --------------------------------------------------------------------------------- small helpers


def test_movies_of_one_name_are_told_apart(invented):
    awkward = """Łódź "Q" 'n' <script>alert(1)</script> & 東京 👩‍🚀"""
    given = [
        ("Twins", 1999), ("Twins", 1999), ("Twins", 2001), ("Twins (1999)", None),
        ("No Year", None), (awkward, 2026),
    ]  # fmt: skip
    for number, (title, year) in enumerate(given):
        invented.movie(f"tt9900000{number}", title, year=year)
    invented.rows("UPDATE core.movies SET original_title = 'Tvillingar' WHERE year = 2001")
    names = [r["movie"] for r in invented.rows("SELECT * FROM mart.movie_names ORDER BY imdb_id")]
    assert names == [
        "Twins (1999) tt99000000", "Twins (1999) tt99000001", "Tvillingar (2001)",
        "Twins (1999) tt99000003", "No Year", f"{awkward} (2026)",
    ]  # fmt: skip
    assert len(set(names)) == len(given)


def test_what_a_page_shows_of_a_text_is_no_markup(invented):
    shown = invented.row(
        "SELECT mart.html_escape(%s) AS html", """<a href="x" b='y'>&amp;</a> 👩‍🚀"""
    )
    assert shown["html"] == ("&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt; 👩‍🚀")
    assert invented.row("SELECT mart.html_escape(NULL) AS html")["html"] is None


def test_bands_labels_and_languages(invented):
    bands = invented.rows(
        """SELECT mart.grade_band(n::smallint) AS band FROM generate_series(1, 10) n
           UNION ALL SELECT mart.grade_band(NULL)"""
    )
    assert [r["band"] for r in bands] == [
        "1–2", "1–2", "3–4", "3–4", "5–6", "5–6", "7–8", "7–8", "9–10", "9–10", "no grade"  # noqa: RUF001
    ]  # fmt: skip
    labels = invented.rows(
        "SELECT mart.score_label(n::smallint) AS l FROM generate_series(-2, 2) n"
    )
    assert [r["l"] for r in labels] == [
        "very negative", "negative", "mixed", "positive", "very positive"
    ]  # fmt: skip
    languages = invented.row(
        """SELECT mart.language_name('fr') AS french, mart.language_name('xx') AS odd,
                  mart.language_name(NULL) AS none"""
    )
    assert languages == {"french": "French", "odd": "xx", "none": "not known"}


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=119), "just now"), (timedelta(minutes=3, seconds=1), "3 minutes ago"),
        (timedelta(minutes=119, seconds=59), "119 minutes ago"),
        (timedelta(hours=47, minutes=59), "47 hours ago"), (timedelta(hours=48), "2 days ago"),
        (timedelta(days=700), "700 days ago"), (timedelta(minutes=-5), "just now"),
        (None, "never"),
    ],
)  # fmt: skip
def test_how_long_ago(invented, past, words):
    assert invented.row("SELECT mart.time_ago(now() - %s::interval) AS w", past)["w"] == words


# ------------------------------------------------------------------------------------- one movie


def test_intervals_are_those_of_the_book(invented):
    invented.movie(site=8)
    stars, scores = [1, 4, 4, 9, 10], [-2, -1, 0, 2, 2]
    for grade, score in zip(stars, scores, strict=True):
        invented.review(score, rating_1_10=grade)
    invented.review()
    found = invented.row("SELECT * FROM mart.movies")
    assert found["mean_stars"] == pytest.approx(statistics.mean(stars))
    assert found["stars_half_interval"] == pytest.approx(1.96 * statistics.stdev(stars) / 5**0.5)
    assert found["mean_overall"] == pytest.approx(statistics.mean(scores))
    assert found["half_interval"] == pytest.approx(1.96 * statistics.stdev(scores) / 5**0.5)
    assert found["polarisation"] == pytest.approx(statistics.pstdev(scores) / 2)
    assert (found["reviews"], found["unrated_reviews"], found["scored_reviews"]) == (6, 1, 5)
    assert (found["coverage"], found["waiting_reviews"]) == (Decimal("0.7500"), 1)


@pytest.mark.parametrize(
    ("scores", "expected"), [([1] * 4, 0), ([-2, 2] * 3, 1), ([0], 0), ([], None)]
)
def test_polarisation_lies_between_agreement_and_two_camps(invented, scores, expected):
    invented.movie()
    for score in scores:
        invented.review(score)
    assert invented.row("SELECT polarisation AS p FROM mart.movies")["p"] == expected


@pytest.mark.parametrize(
    ("scored", "site", "expected"),
    [(29, 30, False), (30, 150, True), (30, 151, False), (30, None, False)],
)
def test_too_few(invented, scored, site, expected):
    """30 of 150 are 20 %, 30 of 151 are 19.9 %."""
    invented.movie(site=site)
    for number in range(scored):
        invented.review(number % 3 - 1, {"acting": 1})
    for table in ("mart.movies", "mart.compared_movies"):
        assert invented.row(f"SELECT is_enough FROM {table}") == {"is_enough": expected}  # noqa: S608
    found = invented.rows("SELECT aspect, is_enough FROM mart.compared_aspects ORDER BY position")
    assert {r["aspect"] for r in found if r["is_enough"]} == (
        {"Overall", "Acting"} if expected else set()
    )


def test_one_row_per_opinion_of_the_analyser_that_is_shown(invented):
    invented.movie(analyser=2, site=10)
    full = dict.fromkeys(ASPECTS, (2, "A quote of the model."))
    both = invented.review(2, full, analyser=2, rating_1_10=9, language="fr")
    invented.analysis(both, 1, -2, {"acting": -2, "sound": -1})  # the lexicon saw it otherwise
    invented.review(-1, analyser=2)  # mentions nothing
    invented.review(1, {"acting": 1}, analyser=1)  # only the other analyser read it
    invented.review(2, full, analyser=2, removed_at=datetime.now(UTC))
    refused = invented.review()
    invented.analysis(refused, 2, None, status="refused")
    edited = invented.review(2, {"sound": 2}, analyser=2)
    invented.rows("UPDATE core.reviews SET content_hash = 'i' WHERE review_id = %s",
                  edited["review_id"])  # fmt: skip
    invented.movie(OTHER, "Another", analyser=1)
    invented.review(0, {"themes": 0}, imdb_id=OTHER)
    found = invented.rows("SELECT * FROM mart.opinions ORDER BY imdb_id, review_id, position")
    assert [(r["review_id"], r["position"], r["aspect"], r["score"]) for r in found] == [
        ("rw1", 0, "Overall", 2), ("rw1", 1, "Storytelling", 2), ("rw1", 2, "Acting", 2),
        ("rw1", 3, "Visuals", 2), ("rw1", 4, "Sound", 2), ("rw1", 5, "Themes", 2),
        ("rw2", 0, "Overall", -1), ("rw7", 0, "Overall", 0), ("rw7", 5, "Themes", 0),
    ]  # fmt: skip
    assert {r["analyser_id"] for r in found if r["imdb_id"] == MOVIE} == {2}
    assert found[1]["quote"] == "A quote of the model."
    assert found[0]["language_name"] == "French"
    assert found[0]["movie"] == "The Glass Orchard (2026)"
    assert found[0]["coverage"] == Decimal("0.5000")
    assert found[-1]["score_label"] == "mixed"
    seen = invented.rows("SELECT review_id, aspect, score FROM mart.aspect_scores")
    assert {(r["review_id"], r["aspect"].title(), r["score"]) for r in seen} == {
        (r["review_id"], r["aspect"], r["score"]) for r in found if r["position"]
    }


def test_best_quotes_are_of_one_aspect_strong_helpful_and_no_spoilers(invented):
    invented.movie()
    long, plain = "x" * 200, "The acting of the lead carries it."
    invented.review(2, {"acting": (2, plain)}, helpful_up=3)
    invented.review(2, {"acting": (2, plain + "!")}, helpful_up=40)
    invented.review(2, {"acting": (2, plain + "!")}, helpful_up=39)
    invented.review(2, {"acting": (2, long)}, helpful_up=99)
    invented.review(1, {"acting": (1, plain + "?")}, helpful_up=99)
    shared = "Acting and music are as good as each other."
    invented.review(2, {"acting": (2, shared), "sound": (2, shared)}, helpful_up=999)
    invented.review(2, {"acting": (2, "He is the murderer, and what an actor.")}, is_spoiler=True)
    invented.review(2, {"acting": (2, "Gone.")}, removed_at=datetime.now(UTC))
    invented.review(0, {"acting": (0, "Neither good nor bad, this acting.")})
    invented.review(2, {"acting": 2})
    invented.review(-2, {"acting": (-2, "The acting is wooden throughout.")}, language="de")
    found = invented.rows("SELECT * FROM mart.best_quotes ORDER BY aspect, is_praise DESC, place")
    assert [(r["aspect"], r["is_praise"], r["place"], r["quote"]) for r in found] == [
        ("Acting", True, 1, plain + "!"), ("Acting", True, 2, plain), ("Acting", True, 3, long),
        ("Acting", True, 4, plain + "?"), ("Acting", True, 5, shared),
        ("Acting", True, 6, plain + "!"),
        ("Acting", False, 1, "The acting is wooden throughout."), ("Sound", True, 1, shared),
    ]  # fmt: skip
    assert [found[n]["helpful_up"] for n in (0, 5)] == [40, 39], "who said it first, and again"
    assert found[6]["language_name"] == "German"
    assert found[6]["score_label"] == "very negative"


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_a_language_keeps_events_and_the_sites_figures_on_the_time_axis(invented, zone):
    invented.movie()
    for hour, rating in ((0, 6.0), (23, 6.4)):
        invented.look(MOVIE, datetime(2026, 4, 1, hour, 30, tzinfo=UTC), rating, 50)
    invented.look(MOVIE, datetime(2026, 4, 3, tzinfo=UTC), 6.6, 60)
    invented.look(MOVIE, datetime(2026, 4, 4, tzinfo=UTC), None, 61)
    invented.rows("INSERT INTO core.movie_events VALUES (%s, '2026-05-01', 'Festiwal w Łodzi')",
                  MOVIE)  # fmt: skip
    for language, grade in (("fr", 9), ("en", 3), (None, None), ("en", 8)):
        invented.review(1, rating_1_10=grade, language=language, submitted_on=date(2026, 4, 2))
    invented.review(submitted_on=None)
    with invented.warehouse.connect() as connection:
        connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
        found = connection.execute("SELECT * FROM mart.timeline ORDER BY day, kind").fetchall()
    assert Counter((r["language_name"], r["kind"]) for r in found) == {
        ("French", "review"): 1, ("English", "review"): 2, ("not known", "review"): 1,
        **{(language, kind): 2 for language in ("French", "English", "not known")
           for kind in ("event", "site")},
    }  # fmt: skip
    french = [r for r in found if r["language_name"] == "French"]
    assert [(r["day"], r["site_rating"]) for r in french if r["kind"] == "site"] == [
        (date(2026, 4, 1), Decimal("6.4")), (date(2026, 4, 3), Decimal("6.6"))
    ]  # fmt: skip
    assert [(r["day"], r["event"]) for r in french if r["kind"] == "event"] == [
        (RELEASE, "Release"), (date(2026, 5, 1), "Festiwal w Łodzi")
    ]  # fmt: skip
    (review,) = (r for r in french if r["kind"] == "review")
    assert (review["grade_band"], review["rating_1_10"], review["overall"]) == ("9–10", 9, 1)  # noqa: RUF001
    assert review["site_rating_now"] is None  # the last look found none
    assert all(r["event"] is r["site_rating"] is None for r in found if r["kind"] == "review")


def test_a_movie_without_reviews_still_has_its_time_axis(invented):
    invented.movie(site=5)
    found = invented.rows("SELECT kind, language_name FROM mart.timeline ORDER BY kind")
    assert found == [
        {"kind": "event", "language_name": "not known"},
        {"kind": "site", "language_name": "not known"},
    ]


def test_the_release_noted_by_hand_stands_once(invented):
    invented.movie()
    for label in ("Release", "Gala"):
        invented.rows("INSERT INTO core.movie_events VALUES (%s, %s, %s)", MOVIE, RELEASE, label)
    found = invented.rows("SELECT happened_on, label FROM mart.movie_events ORDER BY label")
    assert [(r["happened_on"], r["label"]) for r in found] == [
        (RELEASE, "Gala"), (RELEASE, "Release")
    ]  # fmt: skip
    invented.rows("UPDATE core.movies SET release_date = NULL")
    assert len(invented.rows("SELECT label FROM mart.movie_events")) == 2


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_a_series_adds_up_to_the_reviews_with_a_day(invented, zone):
    invented.movie()
    days = [RELEASE - timedelta(days=1), RELEASE, RELEASE, RELEASE + timedelta(days=6),
            RELEASE + timedelta(days=7), RELEASE + timedelta(days=300)]  # fmt: skip
    for number, day in enumerate(days):
        invented.review(number % 5 - 2, rating_1_10=number + 1, submitted_on=day)
    invented.review(2, rating_1_10=10, submitted_on=None)
    invented.review(submitted_on=RELEASE)
    with invented.warehouse.connect() as connection:
        connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
        found = connection.execute(
            "SELECT * FROM mart.movie_series ORDER BY grain, starts_on"
        ).fetchall()
    by_grain = {grain: [r for r in found if r["grain"] == grain] for grain in ("day", "week")}
    for series in by_grain.values():
        assert sum(r["reviews"] for r in series) == 7
        assert sum(r["graded_reviews"] for r in series) == 6
        last = series[-1]
        assert (last["reviews_so_far"], last["graded_so_far"]) == (7, 6)
        assert last["mean_stars_so_far"] == pytest.approx(statistics.mean(range(1, 7)))
    weeks = by_grain["week"]
    assert [(r["starts_on"], r["days_since_release"], r["reviews"]) for r in weeks] == [
        (RELEASE - timedelta(days=7), -7, 1), (RELEASE, 0, 4), (RELEASE + timedelta(days=7), 7, 1),
        (RELEASE + timedelta(days=294), 294, 1),
    ]  # fmt: skip
    assert weeks[1]["mean_stars"] == pytest.approx(3)
    assert weeks[1]["stars_half_interval"] == pytest.approx(
        1.96 * statistics.stdev([2, 3, 4]) / 3**0.5
    )
    assert weeks[0]["stars_half_interval"] is None


# ------------------------------------------------------------------------------------ all movies


def test_what_goes_with_the_grade(invented):
    invented.movie(site=10)
    praised, faulted = [8, 9, 10, 10], [2, 3, 7]
    for grade in praised:
        invented.review(1, {"acting": 2, "sound": 1}, rating_1_10=grade)
    for grade in faulted:
        invented.review(-1, {"acting": -1}, rating_1_10=grade)
    invented.review(0, {"acting": 0, "sound": -1}, rating_1_10=5)
    invented.review(1, {"acting": 1})  # praise without a grade
    found = {r["aspect"]: r for r in invented.rows("SELECT * FROM mart.compared_aspects")}
    acting = found["Acting"]
    difference = statistics.mean(praised) - statistics.mean(faulted)
    error = statistics.variance(praised) / 4 + statistics.variance(faulted) / 3
    assert acting["grade_difference"] == pytest.approx(difference)
    assert acting["grade_difference_half_interval"] == pytest.approx(1.96 * error**0.5)
    assert (acting["mentions"], acting["praised"], acting["faulted"]) == (9, 5, 3)
    assert acting["share_mentioned"] == 1
    scores = [2] * 4 + [-1] * 3 + [0, 1]
    assert acting["mean_score"] == pytest.approx(statistics.mean(scores))
    assert acting["half_interval"] == pytest.approx(1.96 * statistics.stdev(scores) / 3)
    assert found["Sound"]["grade_difference"] is None  # one fault is no mean
    assert found["Sound"]["share_mentioned"] == pytest.approx(5 / 9)
    assert found["Visuals"]["mentions"] is None
    assert [found[name]["position"] for name in ("Overall", "Themes")] == [0, 5]


def test_the_comparison_has_the_figures_of_each_movie(invented):
    invented.movie(site=9)
    invented.movie(OTHER, "Another", analyser=None)
    for week in range(5):
        day = RELEASE + timedelta(days=9 * week)
        invented.review(week % 5 - 2, {"acting": 1}, rating_1_10=week + 1, submitted_on=day)
    live = invented.rows("SELECT * FROM mart.movies ORDER BY imdb_id")
    kept = invented.rows("SELECT * FROM mart.compared_movies ORDER BY imdb_id")
    for row, figure in zip(live, kept, strict=True):
        assert isinstance(figure.pop("counted_at"), datetime)
        assert figure.pop("graded_reviews") == row["reviews"] - row["unrated_reviews"]
        assert figure.pop("overall_half_interval") == row["half_interval"]
        assert figure == {name: row[name] for name in figure}
    opinions = invented.rows("SELECT imdb_id, aspect FROM mart.opinions")
    assert Counter((r["imdb_id"], r["aspect"]) for r in opinions) == {
        (r["imdb_id"], r["aspect"]): r["mentions"]
        for r in invented.rows("SELECT * FROM mart.compared_aspects")
        if r["mentions"]
    }
    weeks = invented.rows("SELECT * FROM mart.compared_weeks ORDER BY days_since_release")
    assert sum(r["reviews"] for r in weeks) == 5
    assert [r["days_since_release"] for r in weeks[:3]] == [0, 7, 14]
    assert (weeks[-1]["reviews_so_far"], weeks[-1]["mean_stars_so_far"]) == (5, 3)
    choices = invented.rows("SELECT movie, reviews FROM mart.movie_choices ORDER BY reviews DESC")
    assert [(r["movie"], r["reviews"]) for r in choices] == [
        ("The Glass Orchard (2026)", 5), ("Another (2026)", 0)
    ]  # fmt: skip


def test_the_languages_that_can_be_chosen_are_those_of_each_movie(invented):
    invented.movie()
    invented.movie(OTHER, "Another")
    for language in ("fr", "en", "en", None, "tlh"):
        invented.review(language=language)
    invented.review(language="de", removed_at=datetime.now(UTC))
    invented.review(language="fr", imdb_id=OTHER)
    found = invented.rows("SELECT * FROM mart.movie_languages")
    assert Counter({(r["movie"], r["language_name"]): r["reviews"] for r in found}) == Counter(
        (r["movie"], r["language_name"]) for r in invented.rows("SELECT * FROM mart.reviews")
    )
    assert ("The Glass Orchard (2026)", "tlh") in {(r["movie"], r["language_name"]) for r in found}
    assert len(found) == 5


# ------------------------------------------------------------------------------ how the work goes


def test_collections_of_a_movie_whose_page_was_never_read(invented):
    invented.rows(
        """INSERT INTO ops.collections (run_id, source, imdb_id, mode, status, reason)
           VALUES ('run', 'imdb', %s, 'full', 'blocked', 'captcha'),
                  ('run', 'imdb', %s, 'full', 'queued', NULL)""",
        MOVIE, OTHER,
    )  # fmt: skip
    found = invented.rows("SELECT * FROM mart.collections ORDER BY imdb_id")
    assert [(r["movie"], r["status_and_reason"]) for r in found] == [
        (MOVIE, "blocked: captcha"), (OTHER, "queued")
    ]  # fmt: skip
    assert all(r["seen_at"] is not None for r in found)


def test_failed_checks_are_those_whose_last_verdict_is_a_failure(invented):
    invented.movie()
    checks = [
        ("ended", 1, False), ("ended", 2, True), ("stands", 1, True), ("stands", 2, False),
        ("stands", 3, None), ("young", 1, None),
    ]  # fmt: skip
    for name, day, passed in checks:
        invented.rows(
            """INSERT INTO ops.quality_checks (manifest_uri, check_name, source, imdb_id,
                   collected_at, passed, fails_run, n, sentence)
               VALUES (%s, %s, 'imdb', %s, %s, %s, false, 1, 'Said.')""",
            f"m{day}", name, MOVIE, datetime(2026, 5, day, tzinfo=UTC), passed,
        )  # fmt: skip
    (failed,) = invented.rows("SELECT * FROM mart.failed_checks")
    assert (failed["check_name"], failed["movie"]) == ("stands", "The Glass Orchard (2026)")
    latest = invented.rows(
        "SELECT check_name FROM mart.quality_checks WHERE is_latest AND verdict = 'fail'"
    )
    assert latest == [{"check_name": "stands"}]
    invented.rows("DELETE FROM ops.quality_checks WHERE NOT passed")
    (none,) = invented.rows("SELECT * FROM mart.failed_checks")
    assert none["check_name"] == "none failed"
    assert none["sentence"] == "2 checks passed, 1 had too little to judge."
