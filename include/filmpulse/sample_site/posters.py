"""Posters, drawn rather than stored: a sky, a sun, some waves and the title."""

from __future__ import annotations

import colorsys
import html
import io
import math
import textwrap

from PIL import Image, ImageDraw, ImageFont

from filmpulse.sample_site.generate import SampleMovie

_WIDTH, _HEIGHT = 600, 900


def poster_svg(movie: SampleMovie) -> str:
    """Draw the poster of a movie, 600 by 900; its number and hue decide the picture."""
    hue = movie.hue
    x, y, radius = _sun(movie)
    waves = []
    for layer, points in enumerate(_waves(movie)):
        corners = " ".join(f"{across},{down:.1f}" for across, down in points)
        waves.append(
            f'<polygon points="0,900 {corners} 600,900" '
            f'fill="hsl({(hue + 12 * layer) % 360} 45% {44 - 8 * layer}%)"/>'
        )
    lines = textwrap.wrap(movie.title, 14)
    title = "".join(
        f'<tspan x="44" dy="{0 if k == 0 else 66}">{html.escape(line)}</tspan>'
        for k, line in enumerate(lines)
    )
    people = html.escape("  ·  ".join(name.split()[-1].upper() for name, _ in movie.cast[:2]))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 900" role="img">
<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
<stop offset="0" stop-color="hsl({(hue + 200) % 360} 40% 22%)"/>
<stop offset="0.6" stop-color="hsl({hue} 65% 62%)"/></linearGradient></defs>
<rect width="600" height="900" fill="url(#sky)"/>
<circle cx="{x}" cy="{y}" r="{radius}" fill="hsl({(hue + 30) % 360} 90% 84%)"/>
{"".join(waves)}
<g fill="#fff" font-family="Georgia, 'Times New Roman', serif">
<text x="44" y="92" font-size="21" letter-spacing="3">{people}</text>
<text x="44" y="{840 - 66 * len(lines)}" font-size="62" font-weight="bold">{title}</text>
<text x="44" y="862" font-size="22">A film by {html.escape(movie.director)}</text></g></svg>
"""


def poster_jpeg(movie: SampleMovie) -> bytes:
    """Paint the same picture in pixels, with a plainer type."""
    hue = movie.hue
    image = Image.new("RGB", (_WIDTH, _HEIGHT))
    draw = ImageDraw.Draw(image)
    above, below = _colour(hue + 200, 40, 22), _colour(hue, 65, 62)
    for y in range(_HEIGHT):
        part = min(1.0, y / (0.6 * _HEIGHT))
        mixed = [round(a + (b - a) * part) for a, b in zip(above, below, strict=True)]
        draw.line((0, y, _WIDTH, y), fill=(mixed[0], mixed[1], mixed[2]))
    x, y, radius = _sun(movie)
    draw.circle((x, y), radius, fill=_colour(hue + 30, 90, 84))
    for layer, points in enumerate(_waves(movie)):
        corners = [(0.0, 900.0), *points, (600.0, 900.0)]
        draw.polygon(corners, fill=_colour(hue + 12 * layer, 45, 44 - 8 * layer))
    lines = textwrap.wrap(movie.title, 14)
    for k, line in enumerate(lines):
        place = (44, 790 - 66 * (len(lines) - k))
        draw.text(place, line, fill="white", font=ImageFont.load_default(56))
    draw.text((44, 840), f"A film by {movie.director}", "white", ImageFont.load_default(22))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _sun(movie: SampleMovie) -> tuple[int, int, int]:
    """Return where the sun stands, and its radius."""
    n = movie.number
    return 120 + (n * 137) % 360, 230 + (n * 61) % 160, 70 + (n * 23) % 60


def _waves(movie: SampleMovie) -> list[list[tuple[float, float]]]:
    """Return the upper edge of each wave, the farthest first."""
    n = movie.number
    return [
        [
            (x, 460 + layer * 78 + 26 * math.sin(x / (70 + 9 * layer) + n + 1.7 * layer))
            for x in range(0, 601, 20)
        ]
        for layer in range(5)
    ]


def _colour(hue: float, saturation: float, lightness: float) -> tuple[int, int, int]:
    """Return a colour of CSS's hsl() in red, green and blue."""
    r, g, b = colorsys.hls_to_rgb(hue % 360 / 360, lightness / 100, saturation / 100)
    return round(255 * r), round(255 * g), round(255 * b)
