"""Filmpulse: how a film is being received, why, and how that is changing."""

__version__ = "0.1.0"
