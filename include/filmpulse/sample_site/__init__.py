"""A local site that behaves as IMDb's pages do, with invented movies and invented reviews."""

from filmpulse.sample_site.app import create_app
from filmpulse.sample_site.generate import MOVIE_IDS, generate

__all__ = ["MOVIE_IDS", "create_app", "generate"]
