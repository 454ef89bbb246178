import pytest

from filmpulse.analysis.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("This was a complete waste of two hours of my life.", "en"),
        ("THE WHOLE CAST IS WONDERFUL AND I CRIED AT THE END", "en"),
        ("Una película lenta, pero la música es preciosa.", "es"),
        ("Ein wunderbarer Film, der mich sehr bewegt hat.", "de"),
        ("音楽も映像も本当に素晴らしい映画でした。", "ja"),
        ("التصوير جميل جدا لكن القصة ضعيفة", "ar"),
    ],
)
def test_a_sentence_is_enough(text: str, language: str):
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", "\n\n", "10/10", "👍👍👍", "Meh", "Awesome", "Ilse Torvane"])
def test_too_little_to_tell_is_none(text: str):
    assert detect_language(text) is None


def test_only_the_beginning_counts():
    english = "The night train leaves at nine and nobody knows who is driving it. "
    assert detect_language(english * 40 + "Der Rest ist auf Deutsch. " * 500) == "en"
