"""The word lists: written as texts are looked up, each word in one place, versioned by content."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from filmpulse.analysis.lexicon import LexiconAnalyser, vocabulary
from filmpulse.analysis.lexicon.reading import read_words
from filmpulse.analysis.lexicon.vocabulary import LANGUAGES, MAX_PHRASE, load_data, load_vocabulary


def listed(data: Any) -> Iterator[str]:
    """Yield all words of a file, whatever the tables they stand in."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from listed(value)
    elif isinstance(data, list):
        for value in data:
            yield from listed(value)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["aspects", "valence", "grammar"])
def test_words_are_written_as_they_are_looked_up(language: str, name: str):
    known = load_vocabulary(language)
    for entry in listed(load_data(language)[name]):
        words = entry.split()
        assert len(words) <= MAX_PHRASE, entry
        assert "*" not in entry or (len(words) == 1 and entry.endswith("*")), entry
        read = read_words([entry.rstrip("*")], known)
        assert len(read.number) == len(words), entry
        assert read.number.all(), entry


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_judges_in_one_way(language: str):
    valence = load_data(language)["valence"]
    groups = [*valence["group"], {"words": list(listed(valence.get("neutral", {})))}]
    counts = Counter(word for group in groups for word in set(group["words"]))
    assert [word for word, times in counts.items() if times > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phrase_that_names_nothing_names_nothing_anywhere(language: str):
    aspects = load_data(language)["aspects"]
    nothing = set(listed(aspects["no_aspect"]))
    assert [
        w for name in aspects if name != "no_aspect" for w in listed(aspects[name]) if w in nothing
    ] == []


def test_the_version_follows_the_words(monkeypatch: pytest.MonkeyPatch):
    before = LexiconAnalyser()
    data = load_data("en")
    changed = data | {"valence": data["valence"] | {"neutral": {"all": ["superb"]}}}
    monkeypatch.setattr(
        vocabulary, "load_data", lambda language: changed if language == "en" else data
    )
    after = LexiconAnalyser()
    assert before.prompt_version.split("-")[0] == after.prompt_version.split("-")[0]
    assert before.prompt_version != after.prompt_version
