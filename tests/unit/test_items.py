"""Items refuse what cannot be; text has one canonical form by whichever route it came."""

import re
import unicodedata
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from filmpulse.items import (
    _BREAKS,
    _ITEM,
    Review,
    Snapshot,
    analysed_text,
    author_key,
    canonical_text,
    content_hash,
    text_from_html,
)


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("one<br/>two<br>three<BR />four", "one\ntwo\nthree\nfour"),
        ("a<br/><br/><br/><br/>b", "a\n\nb"),
        ("Hits:<ul><li>sound</li><li>light</li></ul>Done", "Hits:\n- sound\n- light\nDone"),
        ("&lt;b&gt; stays &amp;amp; so does &#39;this&#39;", "<b> stays &amp; so does 'this'"),
        ('see <a class="ipc-md-link" href="/x">this</a>', "see this"),
        ("a  b\n c\t d", "a b c d"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("<!-- gone -->kept", "kept"),
        ("e\u0301", "é"),
        ("a\u00a0b", "a b"),
        ("nul\x00l\x07", "nul l"),
        ("superb&#133;the music", "superb\u2026the music"),
        ("good&#11;bad&#x1f;fine&#28end", "good\nbad fine end"),
        ("a&#129;b &#38;amp; &#64976;", "a b &amp; \ufdd0"),
        ("&#00000000011;a&#11", "a"),
        ("", ""),
    ],
)
def test_text_from_html(fragment, text):
    assert text_from_html(fragment) == text


@given(st.text())
def test_canonical_text_is_stable_and_fit_for_postgres(text):
    once = canonical_text(text)
    assert canonical_text(once) == once
    assert "\x00" not in once
    once.encode()


CONTROLS = st.sampled_from([*map(chr, (*range(32), *range(0x7F, 0xA0)))])


@given(st.text(CONTROLS, min_size=1, max_size=3))
def test_no_control_character_joins_two_words(between):
    entities = "".join(f"&#{ord(character)};" for character in between)
    for text in (canonical_text(f"good{between}bad"), text_from_html(f"good{between}bad"),
                 text_from_html(f"good{entities}bad")):  # fmt: skip
        assert text != "goodbad"
        assert text.startswith("good")
        assert text.endswith("bad")
        assert canonical_text(text) == text


def test_the_bytes_of_windows_1252_are_its_characters_by_every_route():
    for byte in range(0x80, 0xA0):
        try:
            meant = bytes([byte]).decode("cp1252")
        except UnicodeDecodeError:
            meant = " "
        for text in (f"a{chr(byte)}b", f"a&#{byte};b", f"a&#x{byte:x};b"):
            assert text_from_html(text) == f"a{meant}b"
        assert canonical_text(f"a{chr(byte)}b") == canonical_text(f"a{meant}b")
    assert canonical_text("S\x8a\u0307") == unicodedata.normalize("NFC", "SŠ\u0307")


def test_breaks_and_spaces_among_the_control_characters():
    assert canonical_text("a\x0bb\x0cc\x1cd\x1de\x1ff\x00g\x7fh") == "a\nb\nc d e f g h"
    assert canonical_text("a\x0b\x0c\x0b\x0cb") == "a\n\nb"


def test_texts_without_control_characters_keep_their_hash():
    body = "Two\tlines…\r\n\r\n\r\nof it\u2019s e\u0301 日 \U0001f600\u200d"
    digest = "b075784510ef6add64424572c67316d79456a2ae227397e56255fb11574cd16e"
    assert content_hash("A title", body) == digest


def test_an_entity_of_thousands_of_digits_is_read_as_html_says():
    assert text_from_html(f"a&#{'9' * 5000};&#x{'f' * 5000};b") == "a\ufffd\ufffdb"


@given(st.text(), st.text())
def test_hash_ignores_form_only(title, body):
    assert content_hash(title, body) == content_hash(canonical_text(title), f" {body}\r\n")


def test_hash_keeps_title_and_body_apart():
    assert content_hash("ab", "c") != content_hash("a", "bc")


@pytest.mark.parametrize("begin", ["<", "<!--", "<br", "<li", "<a", "</p", "< br ", "<a <!--"])
@pytest.mark.parametrize("end", ["", ">", "-->", "--> <b>c"])
def test_huge_text_is_canonical_in_linear_time(begin, end):
    """In quadratic time each would take a quarter of an hour."""
    assert isinstance(text_from_html(begin * 200_000 + end + begin * 200_000), str)


@given(st.lists(st.sampled_from([*"<>!-/ ab", "<!--", "-->", "<br", "<li", "</p"])).map("".join))
def test_tags_and_comments_go_from_left_to_right(fragment):
    flat = _BREAKS.sub("\n", _ITEM.sub("\n- ", fragment))
    plain = re.sub(r"</?[a-zA-Z][^>]*>|<!--.*?-->", "", flat, flags=re.DOTALL)
    assert text_from_html(fragment) == canonical_text(plain)


def test_author_key_needs_the_secret_and_differs_by_source():
    keys = {
        author_key("imdb", "ur1", b"a"),
        author_key("imdb", "ur1", b"b"),
        author_key("imdb", "ur2", b"a"),
        author_key("other", "ur1", b"a"),
    }
    assert len(keys) == 4
    assert all(len(key) == 32 and "ur1" not in key for key in keys)


@pytest.mark.parametrize(
    "change",
    [{"rating_1_10": 0}, {"rating_1_10": 11}, {"imdb_id": "nm1"}, {"review_id": ""}, {"x": 1},
     {"helpful_up": -1}],
)  # fmt: skip
def test_impossible_reviews_are_refused(change):
    fields = {"review_id": "rw1", "imdb_id": "tt99000001", "title": "", "body": ""}
    with pytest.raises(ValidationError):
        Review(**fields | change)


def test_snapshot_needs_a_time_zone():
    with pytest.raises(ValidationError):
        Snapshot(imdb_id="tt99000001", taken_at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_analysed_text_is_title_blank_line_body():
    assert analysed_text("T", "B") == "T\n\nB"
