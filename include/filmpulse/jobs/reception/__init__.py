"""From the list of tracked movies to figures: a module a step."""
