"""The HTML pages, a module a page."""
