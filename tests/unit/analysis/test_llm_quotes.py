"""A quote is kept only where the text says it, and then to the letter, wherever it stands."""

# ruff: noqa: RUF001 - signs that look alike are the subject

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from filmpulse.analysis.quotes import MAX_QUOTE_CHARACTERS, Quotable

# Ligatures, letters that grow when folded, marks, signs, emoji with joiners, scripts of all kinds.
ODD = (
    "ﬁﬃßẞİıſŉǰΐﷺ½①…‥—–‑−“”«»‘’„\"'`´ʼ¨\u0301\u0323\u0345\u0f73\u05b0\u200b\u200d\u00ad\ufe0f\u202e"
)
SCRIPTS = "aBçÉñåøжЩאבשرمﻻक्षमไทย映画ガがｶﾞ한글ΣςАь👩‍🚀🎬7½"
WORDS = st.lists(
    st.text(
        st.sampled_from(ODD + SCRIPTS) | st.characters(codec="utf-8", exclude_characters="\0"),
        min_size=1,
        max_size=8,
    ),
    min_size=2,
    max_size=12,
)
SPACES = st.sampled_from([" ", "  ", "\n\n", "\u00a0", "\u3000", " \u200b "])


def letters(text):
    """What a text says, by another way than the product's: folded as a whole, letters alone."""
    folded = unicodedata.normalize("NFD", text).casefold()
    folded = unicodedata.normalize("NFKD", folded).casefold()
    folded = unicodedata.normalize("NFKD", folded)
    # U+02BC, a letter by category, is what many write for an apostrophe.
    return sorted(c for c in folded if c.isalnum() and c not in "\u02bb\u02bc")


@st.composite
def passages(draw):
    """A text, and a run of its words that is long enough to be a quote."""
    words = draw(WORDS)
    spaces = [draw(SPACES) for _ in words[1:]] + [""]
    first = draw(st.integers(0, len(words) - 2))
    last = draw(st.integers(first + 2, len(words)))
    pieces = [word + space for word, space in zip(words, spaces, strict=True)]
    quote = "".join(pieces[first:last])
    assume(sum(any(map(str.isalnum, word)) for word in quote.split()) >= 2)
    assume(any(map(str.isalnum, quote.split()[0])) and any(map(str.isalnum, quote.split()[-1])))
    return "".join(pieces), quote


@given(passages(), st.sampled_from([None, "NFC", "NFD"]), st.booleans())
def test_words_of_any_text_are_found_as_the_text_has_them(passage, form, folds_case):
    text, quote = passage
    asked = unicodedata.normalize(form, quote) if form else quote
    asked = asked.casefold() if folds_case else asked
    found = Quotable(text).find(asked)
    assert found is not None
    assert text[found.start : found.start + len(found.words)] == found.words
    assert letters(found.words) == letters(quote)


@given(st.text(st.sampled_from(ODD + SCRIPTS + "  ab"), min_size=1, max_size=40), st.data())
def test_no_slice_of_any_text_is_ever_found_where_the_text_says_something_else(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    quote = text[start : data.draw(st.integers(start + 1, len(text)))]
    found = Quotable(text).find(quote)
    if found is not None:
        assert text[found.start : found.start + len(found.words)] == found.words
        assert letters(found.words) == letters(quote)


@given(st.text(max_size=60), st.text(max_size=20))
def test_what_the_text_lacks_is_never_found(text, quote):
    assume("ж" not in text.casefold())
    assert Quotable(text).find(f"{quote} ж слово") is None


@pytest.mark.parametrize(
    ("text", "quote", "kept"),
    [
        ("It “sings”, truly.", 'It "sings", truly', "It “sings”, truly"),
        ("It “sings”, truly.", "It 'sings', truly", "It “sings”, truly"),
        ("it ＂sings＂ truly", "it 'sings' truly", "it ＂sings＂ truly"),
        ("The acting is superb", " acting is\n", "acting is"),
        ("Don’t miss it", "don't miss", "Don’t miss"),
        ("Don´t miss it", "don’t miss", "Don´t miss"),
        ("slow — but lovely", "slow -- but lovely", "slow — but lovely"),
        ("well… fine acting", "Well... fine acting", "well… fine acting"),
        ("far too slow -- alas", "too slow -", "too slow --"),
        ("oh well... fine", "oh well…", "oh well..."),
        ("ring ℡ now", "Ring tel now", "ring ℡ now"),
        ("the ¨umlaut dots", "¨umlaut dots", "¨umlaut dots"),
        ("well︙ fine acting", "Well... fine acting", "well︙ fine acting"),
        ("The score\n\nsoars high", "the score soars", "The score\n\nsoars"),
        ("The\u00a0score \u2009soars", "the score soars", "The\u00a0score \u2009soars"),
        ("brill\u00adiant fi\u200blm", "brilliant film", "brill\u00adiant fi\u200blm"),
        ("a brilliant film", "brill\u00adiant fi\u200blm", "brilliant film"),
        ("a great ﬁlm", "great film", "great ﬁlm"),
        ("GROẞE Straße", "grosse strasse", "GROẞE Straße"),
        ("İstanbul şahane", "i\u0307stanbul ŞAHANE", "İstanbul şahane"),
        ("cafe\u0301 noir", "café noir", "cafe\u0301 noir"),
        ("q\u0323\u0307 and q\u0307\u0323", "q\u0307\u0323 and q\u0323\u0307", None),
        ("café noir", "cafe\u0301 noir", "café noir"),
        ("Ｇｒｅａｔ fun", "great fun", "Ｇｒｅａｔ fun"),
        ("שָׁלוֹם עולם", "שָׁלוֹם עולם", "שָׁלוֹם עולם"),
        ("\u202eفيلم رائع\u202c حقا", "فيلم رائع", "فيلم رائع"),
        ("loved it 👩‍🚀 so much", "it 👩🚀 so", "it 👩‍🚀 so"),
        ("I ❤️ this film", "I ❤ this", "I ❤️ this"),
        ("映像がとても美しい。", "とても美しい", "とても美しい"),
        ("映像がとても美しい。", "も美しい", "も美しい"),
        ("㍍ルルルルル", "ルルルルル", "ルルルルル"),  # also what the first sign ends in
        ("หนังเรื่องนี้ดีมาก", "ดีมาก", "ดีมาก"),
        ("한글 영화", unicodedata.normalize("NFD", "한글 영화"), "한글 영화"),
        ("it is superb, truly", '"...superb, truly."', "superb, truly"),
    ],
)
def test_small_liberties_of_a_copy_are_seen_through(text, quote, kept):
    found = Quotable(text).find(quote)
    kept = kept or text  # marks in another order are the same letters
    assert found is not None
    assert (found.words, found.start) == (kept, text.index(kept))


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("The acting is superb", "mock-quote"),
        ("The acting is superb", "The acting was superb"),
        ("The acting is superb", "The ... superb"),
        ("we are now here again", "are nowhere again"),
        ("we are nowhere again", "are now here again"),
        ("a \u0301b is fine", "\u00e1b is fine"),
        ("The acting is superb", ""),
        ("The acting is superb", " \n\u200b"),
        ("The acting is superb", "..."),
        ("", "The acting"),
        ("The acting is superb", "superb"),
        ("a well-acted film", "well-acted"),
        ("映像がとても美しい。", "美しい"),
        ("so good !! -- :)", "!! -- :)"),
        ("a ﬁne day", "ine day"),
        ("an oﬀ day", "an of"),
        ("très cafe\u0301", "très cafe"),
        ("words " * 20 + "très cafe\u0301", "très cafe"),
        ("한글 영화", unicodedata.normalize("NFD", "한글 영화")[:-1]),
        ("word " * 100, "word " * 61),
        ("so" + "\u200b" * 400 + " good", "so good"),
        ("long " * 2_000, "long " * 2_000),
    ],
)
def test_what_is_not_there_or_shows_nothing_or_too_much_is_no_quote(text, quote):
    assert Quotable(text).find(quote) is None


def test_the_longest_quote_is_kept_and_one_character_more_is_not():
    text = f"so {'o' * 297}!"
    found = Quotable(text).find(text[:300])
    assert found is not None
    assert len(found.words) == MAX_QUOTE_CHARACTERS == 300
    assert Quotable(text).find(text) is None


def test_a_quote_said_twice_is_found_where_it_is_whole():
    text = "oﬃce day, of ice day, ice day"
    found = Quotable(text).find("ice day")
    assert found is not None
    assert found.start == text.index("ice day")


@pytest.mark.parametrize(
    "text",
    [
        "ﬀ" * 100_000,
        "e" + "\u0323\u0301" * 100_000,
        "\u200b" * 200_000,
        "- . ' " * 30_000,
        "\ufdfa" * 20_000,
    ],
)
def test_huge_and_hostile_texts_are_read(text):
    quotable = Quotable(text)
    assert quotable.find("the acting is superb") is None
    assert quotable.find("f" * 299) is None


def seconds(text, quote):
    """How long it takes, of this process alone, to read a text and look for a quote in it."""

    def once():
        start = time.process_time()
        Quotable(text).find(quote)
        return time.process_time() - start

    return min(once() for _ in range(3))


@pytest.mark.parametrize(
    ("unit", "quote"),
    [
        ("a", "a" * 299 + "b"),
        ("a ", "a " * 200 + "b"),
        ("ﬀ", "f" * 299),  # begins or ends inside a ligature wherever it is found
        ("e\u0301", "e" * 300),
        ("\u200b\u0301", "an absent quote"),
        ("\ufdfa", "\ufdfa" * 100 + "b"),
        ("İß…—“", "İß…—“" * 60 + "b"),
    ],
    ids=["letters", "words", "ligatures", "accents", "stray marks", "long ligatures", "signs"],
)
def test_the_time_grows_with_the_text_and_no_faster(unit, quote):
    short = 4_000 // len(unit)
    once, eightfold = seconds(unit * short, quote), seconds(unit * short * 8, quote)
    assert eightfold < 24 * once  # 64 if it were quadratic
