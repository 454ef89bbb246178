"""Superset below a path of a host, as a proxy shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask_appbuilder.security.sqla.models import User
    from selenium.webdriver.remote.webdriver import WebDriver

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def below(path: str) -> Callable[[App], App]:
    """Return a WSGI middleware that adds the path to requests without it.

    Superset itself answers 404 to such requests. But who reaches it without the proxy (health
    checks, a backup) need not know where the proxy shows it.

    Args:
        path: Such as `/superset`.
    """

    def wrap(app: App) -> App:
        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            asked = environ.get("PATH_INFO", "")
            if not f"{asked}/".startswith(f"{path}/"):
                environ["PATH_INFO"] = path + asked
            return app(environ, start_response)

        return answer

    return wrap


def signing_in(path: str) -> Callable[[WebDriver, User], WebDriver]:
    """Return a function that logs the worker's browser in as a user.

    Superset's own opens the log-in page and sets its cookie at `/`. A cookie of that page, which is
    below the path, would be sent first, and nobody be logged in (6.1.0).

    Args:
        path: Such as `/superset`; empty: Superset is at the root.
    """

    def sign_in(driver: WebDriver, user: User) -> WebDriver:
        from superset.extensions import machine_auth_provider_factory
        from superset.utils.urls import headless_url

        driver.get(headless_url("/health"))  # cookies need a page of the host; this sets none
        cookies = machine_auth_provider_factory.instance.get_cookies(user)
        for name, value in cookies.items():
            driver.add_cookie({"name": name, "value": value, "path": path or "/"})
        return driver

    return sign_in
