"""What a model answers is untrusted: read whole and exact, or not at all, and never repeated."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmpulse.analysis.llm.answers import Checked, InvalidAnswer, read_answer
from filmpulse.analysis.llm.lenient import LENIENCIES
from filmpulse.items import ASPECTS, AspectScore

TEXT = "Lantern Bay\n\nThe “tide” scenes look ravishing, but nobody can act. I left happy."
ABSENT = {"mentioned": False, "quote": None, "score": None}
ANSWER = {
    **dict.fromkeys(ASPECTS, ABSENT),
    "acting": {"mentioned": True, "quote": "nobody can act", "score": -2},
    "visuals": {"mentioned": True, "quote": 'the "tide" scenes LOOK ravishing', "score": 2},
    "overall": {"quote": "I left happy.", "score": 1},
}


def changed(place, value):
    """Return the answer with one value changed, or taken out."""
    answer = json.loads(json.dumps(ANSWER))  # in which no part is shared
    *outer, last = place.split(".")
    part = answer
    for step in outer:
        part = part[step]
    if value is KeyError:
        del part[last]
    else:
        part[last] = value
    return answer


def read(answer, text=TEXT):
    return read_answer(answer if isinstance(answer, str) else json.dumps(answer), text)


def test_scores_come_in_order_with_the_words_of_the_text():
    checked = read(ANSWER)
    acting, visuals = "nobody can act", "The “tide” scenes look ravishing"
    assert (checked.quotes_given, checked.quotes_dropped) == (3, 0)
    assert checked.reading.status == "scored"
    assert checked.reading.aspects == (
        AspectScore(aspect="acting", score=-2, quote=acting, quote_start=TEXT.index(acting)),
        AspectScore(aspect="visuals", score=2, quote=visuals, quote_start=TEXT.index(visuals)),
    )
    assert checked.reading.overall == 1
    assert checked.reading.overall_quote == "I left happy."
    assert checked.reading.overall_quote_start == TEXT.index("I left happy.")


def test_all_or_no_aspects_may_be_mentioned():
    nothing = {**dict.fromkeys(ASPECTS, ABSENT), "overall": {"quote": None, "score": 0}}
    assert read(nothing) == Checked(read(nothing).reading, 0, 0)
    assert read(nothing).reading.aspects == ()
    everything = {**ANSWER, **dict.fromkeys(ASPECTS, ANSWER["acting"])}
    assert [score.aspect for score in read(everything).reading.aspects] == list(ASPECTS)


@pytest.mark.parametrize(
    "quote",
    [
        "mock-quote",
        "",
        "happy",
        "nobody could act",
        "Nobody 演技",
        "\0",
        "nobody\0 can act",
        "nobody can\uffff act",
        "a " * 400,
    ],
)
def test_a_quote_that_is_not_there_goes_and_its_score_stays(quote):
    checked = read(changed("acting.quote", quote))
    assert (checked.quotes_given, checked.quotes_dropped) == (3, 1)
    assert checked.reading.aspects[0] == AspectScore(aspect="acting", score=-2)
    checked = read(changed("overall.quote", quote))
    assert (checked.quotes_given, checked.quotes_dropped) == (3, 1)
    assert checked.reading.overall == 1
    assert checked.reading.overall_quote is checked.reading.overall_quote_start is None


def test_an_overall_score_needs_no_quote():
    checked = read(changed("overall.quote", None))
    assert (checked.quotes_given, checked.quotes_dropped) == (2, 0)
    assert checked.reading.overall_quote is None


def test_an_empty_quote_of_what_is_absent_quotes_nothing():
    assert read(changed("sound.quote", "")) == read(ANSWER)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("acting.mentioned", False),
        ("acting.score", None),
        ("sound.mentioned", True),
        ("sound.score", 1),
        ("sound.quote", "nobody can act"),
    ],
)
def test_an_aspect_that_contradicts_itself_spoils_the_answer(place, value):
    with pytest.raises(InvalidAnswer, match=f"contradicts itself on {place.split('.')[0]}"):
        read(changed(place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("acting.score", 3),
        ("acting.score", -3),
        ("acting.score", 0.5),
        ("acting.score", True),
        ("acting.score", "3"),
        ("acting.score", "4/5"),
        ("acting.score", "positive"),
        ("acting.score", [1]),
        ("acting.score", float("nan")),
        ("acting.mentioned", 1),
        ("acting.mentioned", "true"),
        ("acting.mentioned", None),
        ("acting.quote", 7),
        ("acting.quote", ["nobody can act"]),
        ("acting.score", KeyError),
        ("acting.quote", KeyError),
        ("acting", None),
        ("acting", KeyError),
        ("overall", KeyError),
        ("overall.score", None),
    ],
)
def test_an_answer_of_another_shape_is_no_answer(place, value):
    with pytest.raises(InvalidAnswer, match="does not fit the schema"):
        read(changed(place, value))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "{}",
        "I cannot help with that.",
        json.dumps(ANSWER)[:-1],
        json.dumps([ANSWER]),
        json.dumps(json.dumps(ANSWER)),
        json.dumps(ANSWER).replace("nobody can act", "\\ud800 nobody"),
        json.dumps(ANSWER).replace("nobody can act", "\\udfac\\ud83c nobody can act"),
        "[" * 90_000,
        '{"acting":' * 9_000,
        " " * 10_000_000,
    ],
    ids=lambda content: content[:12],
)
def test_what_is_no_such_json_is_no_answer(content):
    with pytest.raises(InvalidAnswer):
        read(content)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("acting.quote", {"SECRET": "SECRET"}),
        ("acting.score", "SECRET"),
        ("acting", {"SECRET": "SECRET"}),
        ("overall", "SECRET"),
        ("acting.mentioned", "SECRET"),
    ],
)
def test_no_error_repeats_what_was_answered(place, value):
    with pytest.raises(InvalidAnswer) as caught:
        read(changed(place, value))
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("[]", "The answer does not fit the schema: model_type."),
        (changed("acting.score", KeyError), "… schema: missing at acting.score."),
    ],
)
def test_an_error_says_what_is_wrong_and_where(answer, sentence):
    with pytest.raises(InvalidAnswer) as caught:
        read(answer)
    assert str(caught.value) == sentence.replace("…", "The answer does not fit the")


@pytest.mark.parametrize(("written", "score"), [("2.0", 2), ("1e0", 1), ("-0", 0), ("-0.0", 0)])
def test_a_whole_number_may_be_written_in_any_way(written, score):
    found = read(json.dumps(changed("acting.score", "@")).replace('"@"', written)).reading
    assert repr(found.aspects[0].score) == repr(score)


@pytest.mark.parametrize("written", ["Infinity", "1e400", "9" * 5_000, "01", "+1", "0x1", "1.5e0"])
def test_no_other_number_is_a_score(written):
    with pytest.raises(InvalidAnswer):
        read(json.dumps(changed("acting.score", "@")).replace('"@"', written))


def test_as_much_as_is_ever_read_is_read_and_no_more():
    longest = json.dumps(ANSWER).ljust(100_000)
    assert read(longest) == read(ANSWER)
    with pytest.raises(InvalidAnswer, match="100,001 characters"):
        read(longest + " ")


# ------------------------------------------------------------------ read leniently

WHOLE = json.dumps(ANSWER, indent=1)
OTHER = json.dumps(changed("overall.score", -2))
DRAFT = f"First I thought {OTHER}, but"


@pytest.mark.parametrize(
    ("content", "leniencies"),
    [
        (f"```json\n{WHOLE}\n```", "code_fence"),
        (f"```\n{WHOLE}```\n", "code_fence"),
        (f"~~~JSON\n{WHOLE}\n~~~", "code_fence"),
        (f"Here it is:\n\n```json\n{WHOLE}\n```\nAnything else?", "code_fence prose"),
        (f"Here it is: {WHOLE}", "prose"),
        (f"{WHOLE}\nI hope this helps {{you}}!", "prose"),
        (f"{WHOLE}<|im_end|>", "prose"),
        (f"The form {{...}} has {{'a': 1}}, so [1] {WHOLE}", "prose"),
        (f'{WHOLE} {{"note": "the overall is 1"}}', "prose"),
        (WHOLE + WHOLE, "prose"),
        (WHOLE + "[" * 50_000, "prose"),
        (f"\ufeff{WHOLE}", ""),
        (f"<think>\nIs {{it}} good?\n</think>\n\n{WHOLE}", "thinking"),
        (f"<think>{DRAFT}</think>{WHOLE}", "thinking"),
        (f"{DRAFT}\n</think>\n{WHOLE}", "thinking"),
        (f"<thinking>Hm.</thinking>```json\n{WHOLE}\n```", "code_fence thinking"),
        (f"<think>a</think> and <think>b</think>\n{WHOLE}", "thinking"),
        (f"{DRAFT} then: {WHOLE}", "prose"),
        (json.dumps({"answer": ANSWER}), "wrapper"),
        (f"```json\n{json.dumps({'result': ANSWER})}\n```", "code_fence wrapper"),
        (json.dumps(changed("acting.score", "-2")), "text_scores"),
        (json.dumps(changed("visuals.score", "+2")), "text_scores"),
        (json.dumps(changed("visuals.score", " 2.0")), "text_scores"),
        (json.dumps(changed("acting.score", "\u22122")), "text_scores"),
        (json.dumps(changed("acting.sarcasm", True)), "extra_keys"),
        (json.dumps(changed("overall.mentioned", True)), "extra_keys"),
        (json.dumps(changed("costumes", ABSENT)), "extra_keys"),
        (json.dumps({"reasoning": "because", **ANSWER}), "extra_keys"),
        (json.dumps(changed("sound.score", 0)), "empty_aspect"),
        (json.dumps(changed("sound", {**ABSENT, "quote": "", "score": 0})), "empty_aspect"),
        (json.dumps(changed("sound.score", "0")), "text_scores empty_aspect"),
    ],
    ids=range(31),
)
def test_the_right_answer_is_read_however_it_comes(content, leniencies):
    checked = read(content)
    assert checked[:3] == read(ANSWER)[:3]
    assert checked.leniencies == tuple(leniencies.split())
    assert set(checked.leniencies) <= LENIENCIES.keys()


def test_a_score_stays_where_there_is_no_quote_at_all():
    checked = read(changed("acting.quote", None))
    assert (checked.quotes_given, checked.quotes_dropped) == (2, 0)
    assert checked.reading.aspects[0] == AspectScore(aspect="acting", score=-2)
    assert checked.leniencies == ("no_quote",)


@pytest.mark.parametrize(
    "content",
    [
        f"<think>{WHOLE}</think>",
        f"<think>{WHOLE}",
        f"{WHOLE}\n</think>\nIt is good.",
        f"{WHOLE}</think>{json.dumps(changed('acting.score', 3))}",
        f"<think>{DRAFT}</think> The answer is above.",
        f"{WHOLE} No, rather {json.dumps(changed('acting.score', 5))}",
        f"{WHOLE} No, rather {json.dumps(changed('sound.quote', 'nobody can act'))}",
        f"```json\n[{WHOLE}]\n```",
        f"```json\n{WHOLE[:-2]}\n```",
        WHOLE.replace('"', "'"),
        json.dumps({"answer": ANSWER, "note": "because"}),
        json.dumps({"answer": {"answer": ANSWER}}),
        json.dumps({"answer": json.dumps(ANSWER)}),
        json.dumps({"acting": ANSWER}),
    ],
    ids=range(14),
)
def test_what_is_a_draft_or_contradicts_itself_is_no_answer(content):
    with pytest.raises(InvalidAnswer):
        read(content)


def test_the_last_of_two_answers_counts():
    assert read(f"{WHOLE}\n{OTHER}").reading.overall == -2
    assert read(f"{OTHER}\n{WHOLE}").reading.overall == 1


def test_a_tag_in_a_quote_ends_no_thoughts():
    text = "Lantern Bay\n\nThey say </think> in it."
    told = json.dumps(changed("acting.quote", "They say </think> in it."))
    checked = read(f"Here: {told}", text)
    assert checked.reading.aspects[0].quote == "They say </think> in it."


def test_a_key_said_twice_counts_once():
    twice = json.dumps(ANSWER)[:-1] + ', "overall": {"quote": null, "score": -1}}'
    assert read(twice).reading.overall == -1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@given(JSON | st.dictionaries(st.sampled_from([*ASPECTS, "overall"]), JSON), st.text(max_size=30))
def test_whatever_is_answered_it_is_read_or_refused(answer, text):
    with pytest.raises(InvalidAnswer):
        read(json.dumps(answer), text)


@given(
    st.lists(st.sampled_from([None, -2, -1, 0, 1, 2]), min_size=5, max_size=5),
    st.integers(-2, 2),
    st.lists(st.text(max_size=20), min_size=6, max_size=6),
    st.text(max_size=60),
)
def test_scores_are_kept_as_given_and_quotes_only_as_the_text_has_them(
    scores, overall, quotes, text
):
    answer = {
        name: ABSENT if score is None else {"mentioned": True, "quote": quote, "score": score}
        for name, score, quote in zip(ASPECTS, scores, quotes, strict=False)
    }
    answer["overall"] = {"quote": quotes[5], "score": overall}
    reading, given_, dropped, leniencies = read(answer, text)
    assert leniencies == ()
    assert {a.aspect: a.score for a in reading.aspects} == {
        name: score for name, score in zip(ASPECTS, scores, strict=True) if score is not None
    }
    assert reading.overall == overall
    assert given_ == len(reading.aspects) + 1
    kept = [(a.quote, a.quote_start) for a in reading.aspects if a.quote is not None]
    if reading.overall_quote is not None:
        kept.append((reading.overall_quote, reading.overall_quote_start))
    assert dropped == given_ - len(kept)
    assert all(text[start : start + len(quote)] == quote for quote, start in kept)
