"""Settings come from the environment; a bad one is named, a secret is never shown."""

import pytest

from filmpulse.config import Settings, variable_name
from filmpulse.errors import BadInput


def test_defaults_hold_no_secret_and_no_site():
    settings = Settings.from_env({})
    assert settings.source_urls == {}
    for name in ("warehouse_url", "lake_key", "lake_secret", "author_secret", "reader_password"):
        assert getattr(settings, name) is None


def test_an_empty_value_counts_as_unset():
    assert Settings.from_env({"FILMPULSE_IMDB_URL": "  "}).source_urls == {}


def test_the_browser_grid_keeps_seleniums_own_name():
    assert variable_name("selenium_remote_url") == "SELENIUM_REMOTE_URL"
    settings = Settings.from_env({"SELENIUM_REMOTE_URL": "http://u:hush@grid:4444"})
    assert settings.selenium_remote_url is not None
    assert settings.selenium_remote_url.get_secret_value() == "http://u:hush@grid:4444"
    assert "hush" not in repr(settings)


def test_a_bad_value_names_its_variable_and_not_itself():
    with pytest.raises(BadInput, match="FILMPULSE_REQUEST_GAP_SECONDS") as caught:
        Settings.from_env({"FILMPULSE_REQUEST_GAP_SECONDS": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_secrets_do_not_show():
    settings = Settings.from_env({"FILMPULSE_LAKE_SECRET": "hunter2"})
    assert "hunter2" not in f"{settings!r} {settings}"
