import pytest

from filmpulse.analysis.lexicon import LexiconAnalyser
from filmpulse.items import Analysis, AspectScore, ReviewText, analysed_text


def read(text: str, language: str | None = "en") -> Analysis:
    review = ReviewText(
        source="imdb",
        review_id="rw1",
        imdb_id="tt9900001",
        content_hash="0" * 64,
        language=language,
        text=text,
    )
    (analysis,) = LexiconAnalyser().analyse([review])
    return analysis


def scores(text: str) -> dict[str, int]:
    return {aspect.aspect: aspect.score for aspect in read(text).aspects}


def quote(text: str, aspect: str) -> AspectScore:
    return next(score for score in read(text).aspects if score.aspect == aspect)


def test_the_analysis_carries_the_keys_of_its_text_and_costs_nothing():
    analysis = read("Good film.")
    assert (analysis.source, analysis.review_id, analysis.imdb_id, analysis.content_hash) == (
        "imdb",
        "rw1",
        "tt9900001",
        "0" * 64,
    )
    assert analysis.status == "scored"
    assert analysis.cost_usd is analysis.input_tokens is analysis.output_tokens is None


def test_each_side_of_a_contrast_keeps_its_own_opinion():
    assert scores("The story is thin, but the photography is stunning.") == {
        "storytelling": -1,
        "visuals": 2,
    }
    assert scores("While the music is wonderful, the film is a bore.") == {"sound": 2}
    assert scores("Great acting, dreadful script.") == {"acting": 2, "storytelling": -2}


def test_one_judgement_covers_a_list_of_aspects():
    assert scores("The acting, the music and the sets are all excellent.") == {
        "acting": 2,
        "sound": 2,
        "visuals": 2,
    }


def test_an_aspect_cut_off_from_its_judgement_gets_it_back():
    assert scores("The plot, although thin, goes on.") == {"storytelling": -1}
    assert scores("The acting is good; not great.")["acting"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "The story follows a killer who murders a rich and happy family.",
        "Her character is at war with the whole town.",
        "There is music.",
        "It sounds like a good idea.",
    ],
)
def test_naming_or_retelling_is_no_mention(text: str):
    assert read(text).aspects == ()


def test_an_opinion_that_leans_nowhere_is_a_mention():
    assert scores("The acting is passable.") == {"acting": 0}


def test_negation_turns_an_opinion():
    assert scores("The acting isn\u2019t good.") == {"acting": -1}
    assert scores("The effects fail to impress.") == {"visuals": -1}
    assert scores("The plot never gets boring.") == {"storytelling": 1}
    assert scores("There is nothing but praise for the superb cast.") == {"acting": 2}


@pytest.mark.parametrize(
    "text",
    [
        "The acting is SUPERB",
        "THE ACTING IS SUPERB",
        "the acting is suuuuperb",
        "The acting—superb.",
        "I went in.The acting is superb.And then I left",
        "«The acting»: superb",
        "My actors' acting is “superb”",
    ],
)
def test_typing_habits_change_nothing(text: str):
    assert scores(text)["acting"] == 2


def test_the_quote_is_the_clause_that_says_it():
    text = analysed_text("Hm", "A long walk to the cinema. The score is awful, but I had cake.")
    found = quote(text, "sound")
    assert found.quote == "The score is awful"
    assert found.quote_start == text.index("The score")


def test_a_quote_keeps_its_full_stop_and_drops_what_joined_it():
    text = "The costumes are lovely and the dialogue is awful..."
    assert quote(text, "storytelling").quote == "the dialogue is awful..."


def test_offsets_count_code_points_not_bytes():
    text = "🎬🎬 é — the acting is superb."
    found = quote(text, "acting")
    assert found.quote == "the acting is superb."
    assert found.quote_start == 7


def test_a_mix_of_both_signs_has_no_quote_that_would_take_sides():
    found = quote("Superb acting in the first hour. Terrible acting in the second.", "acting")
    assert (found.score, found.quote, found.quote_start) == (0, None, None)


def test_one_word_and_endless_clauses_are_not_quoted():
    assert quote("Predictable.", "storytelling").quote is None
    assert quote(f"The acting of {'x' * 300} is superb.", "acting").quote is None


def test_a_rating_in_the_text_counts():
    assert read("10/10").overall == 2
    assert read("I give it 1 out of 10.").overall == -2
    assert scores("acting 9/10, story 2/10") == {"acting": 2, "storytelling": -2}
    assert read("Filmed in 24/7 light since 9/11, on 1/10/2020.").overall == 0


def test_a_question_does_not_judge():
    assert read("Who called this script a masterpiece?").aspects == ()


def test_saying_it_twice_says_nothing_more():
    once = "The acting is superb. The acting is dull."
    assert read(once * 50).overall == read(once).overall
    assert scores((once + " ") * 50) == scores(once)


def test_a_text_without_opinion_is_neutral_and_mentions_nothing():
    for text in ("", "\n\n", "...", "A man walks into a lighthouse."):
        assert (read(text).status, read(text).overall, read(text).aspects) == ("scored", 0, ())


@pytest.mark.parametrize("language", ["es", "ja", "nn"])
def test_another_language_is_unsupported_never_neutral(language: str):
    analysis = read("The acting is superb.", language)
    assert (analysis.status, analysis.overall, analysis.aspects) == (
        "unsupported_language",
        None,
        (),
    )


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Loved it!", "scored"),
        ("10/10", "scored"),
        ("5.5/10", "scored"),
        ("👎\n\n💩💩", "scored"),
        ("", "scored"),
        ("Obra maestra", "unsupported_language"),
        ("Ein Meisterwerk, unbedingt ansehen", "unsupported_language"),
        ("素晴らしい", "unsupported_language"),
    ],
)
def test_without_a_language_known_words_decide(text: str, status: str):
    assert read(text, None).status == status


def test_emoji_judge():
    assert read("👎\n\n💩💩", None).overall == -2
    assert scores("The songs 😍👏") == {"sound": 2}


def test_the_version_follows_the_words(monkeypatch: pytest.MonkeyPatch):
    from filmpulse.analysis import lexicon

    before = LexiconAnalyser()
    data = lexicon._data()
    changed = data | {"valence": data["valence"] | {"superb": 0.0}}
    monkeypatch.setattr(lexicon, "_data", lambda: changed)
    after = LexiconAnalyser()
    assert before.prompt_version.split("-")[0] == after.prompt_version.split("-")[0]
    assert before.prompt_version != after.prompt_version


def test_the_words_of_the_data_file_are_written_as_they_are_looked_up():
    from filmpulse.analysis import lexicon

    data = lexicon._data()
    words = [word for aspect in data["aspects"].values() for word in aspect]
    words += [*data["not_aspects"]["phrases"], *data["whole"]["words"], *data["unreal"]["words"]]
    words += [*data["valence"], *data["rewrites"], *data["neutral"]["words"]]
    for word in words:
        read_back = [
            w.key for w in lexicon._read_words(word.rstrip("*"), lexicon._shared_lexicon())
        ]
        assert " ".join(read_back).replace("_", " ") == word.rstrip("*") or word in data["rewrites"]
