"""Fetch a movie's poster once, and keep a small picture of it, where the settings ask for posters.

A movie needs no poster: whatever goes wrong here is noted, and never fails the movie.
"""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from filmpulse.errors import BadInput, Final, HostPaused, Retryable
from filmpulse.jobs.context import Context
from filmpulse.jobs.reception.visit import polite_site
from filmpulse.sources import sites
from filmpulse.warehouse.movies import note_no_poster, poster_wanted, store_poster

log = logging.getLogger(__name__)

WIDTH, MOST_HEIGHT = 240, 720
"""Pixels of a kept picture: twice what the pages show, and posters are two by three."""
MOST_PIXELS = 25_000_000
"""Of a picture as it came, since unpacking takes three bytes for each; posters have 1 to 6 million.
Pillow's own limit is higher (`Image.MAX_IMAGE_PIXELS`)."""
AGAIN_AFTER = timedelta(days=7)
"""When an address that gave no poster is asked again."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

PosterVerdict = Literal["off", "not_wanted", "stored", "refused", "later"]


class Thumbnail(NamedTuple):
    """A small picture; sizes in pixels."""

    image: bytes
    media_type: str
    width: int
    height: int


def fetch_poster(imdb_id: str, context: Context) -> PosterVerdict:
    """Fetch a movie's poster if posters are on and it was not asked for yet.

    Costs robots.txt and one request, through the gate of all workers. An address that gives no
    poster is asked again after a week; a host that is paused or away, by the next collection.

    Returns:
        `not_wanted` where no poster is known or it was asked for already; `later` where it can be
        tried again. Never raises: an unexpected fault is logged.
    """
    if not context.settings.posters or not sites(context.settings):
        return "off"
    try:
        url = poster_wanted.first(context.warehouse, imdb_id=imdb_id, again_after=AGAIN_AFTER)
        return "not_wanted" if url is None else _fetch(imdb_id, url, context)
    except (Retryable, HostPaused) as error:
        log.info("%s: its poster is fetched later: %s", imdb_id, error)
    except Exception:  # no movie fails for want of a picture
        log.exception("%s: its poster could not be fetched.", imdb_id)
    return "later"


def _fetch(imdb_id: str, url: str, context: Context) -> PosterVerdict:
    """Ask the site whose address it is; store the picture, or why there is none."""
    about = {"imdb_id": imdb_id, "source_url": url}
    refused: Final | None = None
    for source in sites(context.settings):
        try:
            with polite_site(source, context) as site:
                picture = shrink(site.picture(url))
        except HostPaused:
            raise
        except Final as error:
            refused = error
            if error.reason == "other_host":
                continue  # it may be another site's
            break
        fetched_at = datetime.now(UTC)
        store_poster(context.warehouse, **about, **picture._asdict(), fetched_at=fetched_at)
        return "stored"
    reason = refused.reason if refused else "other_host"
    log.info("%s: no poster (%s): %s", imdb_id, reason, refused)
    note_no_poster(context.warehouse, **about, reason=reason, fetched_at=datetime.now(UTC))
    return "refused"


def shrink(content: bytes) -> Thumbnail:
    """Make a picture small, as WebP; its notes on place, camera and the like are left out.

    Raises:
        BadInput: It is no picture of the usual kinds, is damaged (`not_an_image`), or has more than
            `MOST_PIXELS` (`too_large`).
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BadInput(
                    f"The poster has {image.width} x {image.height} pixels.", reason="too_large"
                )
            image.draft("RGB", (2 * WIDTH, 2 * MOST_HEIGHT))  # a JPEG is unpacked smaller at once
            small = image.convert("RGB")
            small.thumbnail((WIDTH, MOST_HEIGHT))
    except Image.DecompressionBombError as error:
        raise BadInput(f"The poster is too large: {error}", reason="too_large") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise BadInput(f"The poster cannot be read: {error}", reason="not_an_image") from error
    out = io.BytesIO()
    small.save(out, "WEBP", quality=80)
    return Thumbnail(out.getvalue(), "image/webp", small.width, small.height)
