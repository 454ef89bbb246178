"""A movie's poster, drawn from its title, year and genres: the same movie, the same poster.

The most telling genre decides the motif, the colours and the lettering; the movie's id decides the
details. A poster is 300 by 450 units, two to three as in a cinema, one to three kilobytes, and no
picture or letter comes from elsewhere.
"""

from __future__ import annotations

import math
import random
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from filmpulse.web.svg import clean, number, tag

WIDTH, HEIGHT = 300, 450
_MARGIN = 22
_SIZES = (64, 58, 52, 47, 42, 38, 34, 30, 27, 24, 21, 18, 16, 14)  # of letters, largest first
_LEADING = 1.04  # lines of a title stand close
_SANS = "'Avenir Next','Helvetica Neue',Helvetica,Arial,'DejaVu Sans',sans-serif"
_SERIF = "'Iowan Old Style',Palatino,Georgia,'Times New Roman','DejaVu Serif',serif"


class _Palette(NamedTuple):
    """Colours: the ground, the letters, and three of the motif, the last the boldest."""

    ground: str
    ink: str
    far: str
    near: str
    bold: str


class _Look(NamedTuple):
    """How movies of a genre look."""

    motifs: Sequence[Callable[[random.Random, _Palette, float], Iterator[Markup]]]
    palettes: Sequence[_Palette]
    letters: str


def poster_svg(imdb_id: str, title: str | None, year: int | None, genres: Sequence[str]) -> str:
    """Draw the poster of a movie.

    Args:
        imdb_id: Decides the details; stands in for a title that is not known.
        title: In any script and of any length; one that fills the poster is cut.
        year: Of release; None where not known.
        genres: As the site names them; empty, or unknown ones, give a plain look.

    Returns:
        A document of its own, UTF-8.
    """
    chance = random.Random(imdb_id)  # noqa: S311  not a secret
    genre, look = _look_of(genres)
    palette = look.palettes[chance.randrange(len(look.palettes))]
    name = " ".join(clean(title or "").split()) or imdb_id
    motif = look.motifs[chance.randrange(len(look.motifs))]
    title_block, floor = _title_block(name, look.letters, palette.ink)
    return tag(
        "svg",
        tag("title", name if year is None else f"{name} ({year})"),
        tag("rect", width=WIDTH, height=HEIGHT, fill=palette.ground),
        *motif(chance, palette, min(max(floor, 180), 300)),
        title_block,
        _foot(year, genre, palette),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH * 2,
        height=HEIGHT * 2,
        role="img",
    )


def _look_of(genres: Sequence[str]) -> tuple[str, _Look]:
    """Return the most telling genre, and its look; the plain one where none is known."""
    told = {genre.casefold().strip(): genre for genre in genres}
    for name, look in _LOOKS.items():
        if name in told:
            return told[name], look
    return next(iter(genres), ""), _PLAIN


# --- Letters -------------------------------------------------------------------------------------


def _title_block(name: str, letters: str, ink: str) -> tuple[Markup, float]:
    """Set the title as large as it fits, its last line above the foot; return it and its top."""
    wide, tall = WIDTH - 2 * _MARGIN, HEIGHT * 0.41
    for size in _SIZES:
        lines = _wrapped(name, wide / size)
        if len(lines) * size * _LEADING <= tall and (size < 30 or not _is_torn(name, lines)):
            break
    most = int(tall / (size * _LEADING))
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][:-1].rstrip() + "\u2026"]
    is_rtl = _is_right_to_left(name)
    bottom = HEIGHT - 52
    first = bottom - (len(lines) - 1) * size * _LEADING
    spans = [
        tag(
            "tspan",
            line,
            x=WIDTH - _MARGIN if is_rtl else _MARGIN,
            y=first + index * size * _LEADING,
            textLength=_forced(line, size, wide),
            lengthAdjust="spacingAndGlyphs" if _forced(line, size, wide) else None,
        )
        for index, line in enumerate(lines)
    ]
    block = tag(
        "text",
        *spans,
        fill=ink,
        font_family=letters,
        font_size=size,
        font_weight="800" if letters == _SANS else "700",
        letter_spacing=None if is_rtl or letters == _SERIF else "-.02em",
        direction="rtl" if is_rtl else None,
    )
    return block, first - size * 0.8


def _foot(year: int | None, genre: str, palette: _Palette) -> Markup:
    """Set the year, and the genre, below a short rule."""
    rule = tag("rect", x=_MARGIN, y=HEIGHT - 38, width=26, height=3, fill=palette.bold)
    texts = [("start", _MARGIN, "" if year is None else str(year))]
    texts.append(("end", WIDTH - _MARGIN, clean(genre).upper()[:22]))
    words = [
        tag("text", text, x=x, y=HEIGHT - 18, text_anchor=anchor)
        for anchor, x, text in texts
        if text
    ]
    style = {"fill": palette.ink, "font_family": _SANS, "font_size": "13", "letter_spacing": "1.5"}
    return rule + tag("g", *words, font_weight="600", opacity=".85", **style)


def _wrapped(name: str, ems: float) -> list[str]:
    """Break a title into lines of at most so many ems; a word that is wider is broken itself."""
    lines: list[str] = []
    line = ""
    for word in _words(name, ems):
        joined = f"{line} {word}".strip()
        if line and _ems(joined) > ems:
            lines.append(line)
            line = word
        else:
            line = joined
    return [*lines, line]


def _words(name: str, ems: float) -> Iterator[str]:
    """Yield words, and pieces of those that fill more than a line."""
    for word in name.split():
        piece = ""
        for letter in word:
            if piece and _ems(piece + letter) > ems and not unicodedata.combining(letter):
                yield piece
                piece = ""
            piece += letter
        yield piece


def _is_torn(name: str, lines: Sequence[str]) -> bool:
    """Tell whether a word of an alphabet was broken; scripts without spaces break anywhere."""
    return sum(len(line.split()) for line in lines) > len(name.split()) and not any(
        unicodedata.east_asian_width(letter) in "WF" for letter in name
    )


def _forced(line: str, size: float, wide: float) -> float | None:
    """Return the width that a long line is held to: fonts differ, and none may leave the poster."""
    width = _ems(line) * size
    return min(width, wide) if width > wide * 0.72 else None


def _ems(text: str) -> float:
    """Estimate how wide a text is, in sizes of its letters; bold letters of a common font."""
    return sum(_em(letter) for letter in text)


def _em(letter: str) -> float:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Me", "Mn"):
        return 0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1
    if letter in "iljtfrI.,:;'!|()[]- \u2019":
        return 0.34
    if letter in "mwMW@%&\u2014":
        return 0.88
    return 0.69 if letter.isupper() else 0.56


def _is_right_to_left(name: str) -> bool:
    sides = (unicodedata.bidirectional(letter) for letter in name)
    return next((side != "L" for side in sides if side in ("L", "R", "AL")), False)


# --- Motifs: each stands on a floor, the y below which the title begins --------------------------


def _horizon(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw a low sun over water that gives it back in stripes."""
    line, radius, x = floor - 52, chance.randrange(54, 84), chance.randrange(95, 206)
    yield tag("rect", width=WIDTH, height=line, fill=c.far)
    yield tag("circle", cx=x, cy=line - chance.randrange(0, 44), r=radius, fill=c.bold)
    yield tag("rect", y=line, width=WIDTH, height=HEIGHT - line, fill=c.ground)
    for row in range(4):
        wide = radius * (1.9 - row * 0.4)
        y = line + 7 + row * 11
        yield tag("rect", x=x - wide / 2, y=y, width=wide, height=5 - row * 0.7, rx=2, fill=c.bold)
    yield tag("rect", y=line, width=WIDTH, height=2, fill=c.near)


def _rays(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw beams that fan out from a point of light."""
    x, y, count = chance.randrange(70, 231), floor * 0.48, chance.choice((9, 11, 14))
    turn = chance.random()
    beams: list[str] = []
    for beam in range(count):
        spots: list[tuple[float, float]] = [(x, y)]
        for side in (0, 0.5):
            angle = 2 * math.pi * (beam + turn + side) / count
            spots.append((x + 480 * math.cos(angle), y + 480 * math.sin(angle)))
        beams.append(_outline(spots))
    yield tag("path", d="".join(beams), fill=c.far)
    yield tag("circle", cx=x, cy=y, r=58, fill=c.near)
    yield tag("circle", cx=x, cy=y, r=34, fill=c.bold)
    yield _veil(c.ground, floor - 62)


def _rings(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw two circles that meet."""
    r = min(84, floor * 0.36)
    shift, tilt, y = r * chance.uniform(0.5, 0.72), chance.choice((-18, -8, 8, 18)), floor * 0.5
    ends = (150 - shift, y - tilt), (150 + shift, y + tilt)
    for (cx, cy), colour in zip(ends, (c.near, c.bold), strict=True):
        yield tag("circle", cx=cx, cy=cy, r=r, fill=colour)
    half = math.hypot(shift, tilt)
    high = math.sqrt(r * r - half * half)
    lean = (tilt / half * high, -shift / half * high)
    arc = f"A{number(r)} {number(r)} 0 0 1 "
    top, low = (150 + lean[0], y + lean[1]), (150 - lean[0], y - lean[1])
    yield tag("path", d=f"M{_at(top)}{arc}{_at(low)}{arc}{_at(top)}Z", fill=c.far)


def _blocks(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw a wall of plates, some full, some quarter discs, as in a Swiss poster."""
    cell = 75
    for row in range(int(floor // cell)):
        for column in range(4):
            x, y = column * cell, row * cell
            colour = chance.choice((c.far, c.far, c.near, c.bold, c.ground))
            yield tag("rect", x=x, y=y, width=cell, height=cell, fill=colour)
            if chance.random() < 0.55:
                other = chance.choice([k for k in (c.near, c.bold, c.ink) if k != colour])
                yield tag("path", d=_quarter(x, y, cell, chance.randrange(4)), fill=other)


def _waves(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw swells, one before the other, under a small moon."""
    yield tag("rect", width=WIDTH, height=HEIGHT, fill=c.far)
    x, y = chance.randrange(60, 241), floor * chance.uniform(0.22, 0.34)
    yield tag("circle", cx=x, cy=y, r=chance.randrange(22, 36), fill=c.bold)
    phase = chance.random() * 6
    colours = ((c.near, ".45"), (c.near, None), (c.bold, ".85"), (c.ground, None))
    for layer, (colour, opacity) in enumerate(colours):
        top, swell = floor - 30 - (3 - layer) * 38, 22 - 3 * layer
        spots = [
            (step * 30, top + swell * math.sin(step * 0.62 + phase + layer * 1.9))
            for step in range(11)
        ]
        yield tag("path", d=f"{_smooth(spots)}V{HEIGHT}H0Z", fill=colour, opacity=opacity)


def _stars(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw a planet with its ring among stars."""
    dots = [
        tag(
            "circle",
            cx=chance.randrange(6, 295),
            cy=chance.randrange(6, int(floor)),
            r=chance.choice((1, 1, 1.6, 2.4)),
        )
        for _ in range(26)
    ]
    yield tag("g", *dots, fill=c.ink, opacity=".8")
    x, y, r = chance.randrange(110, 191), floor * 0.5, chance.randrange(52, 68)
    wide, flat = number(r * 1.75), number(r * 0.42)
    yield tag("ellipse", cx=x, cy=y, rx=r * 1.75, ry=r * 0.42, fill="none", **_ring(c.near))
    yield tag("circle", cx=x, cy=y, r=r, fill=c.bold)
    inner = f"A{number(r * 1.3)} {number(r * 1.3)} 0 0 0 {_at((x, y - r))}Z"
    shade = f"M{_at((x, y - r))}A{r} {r} 0 0 1 {_at((x, y + r))}{inner}"
    yield tag("path", d=shade, fill=c.far, opacity=".55")
    front = f"M{_at((x - r * 1.75, y))}A{wide} {flat} 0 0 0 {_at((x + r * 1.75, y))}"
    yield tag("path", d=front, fill="none", **_ring(c.near))


def _peaks(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw mountain ranges, paler the farther, and a round moon."""
    yield tag("rect", width=WIDTH, height=HEIGHT, fill=c.far)
    yield tag("circle", cx=chance.randrange(70, 231), cy=floor * 0.33, r=38, fill=c.ink)
    for layer, (colour, opacity) in enumerate(((c.near, ".55"), (c.bold, ".9"), (c.ground, None))):
        base, x, spots = floor - 12 - (2 - layer) * 42, -30.0, []
        is_peak = bool(chance.randrange(2))
        while x < WIDTH + 60:
            lift = chance.randrange(46, 92) - 12 * layer if is_peak else chance.randrange(0, 16)
            spots.append((x, base - lift))
            x += chance.randrange(38, 70)
            is_peak = not is_peak
        yield tag("path", d=f"{_line(spots)}V{HEIGHT}H-30Z", fill=colour, opacity=opacity)


def _blinds(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw a lamp, or the street's light, that falls through a blind."""
    slant, x, y = chance.choice((-46, -34, 34, 46)), chance.randrange(100, 201), floor * 0.5
    if chance.randrange(2):
        yield tag("circle", cx=x, cy=y, r=floor * 0.37, fill=c.bold)
    else:
        lean = chance.choice((-40, 40))
        light = [(x - 62, 0), (x + 62, 0), (x + 96 + lean, floor), (x - 96 + lean, floor)]
        yield tag("path", d=_outline(light), fill=c.bold)
        yield tag("circle", cx=x + lean / 2, cy=y, r=34, fill=c.near)
    slats = []
    for row in range(int(floor / 27) + 1):
        top, thick = row * 29 - slant / 2, 16 - row * 0.7
        spots = [(0, top), (WIDTH, top + slant), (WIDTH, top + slant + thick), (0, top + thick)]
        slats.append(_outline(spots))
    yield tag("path", d="".join(slats), fill=c.ground)
    yield _veil(c.ground, floor - 54, 48)


def _windows(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw the front of a house at night, where a few windows are lit."""
    rows = int((floor - 16) // 58)
    lit = chance.sample(range(rows * 5), 3)
    yield tag("rect", width=WIDTH, height=rows * 58 + 20, fill=c.far, opacity=".5")
    for place in range(rows * 5):
        x, y = 22 + place % 5 * 53, 20 + place // 5 * 58
        colour = c.bold if place in lit[:2] else c.near if place in lit else c.ground
        yield tag("rect", x=x, y=y, width=44, height=42, fill=colour)
    x, y = 22 + lit[0] % 5 * 53, 20 + lit[0] // 5 * 58
    yield tag("path", d=f"M{x + 12} {y + 42}v-8a10 10 0 0 1 20 0v8Z", fill=c.ground)
    yield tag("circle", cx=x + 22, cy=y + 17, r=7, fill=c.ground)


def _arches(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw a gate of bright arches with a dot that rolls through."""
    base, x = floor - 14, chance.randrange(110, 191)
    yield tag("rect", width=WIDTH, height=HEIGHT, fill=c.far)
    for step, colour in enumerate((c.bold, c.ink, c.near, c.far, c.ground)):
        r = min(128, base - 24) - step * 23
        y = number(max(base - 86, r + 20))
        start, end, foot = number(x - r), number(x + r), number(base)
        d = f"M{start} {foot}V{y}A{number(r)} {number(r)} 0 0 1 {end} {y}V{foot}Z"
        yield tag("path", d=d, fill=colour)
    yield tag("rect", y=base, width=WIDTH, height=HEIGHT, fill=c.ground)
    yield tag("circle", cx=(x + 205) % 260 + 20, cy=base - 20, r=20, fill=c.bold)


def _shards(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw splinters that fly from one corner."""
    side, y = chance.randrange(2), floor - 10
    x, angle = (WIDTH + 10 if side else -10), 6.0
    for index in range(12):
        wide = chance.uniform(4, 11)
        spots: list[tuple[float, float]] = [(x, y)]
        for edge in (angle, angle + wide):
            turn = math.radians(180 + edge) if side else math.radians(-edge)
            reach = chance.randrange(230, 470)
            spots.append((x + reach * math.cos(turn), y + reach * math.sin(turn)))
        yield tag("path", d=_outline(spots), fill=(c.far, c.near, c.bold)[index % 3])
        angle += wide * 0.85


def _fissure(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw a wall that is torn open from above, and what shines behind it."""
    middle, y, tip = chance.randrange(110, 191), -10, floor - 4
    left, right = [], []
    while y < tip - 18:
        gap = 58 * (1 - y / tip) * chance.uniform(0.55, 1.15)
        bend = chance.randrange(-16, 17)
        left.append((middle + bend - gap, y))
        right.append((middle + bend + gap * 0.9, y + chance.randrange(-6, 7)))
        y += chance.randrange(18, 32)
    yield tag("rect", width=WIDTH, height=floor, fill=c.far)
    yield _veil(c.ground, floor - 130, 130)
    for colour, part in ((c.bold, 1), (c.near, 0.45)):
        edges = [[((x - middle) * part + middle, at) for x, at in side] for side in (left, right)]
        yield tag("path", d=_outline([*edges[0], (middle, tip), *reversed(edges[1])]), fill=colour)


def _confetti(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw half discs, rings and bars thrown in the air, each in a place of its own."""
    places = [
        (37 + column * 75, 40 + row * 72) for row in range(int(floor // 74)) for column in range(4)
    ]
    for x, y in places:
        colour = chance.choice((c.far, c.near, c.bold, c.ink))
        turn = f"rotate({chance.randrange(0, 360, 15)} {x} {y})"
        kind = chance.randrange(4)
        if kind == 0:
            yield tag("path", d=f"M{x - 30} {y}a30 30 0 0 1 60 0Z", fill=colour, transform=turn)
        elif kind == 1:
            yield tag("circle", cx=x, cy=y, r=chance.choice((12, 17, 23)), fill=colour)
        elif kind == 2:
            d = f"M{x - 24} {y}h48"
            yield tag("path", d=d, transform=turn, stroke_linecap="round", **_ring(colour, 12))
        else:
            yield tag("circle", cx=x, cy=y, r=19, fill="none", **_ring(colour, 10))


def _grooves(chance: random.Random, c: _Palette, floor: float) -> Iterator[Markup]:
    """Draw a record on its sleeve."""
    x, y, r = chance.choice((90, 150, 210)), floor * 0.5, min(118, floor * 0.45)
    yield tag("rect", width=WIDTH, height=HEIGHT, fill=c.far)
    yield tag("circle", cx=x, cy=y, r=r, fill=c.ground)
    rings = [tag("circle", cx=x, cy=y, r=r * share) for share in (0.9, 0.79, 0.68, 0.57)]
    yield tag("g", *rings, opacity=".7", **_ring(c.near, 1), fill="none")
    yield tag("circle", cx=x, cy=y, r=r * 0.36, fill=c.bold)
    yield tag("circle", cx=x, cy=y, r=7, fill=c.ground)
    yield _veil(c.ground, floor - 76)


# --- Shapes --------------------------------------------------------------------------------------


def _veil(colour: str, top: float, tall: float = 70) -> Markup:
    """Let the motif fade into the ground: bands of more and more of its colour, then all of it."""
    bands = [
        tag("rect", y=top + tall * k / 8, width=WIDTH, height=tall / 8 + 0.5, opacity=(k + 1) / 9)
        for k in range(8)
    ]
    rest = tag("rect", y=top + tall, width=WIDTH, height=max(HEIGHT - top - tall, 0))
    return tag("g", *bands, rest, fill=colour)


def _ring(colour: str, wide: float = 7) -> dict[str, str]:
    return {"stroke": colour, "stroke_width": number(wide)}


def _at(spot: tuple[float, float]) -> str:
    return f"{number(round(spot[0], 1))} {number(round(spot[1], 1))}"


def _line(spots: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(_at(spot) for spot in spots)


def _outline(spots: Sequence[tuple[float, float]]) -> str:
    return f"{_line(spots)}Z"


def _smooth(spots: Sequence[tuple[float, float]]) -> str:
    """Return a curve through the middles of the spots' ties."""
    path = f"M{_at(spots[0])}"
    for (x1, y1), (x2, y2) in pairwise(spots[1:]):
        path += f"Q{_at((x1, y1))} {_at(((x1 + x2) / 2, (y1 + y2) / 2))}"
    return f"{path}L{_at(spots[-1])}"


def _quarter(x: float, y: float, r: float, corner: int) -> str:
    """Return a quarter disc in a cell, round one of its corners."""
    a, b, middle = (
        ((x + r, y), (x, y + r), (x, y)),
        ((x + r, y + r), (x, y), (x + r, y)),
        ((x, y + r), (x + r, y), (x + r, y + r)),
        ((x, y), (x + r, y + r), (x, y + r)),
    )[corner]
    return f"M{_at(middle)}L{_at(a)}A{number(r)} {number(r)} 0 0 1 {_at(b)}Z"


# --- Genres --------------------------------------------------------------------------------------

_NIGHT = _Palette("#10162f", "#f4f1e8", "#2b3a75", "#8fb3ff", "#ff7a59")
_VIOLET = _Palette("#1d1033", "#f6efff", "#40247a", "#ff9f6b", "#b78bff")
_EMBER = _Palette("#1c0f0e", "#fbeee2", "#7d1f1a", "#f0812f", "#ffc145")
_STEEL = _Palette("#16222b", "#eef4f6", "#2f4858", "#7fa6b8", "#f26419")
_BLOOD = _Palette("#0f0d0f", "#f3ece4", "#231f23", "#ffb199", "#c1121f")
_BILE = _Palette("#0e1410", "#eef3e6", "#1d2b22", "#e6ffb0", "#7bb03a")
_LAMP = _Palette("#15130f", "#f7f0dc", "#3a3120", "#fff3c4", "#f2b632")
_INK = _Palette("#131a22", "#eaf0f4", "#22303c", "#d7ecf5", "#d7263d")
_ROSE = _Palette("#3a0f2a", "#ffeef3", "#ffd9a8", "#ff8fab", "#e63965")
_BLUSH = _Palette("#fbe9e2", "#5a1830", "#8e2c4c", "#f2a48f", "#e4576a")
_LEMON = _Palette("#ffd23f", "#22223b", "#ee6c4d", "#3d5a80", "#f7f3e3")
_MINT = _Palette("#d8f0e3", "#173b3f", "#ff8a5b", "#f9c74f", "#2a9d8f")
_SKY = _Palette("#17416b", "#fff8e7", "#8fd3f4", "#ffb703", "#fb6f5c")
_CANDY = _Palette("#4a2171", "#fff6e0", "#ffd6e8", "#56c8d8", "#ff6f91")
_FOREST = _Palette("#14251f", "#f3efdf", "#b9cfa8", "#7ea172", "#3f6b4f")
_DUSK = _Palette("#221a36", "#fdf0e0", "#f2a97e", "#c96f7a", "#6d4574")
_SAND = _Palette("#5b2a15", "#fff1d6", "#f5c77e", "#8c4a24", "#e2572b")
_PAPER = _Palette("#f4efe4", "#1f2326", "#d8cfbd", "#8d99a6", "#c8452f")
_STONE = _Palette("#22303a", "#f2ede1", "#50636d", "#a3b4b7", "#e0b04a")
_TEAL = _Palette("#0d3b3e", "#fdf3e1", "#7fb7a6", "#f4d6a0", "#f08a4b")
_PLUM = _Palette("#2a1a2e", "#f8ecdf", "#d9a79c", "#f4d3b0", "#b23a48")
_SEA = _Palette("#0b2545", "#f0f5f9", "#bcd7e6", "#5c9ead", "#eb9c5c")
_STAGE = _Palette("#1b1025", "#fff2e0", "#e8457a", "#ffb86b", "#ffd166")
_PITCH = _Palette("#0f3d2e", "#f5f7ec", "#1f6f50", "#a8d08d", "#ffcf3f")

_PLAIN = _Look((_rays,), (_STEEL, _SEA, _PLUM), _SANS)
_LOOKS = {
    "horror": _Look((_fissure,), (_BLOOD, _BILE), _SERIF),
    "western": _Look((_horizon,), (_SAND,), _SERIF),
    "film-noir": _Look((_blinds,), (_LAMP, _INK), _SERIF),
    "sci-fi": _Look((_stars, _rays), (_NIGHT, _VIOLET), _SANS),
    "musical": _Look((_grooves,), (_STAGE, _CANDY), _SANS),
    "music": _Look((_grooves,), (_STAGE, _VIOLET), _SANS),
    "documentary": _Look((_blocks,), (_PAPER, _STONE), _SANS),
    "animation": _Look((_arches,), (_SKY, _CANDY), _SANS),
    "fantasy": _Look((_peaks,), (_FOREST, _DUSK), _SERIF),
    "war": _Look((_shards,), (_EMBER, _STONE), _SANS),
    "sport": _Look((_rays,), (_PITCH, _SEA), _SANS),
    "mystery": _Look((_blinds,), (_INK, _LAMP), _SERIF),
    "thriller": _Look((_blinds, _windows, _fissure), (_INK, _STEEL), _SANS),
    "crime": _Look((_blinds, _windows), (_LAMP, _BLOOD), _SANS),
    "romance": _Look((_rings, _waves), (_ROSE, _BLUSH), _SERIF),
    "family": _Look((_arches,), (_SKY, _MINT), _SANS),
    "action": _Look((_shards,), (_EMBER, _STEEL), _SANS),
    "adventure": _Look((_peaks,), (_DUSK, _FOREST, _SAND), _SANS),
    "biography": _Look((_blocks,), (_STONE, _PAPER), _SERIF),
    "history": _Look((_horizon,), (_SAND, _STONE), _SERIF),
    "comedy": _Look((_confetti, _blocks), (_LEMON, _MINT, _CANDY), _SANS),
    "drama": _Look((_waves, _windows, _horizon), (_TEAL, _PLUM, _SEA), _SERIF),
}
"""Looks by genre, as IMDb names them; the most telling come first, since most are dramas too."""
