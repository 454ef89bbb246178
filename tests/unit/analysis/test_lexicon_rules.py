from collections.abc import Sequence

import pytest
from helpers import lexicon

from filmpulse.items import Analysis, AspectScore, analysed_text


def read(text: str, language: str | None = "en", cast: Sequence[str] = ()) -> Analysis:
    return lexicon.read(text, language, cast)


def scores(text: str, cast: Sequence[str] = ()) -> dict[str, int]:
    return {aspect.aspect: aspect.score for aspect in read(text, cast=cast).aspects}


def signs(text: str, cast: Sequence[str] = ()) -> dict[str, int]:
    return lexicon.signs_of(read(text, cast=cast))


def quote(text: str, aspect: str) -> AspectScore:
    return lexicon.score_of(read(text), aspect)


def test_the_analysis_carries_the_keys_of_its_text_and_costs_nothing():
    analysis = read("Good movie.")
    assert (analysis.source, analysis.review_id, analysis.imdb_id, analysis.content_hash) == (
        "imdb",
        "rw1",
        "tt9900001",
        "0" * 64,
    )
    assert analysis.status == "scored"
    assert analysis.cost_usd is analysis.input_tokens is analysis.output_tokens is None


def test_each_side_of_a_contrast_keeps_its_own_opinion():
    assert signs("The story is dull, but the photography is stunning.") == {
        "storytelling": -1,
        "visuals": 1,
    }
    assert signs("Great acting, dreadful script.") == {"acting": 1, "storytelling": -1}
    assert signs("While the music is wonderful, the plot is a bore.") == {
        "sound": 1,
        "storytelling": -1,
    }


def test_one_judgement_covers_a_list_of_aspects():
    assert scores("The acting, the music and the costumes are all excellent.") == {
        "acting": 2,
        "sound": 2,
        "visuals": 2,
    }


def test_an_aspect_cut_off_from_its_judgement_gets_it_back():
    assert signs("The plot, although thin, goes on.") == {"storytelling": -1}
    assert signs("The music, while loud in places, is gorgeous.")["sound"] == 1


def test_a_concession_weighs_less_than_what_it_grants():
    assert signs("Although the acting is weak at first, it becomes superb.")["acting"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "There is music.",
        "A sheriff finds a body under the ice.",
        "The story follows a widow who inherits a lighthouse.",
        "The music begins when the train arrives, and the costumes are blue.",
    ],
)
def test_naming_without_any_judgement_is_no_mention(text: str):
    assert read(text).aspects == ()


def test_negation_turns_an_opinion():
    assert signs("The acting isn\u2019t good.") == {"acting": -1}
    assert signs("The plot never gets boring.") == {"storytelling": 1}
    assert signs("There is nothing but praise for the superb acting.") == {"acting": 1}


def test_a_negator_of_long_scope_turns_praise_over_commas():
    assert signs("The script lacks, from first to last, any charm.") == {"storytelling": -1}
    assert signs("The music fails to be either moving or beautiful.")["sound"] == -1
    assert signs("It could have been a superb script.") == {"storytelling": -1}


def test_a_contrast_ends_what_is_negated():
    assert signs("The script is without charm but the music is wonderful.")["sound"] == 1


def test_an_aspect_that_only_a_sentence_judges_is_drawn_to_the_whole():
    kind = "A masterpiece, superb and moving in every way. I loved it. It has a long first act."
    harsh = "Awful, a terrible waste of time. I hated it. It has a long first act."
    assert signs(kind)["storytelling"] == 1
    assert signs(harsh)["storytelling"] == -1


def test_a_judgement_of_another_aspect_is_none_of_the_story():
    assert signs("The music is dull.") == {"sound": -1}
    assert signs("It is dull.") == {"storytelling": -1}


def test_hints_make_a_mention_only_together():
    assert "acting" not in scores("She has a wonderful voice.")
    assert signs("She has a wonderful voice. He sings beautifully too.")["acting"] == 1


def test_praise_of_somebody_who_acts_is_praise_of_the_acting():
    text = "The plot is dull. Okonkwo is superb, and so is ada lindgren."
    assert "acting" not in signs(text)
    assert signs(text, ["Chidi Okonkwo", "Ada Lindgren"])["acting"] == 1
    # A name that is a word of the language counts beside another part of the name alone.
    assert "acting" not in signs("Grace is superb here.", ["Grace Hope"])
    assert signs("Grace Hope is superb here.", ["Grace Hope"])["acting"] == 1


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
def test_typing_habits_change_no_sign(text: str):
    assert signs(text)["acting"] == 1


def test_the_quote_is_the_sentence_that_says_it():
    text = analysed_text("Hm", "A long walk to the cinema. The score is awful. I had cake.")
    found = quote(text, "sound")
    assert found.quote == "The score is awful."
    assert found.quote_start == text.index("The score")


def test_a_sentence_of_two_minds_is_quoted_by_its_clause():
    text = "The costumes are lovely but the dialogue is awful..."
    assert quote(text, "storytelling").quote == "the dialogue is awful..."
    assert quote(text, "visuals").quote == "The costumes are lovely"


def test_a_quote_never_begins_in_the_middle_of_a_thought():
    text = "A dreadful script, with music that is wonderful and will charm some people."
    for found in read(text).aspects:
        assert found.quote is None or not found.quote.startswith(("that", "with", "and"))


def test_what_is_faulted_is_never_shown_by_praise():
    text = (
        "The script is awful. The script is terrible. The script is a mess. "
        "One line of the script is lovely."
    )
    found = quote(text, "storytelling")
    assert found.score < 0
    assert found.quote != "One line of the script is lovely."


def test_of_two_equal_quotes_the_shorter_one_is_shown():
    text = "The music that they play in the long second act is superb. The music is superb."
    assert quote(text, "sound").quote == "The music is superb."


def test_offsets_count_code_points_not_bytes():
    text = "🎬🎬 é — the acting is superb."
    found = quote(text, "acting")
    assert found.quote is not None
    assert found.quote_start == text.index(found.quote)


def test_one_word_and_endless_clauses_are_not_quoted():
    assert quote("Predictable.", "storytelling").quote is None
    assert quote(f"The acting of {'x' * 300} is superb.", "acting").quote is None


def test_only_praise_and_blame_that_weigh_the_same_make_zero():
    assert scores("The music is a delight. The music is dull, and dull, and dull.")["sound"] != 0
    assert scores("Music 9/10 at first. Music 2/10 at the end.")["sound"] == 0


def test_a_grade_in_the_text_counts():
    assert read("10/10").overall == 2
    assert read("I give it 1 out of 10.").overall == -2
    assert signs("acting 9/10, story 2/10") == {"acting": 1, "storytelling": -1}
    assert read("★★★★★").overall == 2
    assert read("★☆☆☆☆").overall == -2


@pytest.mark.parametrize(
    "text",
    [
        "Filmed in 24/7 light since 9/11, on 1/10/2020.",
        "On 9/10 we saw it.",
        "It is 1/5 of the length.",
        "8 out of 10 people in the room had a coat.",
        "A 5v5 match, a 4x5 frame.",
    ],
)
def test_not_every_fraction_is_a_grade(text: str):
    assert read(text).valence is None


def test_a_question_does_not_judge():
    assert read("Who called this script a masterpiece?").aspects == ()


def test_saying_it_twice_says_nothing_more():
    once = "The acting is superb. The acting is dull."
    assert read(" ".join([once] * 50)).valence == pytest.approx(read(once).valence)


def test_a_text_without_opinion_is_neutral_and_mentions_nothing():
    for text in ("", "\n\n", "...", "A man walks into a lighthouse."):
        assert (read(text).status, read(text).overall, read(text).aspects) == ("scored", 0, ())


@pytest.mark.parametrize("language", ["de", "ja", "nn"])
def test_another_language_is_unsupported_never_neutral(language: str):
    analysis = read("The acting is superb.", language)
    assert (analysis.status, analysis.overall, analysis.valence, analysis.aspects) == (
        "unsupported_language",
        None,
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
        ("Obra maestra", "scored"),
        ("Superbe film", "scored"),
        ("Ein Meisterwerk, unbedingt ansehen", "unsupported_language"),
        ("素晴らしい", "unsupported_language"),
    ],
)
def test_without_a_language_known_words_decide(text: str, status: str):
    assert read(text, None).status == status


def test_emoji_judge():
    assert read("👎\n\n💩💩", None).overall == -2
    assert signs("The songs 😍👏") == {"sound": 1}
