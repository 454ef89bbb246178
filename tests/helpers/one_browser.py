"""One real browser for many sites: to start Chromium takes longer than to read a page."""

from __future__ import annotations

from typing import Any

from filmpulse.sources.browser import Browser


class OneBrowser:
    """Stands in for `Browser`: all sites of a file's tests take turns with the same real one.

    Each site has the browser without cookies and without a cache, as a new one is.

    Attributes:
        real: The browser, once a site has read something.
    """

    real: Browser | None = None

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def __enter__(self) -> Browser:
        """Return the one browser; start it for the first site."""
        if OneBrowser.real is None:
            real = Browser(**self._settings).__enter__()
            real.close = lambda: None  # type: ignore[method-assign]
            OneBrowser.real = real
        else:
            for command in ("Network.clearBrowserCookies", "Network.clearBrowserCache"):
                OneBrowser.real._cdp(command)
        return OneBrowser.real

    @classmethod
    def end(cls) -> None:
        """End the browser, if it was ever started."""
        real, cls.real = cls.real, None
        if real is not None:
            Browser.close(real)
