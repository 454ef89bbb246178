"""Posters, drawn rather than stored: a sky, a sun, some waves and the title."""

from __future__ import annotations

import html
import math
import textwrap

from filmpulse.sample_site.generate import SampleMovie


def poster_svg(movie: SampleMovie) -> str:
    """Draw the poster of a movie, 600 by 900; its number and hue decide the picture."""
    hue, n = movie.hue, movie.number
    sun_x, sun_y, radius = 120 + (n * 137) % 360, 230 + (n * 61) % 160, 70 + (n * 23) % 60
    waves = []
    for layer in range(5):
        top = 460 + layer * 78
        points = " ".join(
            f"{x},{top + 26 * math.sin(x / (70 + 9 * layer) + n + 1.7 * layer):.1f}"
            for x in range(0, 601, 20)
        )
        waves.append(
            f'<polygon points="0,900 {points} 600,900" '
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
<circle cx="{sun_x}" cy="{sun_y}" r="{radius}" fill="hsl({(hue + 30) % 360} 90% 84%)"/>
{"".join(waves)}
<g fill="#fff" font-family="Georgia, 'Times New Roman', serif">
<text x="44" y="92" font-size="21" letter-spacing="3">{people}</text>
<text x="44" y="{840 - 66 * len(lines)}" font-size="62" font-weight="bold">{title}</text>
<text x="44" y="862" font-size="22">A film by {html.escape(movie.director)}</text></g></svg>
"""
