"""Find words again despite one typing error: a letter left out, added, replaced, or two swapped.

Each word that is known is stored with each of its letters left out. The same is done to a word that
was typed; what both have in common is at most two errors apart, and `is_one_error` sorts out.
"""

from __future__ import annotations

SHORTEST, LONGEST = 3, 30
"""Letters of a known word that can be found again. A word of two letters is one error away from all
words of one; longer words than 30 are whole titles of scripts without spaces."""


def shortened(word: str) -> set[str]:
    """Return the word, and the word without each of its letters."""
    return {word} | {word[:place] + word[place + 1 :] for place in range(len(word))}


def can_be_repaired(word: str) -> bool:
    """Say whether a typed word may be a known word with an error; a number may not."""
    return SHORTEST - 1 <= len(word) <= LONGEST + 1 and not word.isdecimal()


def is_one_error(typed: str, word: str) -> bool:
    """Say whether two different words are one letter, or one swap of neighbours, apart."""
    short, long = sorted((typed, word), key=len)
    if len(long) - len(short) > 1 or short == long:
        return False
    same = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b),
                len(short))  # fmt: skip
    if len(short) < len(long):
        return short[same:] == long[same + 1 :]
    if short[same + 1 :] == long[same + 1 :]:
        return True
    return (
        short[same : same + 2] == long[same : same + 2][::-1]
        and short[same + 2 :] == long[same + 2 :]
    )


def splits(word: str) -> list[tuple[str, str]]:
    """Return two words each, which a word may be if a space was left out or replaced."""
    places = range(2, len(word) - 1)
    return [(word[:place], word[place:]) for place in places] + [
        (word[:place], word[place + 1 :]) for place in places if place + 3 <= len(word)
    ]
