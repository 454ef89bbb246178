"""Keeps what changed on the site since its first start; all else follows from the seed."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from filmpulse.errors import BadInput, NotFound
from filmpulse.sample_site import switches
from filmpulse.sample_site.generate import SampleMovie, SampleReview, generate, write_new

WHOLE_SITE = "*"


class Store:
    """The site's movies, current reviews and switches, backed by one JSON file.

    The file holds the seed, the anchor day, the reviews that were published, edited or deleted, and
    the switches. It is replaced as a whole on each change, so a restart shows the same site.
    """

    def __init__(
        self, state_dir: Path, seed: int, extra_movies: int = 0, extra_reviews: int = 10
    ) -> None:
        """Open a state directory, made if missing; the first start sets the anchor day.

        Raises:
            BadInput: The directory holds a site made from another seed.
        """
        self.seed = seed
        state_dir.mkdir(parents=True, exist_ok=True)
        self._path = state_dir / "state.json"
        if self._path.exists():
            self._state: dict[str, Any] = orjson.loads(self._path.read_bytes())
            if self._state["seed"] != seed:
                raise BadInput(f"{self._path} holds the site of seed {self._state['seed']}.")
        else:
            self._state = {"seed": seed, "anchor": _today().isoformat()}
            self._forget_changes()
        movies = generate(seed, self.anchor, extra_movies, extra_reviews)
        self._movies = {movie.imdb_id: movie for movie in movies}
        self._save()

    @property
    def anchor(self) -> date:
        """The day of the first start: the day of the newest invented reviews."""
        return date.fromisoformat(self._state["anchor"])

    @property
    def set_switches(self) -> dict[str, dict[str, Any]]:
        """Switches that are set: name -> {imdb_id or "*": value}."""
        return dict(self._state["switches"])

    def movies(self) -> list[SampleMovie]:
        """Return all movies, in order of id."""
        return list(self._movies.values())

    def movie(self, imdb_id: str) -> SampleMovie:
        """Return one movie.

        Raises:
            NotFound: The site has no such movie.
        """
        try:
            return self._movies[imdb_id]
        except KeyError:
            raise NotFound(f"There is no {imdb_id} here.") from None

    def reviews(self, imdb_id: str) -> list[SampleReview]:
        """Return the current reviews of a movie, in order of id."""
        self.movie(imdb_id)
        return list(self._reviews[imdb_id].values())

    def switch(self, name: str, imdb_id: str | None = None) -> Any:
        """Return a switch's value for a movie, or for pages of no movie; None when off."""
        values = self._state["switches"].get(name, {})
        return values.get(imdb_id, values.get(WHOLE_SITE, switches.DEFAULTS.get(name)))

    def take(self, name: str, imdb_id: str) -> Any:
        """Return a switch's value for a movie, and unset the switch."""
        value = self.switch(name, imdb_id)
        if value is not None:
            own = imdb_id in self._state["switches"].get(name, {})
            self.set_switch(name, imdb_id if own else None, None)
        return value

    def applies(self, name: str, kind: str, imdb_id: str | None) -> bool:
        """Say whether a switch that may name a kind of page is set for this page."""
        return self.switch(name, imdb_id) in (True, kind)

    def publish(self, imdb_id: str, count: int, given: list[dict[str, Any]]) -> list[str]:
        """Add reviews dated today; `given` replaces fields of the first ones.

        Returns:
            The new ids, the newest (highest) first.
        """
        movie = self.movie(imdb_id)
        before = sum(r["imdb_id"] == imdb_id for r in self._state["published"])
        new = write_new(movie, self.seed, len(movie.reviews) + before, count, _today())
        for n, fields in enumerate(given):
            new[n] = replace(new[n], **fields)
        self._state["published"] += [asdict(review) for review in new]
        self._save()
        return [review.review_id for review in reversed(new)]

    def edit(self, review_id: str, fields: dict[str, Any]) -> None:
        """Change fields of one review; without fields, add a line to its text."""
        review = self._find(review_id)
        if not fields:
            fields = {"body": f"{review.body}\n\nEdit: saw it again, and I stand by every word."}
        self._state["edits"].setdefault(review_id, {}).update(fields)
        self._save()

    def delete(self, review_id: str) -> None:
        """Remove one review from the site."""
        self._find(review_id)
        self._state["deleted"].append(review_id)
        self._save()

    def set_switch(self, name: str, imdb_id: str | None, value: object) -> None:
        """Set a switch for one movie, or for the whole site (None); a null value unsets it."""
        checked = switches.check(name, value)
        if imdb_id is not None:
            self.movie(imdb_id)
        values = self._state["switches"].setdefault(name, {})
        if checked is None:
            values.pop(imdb_id or WHOLE_SITE, None)
        else:
            values[imdb_id or WHOLE_SITE] = checked
        if not values:
            del self._state["switches"][name]
        self._save()

    def reset(self) -> None:
        """Forget every change and switch; the anchor day stays."""
        self._forget_changes()
        self._save()

    def _find(self, review_id: str) -> SampleReview:
        for reviews in self._reviews.values():
            if review_id in reviews:
                return reviews[review_id]
        raise NotFound(f"There is no review {review_id} here.")

    def _forget_changes(self) -> None:
        self._state |= {"published": [], "edits": {}, "deleted": [], "switches": {}}

    def _save(self) -> None:
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(orjson.dumps(self._state, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        self._replay()

    def _replay(self) -> None:
        """Apply the changes to the seed's reviews."""
        self._reviews = {m.imdb_id: {r.review_id: r for r in m.reviews} for m in self.movies()}
        for fields in self._state["published"]:
            if fields["imdb_id"] in self._reviews:  # an extra movie may be gone after a restart
                review = SampleReview(**fields)
                self._reviews[review.imdb_id][review.review_id] = review
        for reviews in self._reviews.values():
            for review_id in self._state["deleted"]:
                reviews.pop(review_id, None)
            for review_id in self._state["edits"].keys() & reviews.keys():
                reviews[review_id] = replace(reviews[review_id], **self._state["edits"][review_id])


def _today() -> date:
    return datetime.now(UTC).date()
