"""Items refuse what cannot be; text has one canonical form by whichever route it came."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from filmpulse.items import (
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


@given(st.text(), st.text())
def test_hash_ignores_form_only(title, body):
    assert content_hash(title, body) == content_hash(canonical_text(title), f" {body}\r\n")


def test_hash_keeps_title_and_body_apart():
    assert content_hash("ab", "c") != content_hash("a", "bc")


def test_huge_text_is_canonical_in_linear_time():
    assert len(text_from_html("<" * 200_000 + "a" * 200_000)) == 400_000
    assert text_from_html("<!--" * 20_000)


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
