"""The keyless analyser: aspect words per clause, judged by VADER with a film vocabulary.

How a text is read, in time linear in its length:

1. Words, with what stands between them (space, comma, clause mark, end of sentence).
2. Phrases: `lexicon.toml` says which words name an aspect, which do so only in appearance, which
   negate, and what a film word weighs. A match never crosses a punctuation mark.
3. Spans: a sentence is cut at contrasts (but, while, despite, ...), then at commas and links (and,
   with, which, ...) wherever both sides name an aspect and judge. At most 40 words each.
4. A span counts when it holds a word that judges. Words that only retell ("killer", "war") weigh
   nothing, so a span that names the plot and retells it is no mention, rather than a neutral one.
5. VADER scores each span; an aspect is the mean of its spans, the whole review that of them all.

It is a baseline, and reads English only. It knows nothing of sarcasm, of opinions that name no
aspect word, or of whom a pronoun means.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

from filmpulse.analysis.aspects import aspects
from filmpulse.analysis.quotes import MAX_QUOTE_CHARACTERS, MIN_QUOTE_WORDS
from filmpulse.items import ASPECTS, Analysis, Aspect, AspectScore, ReviewText, Score

T = TypeVar("T")

MAX_SPAN_WORDS = 40
"""VADER's time grows with the square of what it is given, and its sum loses meaning."""

_WORD = re.compile(
    r"""
      (?<![\w/.]) (?P<stars>\d{1,2}(?:[.,]\d)?) \s? (?:/|(?i:out\ of)) \s? (?P<of>10|5) (?![\w/])
    | (?P<word>[\w\u0300-\u036f]+ (?:['\u2019][\w\u0300-\u036f]+)*)
    | (?P<emoticon>[:;=][-']?[()DP|] | <3)
    | (?P<emoji>[\u2600-\u27bf\U0001f300-\U0001faff])
    """,
    re.VERBOSE,
)
_ELONGATED = re.compile(r"(\w)\1{2,}")
_ENDS_SENTENCE = re.compile(r"[!?\n\u2026\u3002\uff01\uff1f]|\.\.")
_SEPARATES_CLAUSES = re.compile(r"[;\u2013\u2014]|\s-+\s|--")
_SEPARATES_ITEMS = re.compile(r"[,()\[\]/\"\u201c\u201d]")
_FINAL_MARKS = re.compile(r"[.!?\u2026]{1,3}")

_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "st", "jr", "sr", "vs", "eg", "ie"})
_SUBORDINATES = frozenset({"although", "though", "while", "whilst", "whereas", "despite"})
_CONTRASTS = _SUBORDINATES | {"but", "however", "yet", "except", "nevertheless", "nonetheless"}
# After these words a contrast is none: "all but", "for a while", "as though".
_NO_CONTRAST_AFTER = {
    "but": frozenset({"all", "none", "everything"}),
    "while": frozenset({"a", "the", "worth", "my", "your", "quite"}),
    "though": frozenset({"as"}),
    "yet": frozenset({"as", "not", "best", "worst"}),
}
_LINKS = frozenset({"and", "with", "plus", "because", "which", "where", "or"})
# Left out where a quote would open with them.
_ADDING = frozenset({"and", "plus", "or"})
# A clause with one of these has its own subject and says nothing more of the aspect before it.
_OWN_SUBJECTS = frozenset({"i", "you", "we", "he", "she", "they", "film", "movie", "this", "there"})
_MAX_AFTERTHOUGHT_WORDS = 6


class _Gap(IntEnum):
    """What separates a word from the one before it."""

    SPACE = 0
    COMMA = 1
    CLAUSE = 2
    SENTENCE = 3


@dataclass(frozen=True, slots=True)
class _Word:
    """One word, phrase or emoji: its place in the text and what it means here.

    `vader` is what VADER is given for it, `key` the same in lower case; `shouts` counts the
    exclamation marks that follow, four at most.
    """

    start: int
    end: int
    key: str
    vader: str
    gap: _Gap
    shouts: int
    aspects: frozenset[Aspect]
    judges: bool
    whole: bool
    unreal: bool


@dataclass(frozen=True, slots=True)
class _Span:
    """A run of words that is scored as one; `aspects` may be empty."""

    words: tuple[_Word, ...]
    aspects: frozenset[Aspect]
    judges: bool

    def __add__(self, other: _Span) -> _Span:
        return _Span(
            self.words + other.words, self.aspects | other.aspects, self.judges or other.judges
        )


@dataclass(frozen=True, slots=True)
class _Opinion:
    """A scored span: VADER's compound and where the text says so."""

    compound: float
    start: int
    end: int
    aspects: frozenset[Aspect]
    weight: float


class _Phrases(Generic[T]):
    """Words, phrases and stems (`word*`), each with a value; finds the longest at a place."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        self._stems: dict[str, T] = {}
        for phrase, value in entries:
            if phrase.endswith("*"):
                self._stems[phrase[:-1]] = value
            else:
                first, *rest = phrase.split()
                self._by_first.setdefault(first, []).append((tuple(rest), value))
        for candidates in self._by_first.values():
            candidates.sort(key=lambda candidate: -len(candidate[0]))
        self._stem_lengths = sorted({len(stem) for stem in self._stems}, reverse=True)

    def match(self, keys: Sequence[str], gaps: Sequence[_Gap], at: int) -> tuple[int, T] | None:
        """Return how many words match from `at` on, and their value."""
        for rest, value in self._by_first.get(keys[at], ()):
            end = at + 1 + len(rest)
            if tuple(keys[at + 1 : end]) == rest and not any(gaps[at + 1 : end]):
                return 1 + len(rest), value
        for length in self._stem_lengths:
            if (stem := keys[at][:length]) in self._stems:
                return 1, self._stems[stem]
        return None


class _Lexicon:
    """`lexicon.toml` in the form that reading needs, and VADER with its words put in."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        self.thresholds: dict[str, float] = data["thresholds"]
        self.weights: dict[str, float] = data["weights"]
        nothing: frozenset[Aspect] = frozenset()
        by_word: dict[str, frozenset[Aspect]] = {}
        for aspect in (definition.name for definition in aspects()):
            for word in data["aspects"][aspect]:
                by_word[word] = by_word.get(word, nothing) | {aspect}
        by_word.update(dict.fromkeys(data["not_aspects"]["phrases"], nothing))
        self.aspects = _Phrases(by_word.items())
        self.whole = _Phrases((word, True) for word in data["whole"]["words"])
        self.unreal = _Phrases((word, True) for word in data["unreal"]["words"])

        valence: dict[str, float] = data["valence"]
        rewrites: dict[str, str] = data["rewrites"]
        self.turns = _Phrases(
            [(phrase, phrase.replace(" ", "_")) for phrase in valence if " " in phrase]
            + list(rewrites.items())
        )

        vader = SentimentIntensityAnalyzer()
        neutral = _Phrases((word, True) for word in data["neutral"]["words"])
        for word in list(vader.lexicon):
            if neutral.match([word], [_Gap.SPACE], 0):
                del vader.lexicon[word]
        for word, weight in valence.items():
            vader.lexicon[word.replace(" ", "_")] = weight
        for tenths in range(101):
            # 5.5 of 10 leans nowhere, yet judges; 10 weighs as much as "superb".
            vader.lexicon[_rating_key(tenths)] = (tenths / 10 - 5.5) * 0.75 or 0.1
        # VADER spells emoji out ("face with tears of joy") and weighs those words; ours judge.
        vader.lexicon.update(data["emoji"])
        vader.emojis = {}
        self._vader = vader
        self.weight: dict[str, float] = vader.lexicon
        self._english = frozenset(data["english"]["words"])

    def compound(self, text: str) -> float:
        """Return VADER's -1..1 for one span's words."""
        return float(self._vader.polarity_scores(text)["compound"])

    def is_english_word(self, word: _Word) -> bool:
        """Whether a word is one that this lexicon or everyday English knows."""
        return bool(word.aspects or word.judges or word.whole or word.key in self._english)


class LexiconAnalyser:
    """The `Analyser` that needs no key and no network; safe to share between threads."""

    kind = "lexicon"
    model = None

    def __init__(self) -> None:
        """Read the lexicon and VADER's own: some 10 MB, a tenth of a second."""
        data = _data()
        self._lexicon = _shared_lexicon()
        content = json.dumps(data, sort_keys=True, ensure_ascii=False).encode()
        self.prompt_version = f"{data['version']}-{hashlib.sha256(content).hexdigest()[:8]}"
        self.parameters: dict[str, str | int | float | bool | None] = {
            "vaderSentiment": importlib.metadata.version("vaderSentiment")
        }

    def analyse(self, texts: Iterable[ReviewText]) -> Iterator[Analysis]:
        """Score texts in their order; see `Analyser.analyse`.

        A text of another language is `unsupported_language`. Where the language is unknown, a text
        counts as English when it has no words at all (emoji, a rating) or when at least half of
        its words are known here. A text that judges nothing is 0 as a whole, without aspects.
        """
        for text in texts:
            yield self._analyse(text)

    def _analyse(self, review: ReviewText) -> Analysis:
        words = _read_words(review.text, self._lexicon)
        keys = review.model_dump(exclude={"language", "text"})
        if not self._is_english(review.language, words):
            return Analysis(**keys, status="unsupported_language")
        opinions = list(self._opinions(review.text, words))
        return Analysis(
            **keys,
            status="scored",
            overall=self._overall(opinions),
            aspects=tuple(
                self._aspect_score(aspect, mentions, review.text)
                for aspect in ASPECTS
                if (mentions := [o for o in opinions if aspect in o.aspects])
            ),
        )

    def _is_english(self, language: str | None, words: Sequence[_Word]) -> bool:
        if language is not None:
            return language == "en"
        letters = [word for word in words if any(c.isalpha() for c in word.key)]
        known = sum(self._lexicon.is_english_word(word) for word in letters)
        return 2 * known >= len(letters)

    def _opinions(self, text: str, words: Sequence[_Word]) -> Iterator[_Opinion]:
        """Score what judges, each wording once: a review pasted twice says nothing twice."""
        title_end = text.find("\n\n")
        weights = self._lexicon.weights
        seen: set[str] = set()
        for sentence in _sentences(words):
            spans = _spans(sentence)
            if "?" in text[sentence[-1].end : sentence[-1].end + 3]:
                spans = spans[:-1]  # a question asks; if it judges, it rarely means what it says
            for span in spans:
                scored = _vader_text(span.words)
                if not span.judges or scored in seen:
                    continue
                seen.add(scored)
                weight = 1.0
                if any(word.key.startswith("rating_") for word in span.words):
                    weight = weights["rating"]
                elif span.words[0].start < title_end:
                    weight = weights["title"]
                elif any(word.whole for word in span.words):
                    weight = weights["whole"]
                if any(word.unreal for word in span.words):
                    weight *= weights["unreal"]
                opens = len(span.words) > 1 and span.words[0].key in _ADDING
                start, end = span.words[opens].start, span.words[-1].end
                if marks := _FINAL_MARKS.match(text, end):
                    end = marks.end()
                yield _Opinion(
                    compound=self._lexicon.compound(scored),
                    start=start,
                    end=end,
                    aspects=span.aspects,
                    weight=weight,
                )

    def _aspect_score(self, aspect: Aspect, mentions: Sequence[_Opinion], text: str) -> AspectScore:
        limits = self._lexicon.thresholds
        compounds = [opinion.compound for opinion in mentions]
        mean = _mean(mentions)
        neutral = limits["mixed"] if min(compounds) < 0 < max(compounds) else limits["neutral"]
        score = _level(mean, neutral, limits["strong"])
        quotable = [
            opinion
            for opinion in mentions
            if _sign(_level(opinion.compound, limits["neutral"], limits["strong"])) == _sign(score)
            and opinion.end - opinion.start <= MAX_QUOTE_CHARACTERS
            and len(text[opinion.start : opinion.end].split()) >= MIN_QUOTE_WORDS
        ]
        if not quotable:
            return AspectScore(aspect=aspect, score=score)
        typical = min(quotable, key=lambda opinion: abs(opinion.compound - mean))
        quote = text[typical.start : typical.end]
        return AspectScore(aspect=aspect, score=score, quote=quote, quote_start=typical.start)

    def _overall(self, opinions: Sequence[_Opinion]) -> Score:
        if not opinions:
            return 0
        limits = self._lexicon.thresholds
        return _level(
            _mean(opinions) - limits["overall_lean"],
            limits["overall_neutral"],
            limits["overall_strong"],
        )


def _mean(opinions: Sequence[_Opinion]) -> float:
    """Return the mean compound; a stronger opinion counts for more, in proportion."""
    total = sum(o.weight * abs(o.compound) for o in opinions)
    return sum(o.weight * abs(o.compound) * o.compound for o in opinions) / total if total else 0.0


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _level(compound: float, neutral: float, strong: float) -> Score:
    if abs(compound) < neutral:
        return 0
    return _sign(compound) * (2 if abs(compound) >= strong else 1)


@cache
def _data() -> dict[str, Any]:
    text = files(__package__).joinpath("lexicon.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _shared_lexicon() -> _Lexicon:
    return _Lexicon(_data())


def _rating_key(tenths: int) -> str:
    return f"rating_{tenths}"


def _read_words(text: str, lexicon: _Lexicon) -> list[_Word]:
    """Find the words of a text, phrases of the lexicon made into one word each."""
    found: list[re.Match[str]] = []
    keys: list[str] = []
    gaps: list[_Gap] = []
    shouts: list[int] = []
    end = 0
    for match in _WORD.finditer(text):
        gap = _gap(text[end : match.start()], keys[-1] if keys else "", text, match.start())
        if shouts:
            shouts[-1] = min(text.count("!", end, match.start()), 4)
        found.append(match)
        keys.append(_key(match, lexicon))
        gaps.append(gap)
        shouts.append(0)
        end = match.end()
    if shouts:
        shouts[-1] = min(text.count("!", end), 4)

    aspects = _named_aspects(keys, gaps, lexicon)
    words: list[_Word] = []
    at = 0
    while at < len(keys):
        turn = lexicon.turns.match(keys, gaps, at)
        length, key = turn or (1, keys[at])
        last = at + length
        words.append(
            _Word(
                start=found[at].start(),
                end=found[last - 1].end(),
                key=key,
                vader=key.upper() if len(key) > 1 and found[at][0].isupper() else key,
                gap=gaps[at],
                shouts=shouts[last - 1],
                aspects=frozenset().union(*aspects[at:last]),
                judges=lexicon.weight.get(key, 0) != 0,
                whole=lexicon.whole.match(keys, gaps, at) is not None,
                unreal=lexicon.unreal.match(keys, gaps, at) is not None,
            )
        )
        at = last
    return words


def _named_aspects(keys: list[str], gaps: list[_Gap], lexicon: _Lexicon) -> list[frozenset[Aspect]]:
    """Return the aspects that each word names, by itself or as part of a phrase."""
    aspects: list[frozenset[Aspect]] = [frozenset()] * len(keys)
    at = 0
    while at < len(keys):
        length, named = lexicon.aspects.match(keys, gaps, at) or (1, frozenset())
        aspects[at : at + length] = [named] * length
        at += length
    return aspects


def _key(match: re.Match[str], lexicon: _Lexicon) -> str:
    """Write a word as the lexicon would: lower case, no accents, no 's, no drawn-out letters."""
    if match["stars"]:
        share = float(match["stars"].replace(",", ".")) / float(match["of"])
        return _rating_key(round(share * 100)) if share <= 1 else match[0]
    if not match["word"]:
        return match[0]
    key = match["word"].strip("_").lower().replace("\u2019", "'")
    if not key.isascii():
        spread = unicodedata.normalize("NFKD", key)
        key = "".join(c for c in spread if not unicodedata.combining(c))
    key = key.removesuffix("'s")
    if key not in lexicon.weight and _ELONGATED.search(key):
        double = _ELONGATED.sub(r"\1\1", key)
        key = double if double in lexicon.weight else _ELONGATED.sub(r"\1", key)
    return key


def _gap(between: str, key_before: str, text: str, next_start: int) -> _Gap:
    if between in (" ", "-", ""):
        return _Gap.SPACE
    if _ENDS_SENTENCE.search(between):
        return _Gap.SENTENCE
    if "." in between:
        # "Mr. Vale", "J. R. Oduya", "v1.2" and "www.site" go on; "was great.The acting" does not.
        abbreviated = len(key_before) == 1 or key_before in _ABBREVIATIONS
        inside = between == "." and not text[next_start].isupper()
        return _Gap.SPACE if abbreviated or inside else _Gap.SENTENCE
    if _SEPARATES_CLAUSES.search(between):
        return _Gap.CLAUSE
    return _Gap.COMMA if _SEPARATES_ITEMS.search(between) else _Gap.SPACE


def _sentences(words: Sequence[_Word]) -> Iterator[Sequence[_Word]]:
    start = 0
    for at in range(1, len(words) + 1):
        if at == len(words) or words[at].gap == _Gap.SENTENCE:
            if at > start:
                yield words[start:at]
            start = at


def _spans(sentence: Sequence[_Word]) -> list[_Span]:
    """Cut a sentence into what is scored together.

    An aspect that a clause only names takes the judgement of the next clause ("the plot, though
    thin"), and a short clause without a subject says more of the aspect before it ("good acting,
    but not great").
    """
    spans: list[_Span] = []
    for clause, subordinate in _clauses(sentence):
        for number, span in enumerate(_cut_clause(clause, subordinate)):
            before = spans[-1] if spans and number == 0 else None
            if before and before.aspects and span.judges and not span.aspects:
                if not before.judges and len(before.words) + len(span.words) <= MAX_SPAN_WORDS:
                    spans[-1] = before + span
                    continue
                if len(span.words) <= _MAX_AFTERTHOUGHT_WORDS and not any(
                    word.key in _OWN_SUBJECTS for word in span.words
                ):
                    span = replace(span, aspects=before.aspects)
            spans.append(span)
    return spans


def _clauses(sentence: Sequence[_Word]) -> Iterator[tuple[Sequence[_Word], bool]]:
    """Yield clauses without the contrasting word that opens them, and whether it subordinates."""
    start, subordinate = 0, False
    for at, word in enumerate(sentence):
        contrast = word.key in _CONTRASTS and not (
            at and sentence[at - 1].key in _NO_CONTRAST_AFTER.get(word.key, ())
        )
        if contrast or word.gap == _Gap.CLAUSE:
            if at > start:
                yield sentence[start:at], subordinate
            start = at + contrast
            subordinate = word.key in _SUBORDINATES
    if start < len(sentence):
        yield sentence[start:], subordinate


def _cut_clause(clause: Sequence[_Word], subordinate: bool) -> Iterator[_Span]:
    """Cut a clause wherever both sides name an aspect and judge; never longer than allowed.

    Args:
        clause: At least one word.
        subordinate: It opened with "although" or the like, so that its first comma after a
            judgement ends what it says.
    """
    pieces = list(_pieces(clause))
    judged_later = [False] * len(pieces)
    for at in range(len(pieces) - 2, -1, -1):
        judged_later[at] = judged_later[at + 1] or pieces[at + 1].judges
    current = pieces[0]
    for piece, later in zip(pieces[1:], judged_later[1:], strict=True):
        new_subject = current.judges and piece.aspects and (piece.judges or later)
        main_clause = subordinate and current.judges and piece.words[0].gap == _Gap.COMMA
        if main_clause:
            subordinate = False
        if new_subject or main_clause or len(current.words + piece.words) > MAX_SPAN_WORDS:
            yield current
            current = piece
        else:
            current += piece
    yield current


def _pieces(clause: Sequence[_Word]) -> Iterator[_Span]:
    start = 0
    for at in range(1, len(clause) + 1):
        if (
            at == len(clause)
            or clause[at].gap == _Gap.COMMA
            or clause[at].key in _LINKS
            or at - start == MAX_SPAN_WORDS
        ):
            words = tuple(clause[start:at])
            yield _Span(
                words,
                frozenset().union(*(word.aspects for word in words)),
                any(word.judges for word in words),
            )
            start = at


def _vader_text(words: Sequence[_Word]) -> str:
    """Write a span for VADER: a comma as a word of its own keeps negations from reaching over."""
    parts: list[str] = []
    for word in words:
        if parts and word.gap == _Gap.COMMA:
            parts.append(",")
        parts.append(word.vader)
    return " ".join(parts) + "!" * words[-1].shouts
