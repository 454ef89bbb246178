"""Everything Filmpulse needs on one machine, without Docker: see `up`."""
