"""The REST API, a module a topic."""
