"""Search, titles, people and the state of the catalogue, over rows of which some are hostile."""

from __future__ import annotations

import dataclasses
from urllib.parse import urljoin, urlsplit

import pytest
from helpers import catalogue_rows as rows
from helpers.house import House
from helpers.kept import filled
from lxml import html

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import Retryable
from filmpulse.warehouse import catalogue as wh
from filmpulse.web.pages.search import LONGEST, MOST_OF_A_PERSON

PART = {"HX-Request": "true"}
TITLE, PERSON = "/titles", "/people"


def opened(warehouse_url, lake_url):
    settings = Settings(warehouse_url=warehouse_url, lake_url=lake_url, author_secret="s" * 32)
    return jobs.Context.from_settings(settings)


def fill(context):
    rows.fill_catalogue(context)
    rows.note_load(context, "title.crew", rows_kept=7)
    rows.note_load(
        context, "title.crew", "refused", reason="fewer_rows", sentence=rows.HOSTILE_WORDS
    )


@pytest.fixture(scope="module")
def kept(databases, _warehouse_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue_pages")
    (folder / "lake").mkdir()
    with filled(databases, _warehouse_template, folder, opened, fill) as made:
        yield made


@pytest.fixture(scope="module")
def still(kept):
    """A house whose warehouse no test changes."""
    with kept.again() as context:
        house = House(context)
        house.track(rows.ORCHARD)
        yield house


@pytest.fixture
def house(kept):
    with kept.again() as context:
        yield House(context)


@pytest.fixture
def bare(warehouse_url, tmp_path):
    """A house without a catalogue."""
    return House(opened(warehouse_url, (tmp_path / "lake").as_uri()))


def read(client, path, status=200, **more):
    answer = client.get(path, **more)
    assert answer.status_code == status, answer.text[:500]
    return html.document_fromstring(answer.text)


def said(node):
    return " ".join(node.text_content().split())


def hrefs(node, start):
    return [one for one in node.xpath(".//@href") if one.startswith(start)]


ALL_PAGES = [
    "/search", "/search?q=orchard", "/search?q=orchard&adult=true", "/search?q=vale",
    "/search?q=nothing+of+this+name", "/search?q=endless+words", "/catalogue",
    *(f"{TITLE}/{one}" for one in (rows.ORCHARD, rows.SERIES, rows.EPISODE, rows.ADULT,
                                   rows.HOSTILE, rows.LONG, rows.BARE)),
    *(f"{PERSON}/{one}" for one in (rows.MARLOW, rows.VALE, rows.OTHER_VALE, rows.BUSY,
                                    rows.HOSTILE_PERSON, rows.CAESAR)),
]  # fmt: skip
SHOWING = [path for path in ALL_PAGES if path not in ("/search", ALL_PAGES[4])]
"""Pages that show what is IMDb's."""


@pytest.mark.parametrize("path", [*ALL_PAGES, "/add?q=orchard", "/catalogue/drop"])
@pytest.mark.parametrize("name", ["admin", "viewer"])
def test_other_peoples_words_do_nothing(still, path, name):
    if name == "viewer" and path in ("/add?q=orchard", "/catalogue/drop"):
        assert still.client(name).get(path).status_code == 403
        return
    page = read(still.client(name), path)
    for script in page.iter("script"):
        assert urlsplit(script.get("src")).path.startswith("/static/")
        assert not script.text
    for node in page.iter():
        assert isinstance(node.tag, str), "a comment"
        assert not [a for a in node.attrib if a.startswith("on") or a == "style"], node.attrib
        for link in (node.get("href"), node.get("src"), node.get("action")):
            assert link is None or link.startswith(("/", "#"))
        if node.tag == "img":
            assert urlsplit(node.get("src")).path.startswith("/static/")


@pytest.mark.parametrize("path", SHOWING)
def test_the_credit_line_stands_where_data_is_shown(still, path):
    shown = [said(node) for node in read(still.client("viewer"), path).find_class("credit")]
    assert shown == [jobs.CATALOGUE_CREDIT]


@pytest.mark.parametrize("path", ALL_PAGES)
def test_ids_are_unique_and_labels_lead_somewhere(still, path):
    page = read(still.client(), path)
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for name in ("for", "aria-labelledby"):
        assert set(page.xpath(f"//@{name}")) <= set(ids)
    for field in page.xpath("//input[not(@type='hidden')]"):
        assert field.get("id") in page.xpath("//label/@for") or field.iterancestors("label")


def test_every_link_is_answered(still):
    client, seen = still.client(), set()
    for here in ALL_PAGES:
        page = read(client, here)
        for link in page.xpath("//@href | //@src | //form[@method='get']/@action | //@hx-get"):
            path = urljoin(here, link).partition("#")[0]
            # Not here: other modules' pages, what asks the site, and those of Airflow.
            if path in seen or path.startswith(("/upload", "/add", "/v1", "/dags", "/movies")):
                continue
            seen.add(path)
            assert client.get(path).status_code == 200, (here, link)
        for place in page.xpath("//@href[starts-with(., '#')]"):
            assert page.xpath("//*[@id=$id]", id=place[1:]), (here, place)
    assert {f"{PERSON}/{rows.MARLOW}", f"{TITLE}/{rows.SERIES}"} <= seen


@pytest.mark.parametrize("path", [*ALL_PAGES, f"{PERSON}/{rows.BUSY}?most={MOST_OF_A_PERSON}"])
def test_answers_are_bounded(still, path):
    assert len(still.client().get(path).content) < 300_000


# --- search ---------------------------------------------------------------------------------------


def test_a_title_is_found_with_what_tells_it_apart(still):
    page = read(still.client("editor"), "/search", params={"q": "orchard glass 2024"})
    hit = page.find_class("hit")[0]
    assert hrefs(hit, TITLE) == [f"{TITLE}/{rows.ORCHARD}"]
    words = said(hit)
    for part in ("2024", "8.1", "125,430", "El huerto de cristal", "Drama", "Ines Marlow",
                 "Laura Vale"):  # fmt: skip
        assert part in words


def test_what_is_tracked_leads_to_its_page_and_others_to_the_look(still):
    page = read(still.client("editor"), "/search", params={"q": "orchard"})
    assert hrefs(page.get_element_by_id("found"), "/movies/") == [f"/movies/{rows.ORCHARD}"]
    looks = hrefs(page.get_element_by_id("found"), "/add")
    assert f"/add?movie={rows.SERIES}" in looks
    assert f"/add?movie={rows.ORCHARD}" not in looks
    assert not hrefs(read(still.client("viewer"), "/search?q=orchard"), "/add")


def test_namesakes_are_told_apart(still):
    page = read(still.client(), "/search", params={"q": "laura vale"})
    found = {
        hrefs(hit, PERSON)[0]: said(hit) for hit in page.find_class("hit") if hrefs(hit, PERSON)
    }
    assert "born 1971" in found[f"{PERSON}/{rows.VALE}"]
    assert "Orchard Lane (2010)" in found[f"{PERSON}/{rows.OTHER_VALE}"]
    (section,) = read(still.client(), f"{PERSON}/{rows.VALE}").xpath(
        "//section[@aria-labelledby='namesakes']"
    )
    assert hrefs(section, PERSON) == [f"{PERSON}/{rows.OTHER_VALE}"]


def test_adult_titles_come_when_asked_for(still):
    without = still.client().get("/search", params={"q": "orchard after dark"})
    assert rows.ADULT not in without.text
    asked = still.client().get("/search", params={"q": "orchard after dark", "adult": "true"})
    assert rows.ADULT in asked.text


def test_as_one_types_only_the_results_come(still):
    answer = still.client("viewer").get("/search", params={"q": "orch"}, headers=PART)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    part = html.fromstring(f"<div>{answer.text}</div>")
    (count,) = part.xpath("//*[@hx-swap-oob]")
    assert said(count) == "3 titles"
    page = read(still.client("viewer"), "/search?q=orch")
    assert page.get_element_by_id(count.get("id")).get("role") == "status"


def test_nothing_typed_nothing_fits_and_no_catalogue(still, bare):
    editor = still.client("editor")
    for empty in ("/search", "/search?q=", "/search?q=%20"):
        assert not read(editor, empty).find_class("hit")
    nothing = read(editor, "/search?q=qwxz")
    assert not hrefs(nothing.get_element_by_id("found"), "/add?q"), "reading live is off"
    for path in ("/search", "/search?q=orchard"):
        found = read(bare.client("viewer"), path).get_element_by_id("found")
        assert hrefs(found, "/catalogue") == ["/catalogue"]


def test_the_site_is_offered_where_it_may_be_asked(house):
    on = house.job_context.settings.model_copy(
        update={"source_urls": {"imdb": "http://127.0.0.1:9"}}
    )
    house.job_context = dataclasses.replace(house.job_context, settings=on)
    for q in ("orchard", "qwxz"):
        page = read(house.client("editor"), f"/search?q={q}")
        assert hrefs(page.get_element_by_id("found"), "/add?q") == [f"/add?q={q}&at_site=true"]
        assert not hrefs(read(house.client("viewer"), f"/search?q={q}"), "/add")


@pytest.mark.parametrize(
    "q",
    [
        "a", "\0", "%", "_", "'; DROP TABLE core.movies; --", rows.HOSTILE_WORDS, "🎬" * 40,
        "\u202e", "x" * LONGEST, "a " * 100, "!&|:*()<->", "\\", "tt99100001", "nm99100001", "2024",
        "the", "https://www.imdb.com/title/tt99100001/", "\ud800".encode("utf-8", "surrogatepass"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("more", [{}, PART])
def test_odd_words_are_answered(still, q, more):
    answer = still.client("viewer").get("/search", params={"q": q}, headers=more)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_what_is_too_long_or_no_id_is_refused(still):
    client = still.client()
    assert client.get("/search", params={"q": "x" * (LONGEST + 1)}).status_code == 422
    for path in (f"{TITLE}/tt1", f"{TITLE}/x", f"{PERSON}/nm1", f"{PERSON}/tt99100001",
                 f"{PERSON}/nm99100001'--", f"{PERSON}/{rows.BUSY}?most=0",
                 f"{PERSON}/{rows.BUSY}?most={MOST_OF_A_PERSON + 1}"):  # fmt: skip
        assert client.get(path).status_code == 422, path


# --- titles and people ----------------------------------------------------------------------------


def test_a_title_has_facts_people_and_other_names(still):
    page = read(still.client("editor"), f"{TITLE}/{rows.ORCHARD}")
    facts = {said(one[0]): one[1] for one in page.xpath("//dl/div")}
    assert said(facts["Rating at IMDb"]) == "8.1 of 10, 125,430 votes"
    assert said(facts["Running time"]) == "1 h 58 min"
    assert hrefs(facts["Director"], PERSON) == [f"{PERSON}/{rows.MARLOW}"]
    assert hrefs(facts["Cast"], PERSON) == [f"{PERSON}/{rows.VALE}", f"{PERSON}/{rows.BUSY}"]
    assert 'Laura Vale (Dr. "Bones" Vale)' in said(facts["Cast"])
    assert rows.DANGLING in said(facts["Cast"])
    assert hrefs(facts["Casting director"], PERSON) == [f"{PERSON}/{rows.OTHER_VALE}"]
    names = [[said(cell) for cell in row] for row in page.xpath("//table/tbody/tr")]
    assert names == [["El huerto de cristal", "ES"], ["Der gläserne Garten", "DE"]]
    assert hrefs(page, "/movies/") == [f"/movies/{rows.ORCHARD}"]


def test_a_title_that_is_not_tracked_leads_to_the_look(still):
    path = f"{TITLE}/{rows.SERIES}"
    assert f"/add?movie={rows.SERIES}" in hrefs(read(still.client("editor"), path), "/add")
    assert not hrefs(read(still.client("viewer"), path), "/add")


def test_an_episode_leads_to_its_series(still):
    page = read(still.client(), f"{TITLE}/{rows.EPISODE}")
    assert hrefs(page, f"{TITLE}/{rows.SERIES}")
    assert "season 1, episode 1" in said(page.find(".//dl"))


def test_very_many_people_and_names_are_cut(still):
    page = read(still.client(), f"{TITLE}/{rows.LONG}")
    assert len(hrefs(page, PERSON)) == 30
    assert f"and {rows.WRITERS - 30} more" in said(page.find(".//dl"))
    assert len(page.xpath("//table/tbody/tr")) == 100
    assert str(rows.NAMES) in said(page.find(".//details/summary"))


def test_what_the_catalogue_does_not_hold(still, bare):
    for house in (still, bare):
        page = read(house.client("editor"), f"{TITLE}/{rows.ABSENT}", 404)
        assert hrefs(page, "/add") == [f"/add?movie={rows.ABSENT}"]
        assert house.client().get(f"{PERSON}/{rows.DANGLING}").status_code == 404
    assert rows.BARE in said(read(still.client(), f"{TITLE}/{rows.BARE}").find(".//h1"))


def years(page, role):
    (section,) = page.xpath("//section[@aria-labelledby=$role]", role=role)
    return [said(row[0]) for row in section.xpath(".//tbody/tr")]


def test_a_person_has_titles_by_role_newest_first(still):
    page = read(still.client(), f"{PERSON}/{rows.MARLOW}")
    assert [said(h) for h in page.xpath("//section/h2")] == ["Director 1", "Writer 1"]
    assert "born 1964" in said(page.find(".//h1"))
    busy = read(still.client(), f"{PERSON}/{rows.BUSY}")
    shown = years(busy, "cast")
    assert len(shown) == 50
    assert shown == sorted(shown, reverse=True)
    (more,) = hrefs(busy, f"{PERSON}/{rows.BUSY}?most=")
    assert len(years(read(still.client(), more), "cast")) == MOST_OF_A_PERSON


def test_a_person_of_another_role_has_titles(still):
    page = read(still.client(), f"{PERSON}/{rows.OTHER_VALE}")
    assert [said(h) for h in page.xpath("//section/h2")][:2] == ["Casting director 1", "Cast 1"]
    none = said(read(still.client(), f"{PERSON}/{rows.CAESAR}"))
    assert "Apart from episodes and adult titles" in none


def test_years_before_christ_are_written_so(still):
    assert "100 BC" in said(read(still.client(), f"{PERSON}/{rows.CAESAR}").find(".//h1"))


def test_the_add_page_names_what_tells_titles_apart(still):
    page = read(still.client("editor"), "/add", params={"q": "glass orchard"})
    suggestions = said(page.get_element_by_id("suggestions"))
    for part in ("Ines Marlow", "Drama", "125,430 votes", jobs.CATALOGUE_CREDIT):
        assert part in suggestions


# --- the catalogue itself -------------------------------------------------------------------------


def test_terms_and_costs_stand_before_acceptance(bare):
    page = read(bare.client("editor"), "/catalogue")
    assert jobs.CATALOGUE_TERMS in said(page)
    costs = [said(one) for one in page.find_class("subset")]
    assert len(costs) == len(jobs.CATALOGUE_COSTS)
    for shown, cost in zip(costs, jobs.CATALOGUE_COSTS.values(), strict=True):
        for figure in (
            f"{cost.download_gb:g} GB",
            f"{cost.disk_gb:g} GB",
            f"{cost.minutes} minutes",
        ):
            assert figure in shown
    assert page.xpath("//input[@name='subset'][@checked]/@value") == ["rated"]
    as_viewer = read(bare.client("viewer"), "/catalogue")
    assert jobs.CATALOGUE_TERMS in said(as_viewer)
    assert not as_viewer.xpath("//main//form")


def test_accepting_records_it_and_starts_the_load(bare):
    client = bare.client("editor", follow_redirects=False)
    assert client.post("/catalogue/accept", data={"subset": "half"}).status_code == 422
    assert client.post("/catalogue/accept").status_code == 422
    assert jobs.catalogue_status(bare.job_context).subset is None
    done = client.post("/catalogue/accept", data={"subset": "no_episodes"})
    assert (done.status_code, done.headers["location"]) == (303, "/catalogue?said=accepted")
    assert jobs.catalogue_status(bare.job_context).subset == "no_episodes"
    assert bare.started == [("refresh_catalogue", {}, "editor")]
    page = read(client, done.headers["location"])
    assert page.xpath("//*[@id='state']/@hx-get") == ["/catalogue/state?tries=90"]
    assert page.xpath("//input[@name='subset'][@checked]/@value") == ["no_episodes"]


def test_nothing_is_accepted_by_somebody_who_may_not_start_the_load(bare):
    bare.forbidden = {"refresh_catalogue"}
    client = bare.client("editor", follow_redirects=False)
    assert client.post("/catalogue/accept", data={"subset": "rated"}).status_code == 403
    assert jobs.catalogue_status(bare.job_context).subset is None
    assert not bare.started


def test_terms_stay_accepted_if_no_run_can_be_started(bare, monkeypatch):
    def fail(*_args):
        raise Retryable("Airflow does not know the DAG yet.", reason="dag_unknown")

    monkeypatch.setattr(bare, "start", fail)
    client = bare.client("editor", follow_redirects=False)
    done = client.post("/catalogue/accept", data={"subset": "rated"})
    assert done.headers["location"] == "/catalogue?said=accepted-later"
    assert jobs.catalogue_status(bare.job_context).subset == "rated"
    assert client.post("/catalogue/refresh").status_code == 503


def test_the_state_of_each_dataset_is_shown(still):
    page = read(still.client("viewer"), "/catalogue")
    state = page.get_element_by_id("state")
    shown = {said(row[0]): [said(cell) for cell in row] for row in state.xpath(".//tbody/tr")}
    assert shown["title.basics"][1:4] == [f"{rows.MANY + 7}", "25 MB", "21 Nov 2026, 04:30 UTC"]
    assert shown["title.crew"][1] == "7", "what readers see, although a newer file was refused"
    assert "Refused" in shown["title.crew"][4]
    assert "<script>" in shown["title.crew"][4], "the sentence, as text"
    assert not state.get("hx-get")
    assert not page.xpath("//main//form")


def test_an_open_page_looks_again_and_then_rests(still):
    client = still.client("viewer")
    again = html.fromstring(client.get("/catalogue/state?tries=2", headers=PART).text)
    assert again.get("hx-get") == "/catalogue/state?tries=1"
    assert not html.fromstring(client.get("/catalogue/state?tries=1").text).get("hx-get")
    assert client.get("/catalogue/state?tries=101").status_code == 422


def test_a_refresh_is_started(house):
    client = house.client("editor", follow_redirects=False)
    done = client.post("/catalogue/refresh")
    assert (done.status_code, done.headers["location"]) == (303, "/catalogue?said=refreshing")
    assert house.started == [("refresh_catalogue", {}, "editor")]


def test_what_is_left_without_an_acceptance_is_shown_and_can_be_dropped(house):
    with house.job_context.warehouse.connect() as connection:
        wh.withdraw(connection)
    for name, may_drop in (("viewer", False), ("editor", False), ("admin", True)):
        page = read(house.client(name), "/catalogue")
        assert page.get_element_by_id("state").find_class("datasets")
        assert page.get_element_by_id("terms") is not None
        assert bool(hrefs(page, "/catalogue/drop")) == may_drop
        assert not page.xpath("//form[@action='/catalogue/refresh']")


def test_dropping_asks_and_needs_the_right_to_erase(house):
    editor = house.client("editor", follow_redirects=False)
    assert not hrefs(read(editor, "/catalogue"), "/catalogue/drop")
    assert editor.get("/catalogue/drop").status_code == 403
    assert editor.post("/catalogue/drop").status_code == 403
    assert jobs.catalogue_status(house.job_context).is_filled
    admin = house.client("admin", follow_redirects=False)
    assert hrefs(read(admin, "/catalogue"), "/catalogue/drop")
    (form,) = read(admin, "/catalogue/drop").xpath("//main//form")
    done = admin.post(form.get("action"))
    assert (done.status_code, done.headers["location"]) == (303, "/catalogue?said=dropped")
    status = jobs.catalogue_status(house.job_context)
    assert (status.subset, status.is_filled) == (None, False)
    assert read(admin, "/catalogue?said=dropped").find_class("subset")
    assert not read(admin, "/search?q=orchard").find_class("hit")
    assert admin.get(f"{TITLE}/{rows.ORCHARD}").status_code == 404
