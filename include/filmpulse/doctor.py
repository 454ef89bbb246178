"""`filmpulse doctor`: checks all that Filmpulse needs, and says what to do if something is missing.

It checks the installation that the environment names (`source var/<instance>/env.sh`), be it a
local stack or not. It changes nothing, except that it writes and removes one object in the lake.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from filmpulse.config import Settings
from filmpulse.errors import BadInput, FilmpulseError, WarehouseUnavailable
from filmpulse.sources import known

MOVIES_READ_BACK = 5  # chosen at random: a lake that lost data lost those of most movies
MOVIES_COUNTED = 20  # chosen at random; a movie takes some milliseconds
LOST = "put the lake's data back from a backup, or collect the movie anew in mode `full`"
# Whose tasks open one browser each.
BROWSER_POOLS = ("browser", "detector")
START = "run `make up`, then `source var/main/env.sh`"


@dataclass(frozen=True)
class Check:
    """The outcome of one check; `advice` says what to do, and is empty when all is well."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


class _Problem(Exception):
    """Something is wrong; `advice` says what to do."""

    def __init__(self, detail: str, advice: str) -> None:
        super().__init__(detail)
        self.advice = advice


def checks(
    with_model: Callable[[Settings], Settings] = lambda settings: settings,
    read_variable: Callable[[], str] | None = None,
) -> list[Check]:
    """Run all checks; takes some ten seconds, most of them for Airflow and the browser.

    Args:
        with_model: Adds settings of the model that are not in the environment.
        read_variable: Reads Airflow's Variable of tracked movies; None where there is no Airflow.
    """
    return [
        _run(name, look)
        for name, look in (
            ("Python", _python),
            ("Airflow", _airflow),
            ("Airflow's parts", _airflow_parts),
            ("Airflow's connections and pools", _airflow_objects),
            ("settings", _settings),
            ("Postgres", _postgres),
            ("pooler", _pooler),
            ("schema", _schema),
            ("roles", _roles),
            ("figures", _figures),
            ("tracked movies", lambda: _tracked(read_variable)),
            ("lake", _lake),
            ("backups", _backups),
            ("analyser", lambda: _analyser(with_model)),
            ("dashboards", _dashboards),
            ("browser", _browser),
            ("disk", _disk),
        )
    ]


def _run(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except _Problem as problem:
        return Check(name, False, str(problem), problem.advice)
    except FilmpulseError as error:
        return Check(name, False, str(error), START)


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise _Problem(version, "use Python 3.11, 3.12 or 3.13")
    return version


def _airflow() -> str:
    version = importlib.metadata.version("apache-airflow-core")
    if not version.startswith("3.3."):
        raise _Problem(version, "install what requirements.txt locks")
    return version


def _airflow_parts() -> str:
    # Where tasks reach Airflow: browsers may go through a proxy that this machine does not reach.
    inside = os.environ.get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "").rstrip("/")
    url = inside.removesuffix("/execution") or os.environ.get("AIRFLOW__API__BASE_URL", "")
    if not url:
        raise _Problem("AIRFLOW__API__BASE_URL is not set", START)
    try:
        health = httpx.get(f"{url.rstrip('/')}/api/v2/monitor/health", timeout=10).json()
    except (httpx.HTTPError, ValueError) as error:
        raise _Problem(f"{url} does not answer: {error}", START) from error
    # A part that is not used, such as a triggerer, has no status at all.
    if ill := [part for part, state in health.items() if state["status"] not in ("healthy", None)]:
        raise _Problem(
            f"not healthy: {', '.join(ill)}", "see its log in var/<instance>/log; `make status`"
        )
    return f"healthy at {url}"


def _airflow_objects() -> str:
    if "AIRFLOW_HOME" not in os.environ:  # Airflow would make a new, empty one in ~/airflow
        raise _Problem("AIRFLOW_HOME is not set", START)
    settings = Settings.from_env()
    connections = {"filmpulse_warehouse"}
    if settings.warehouse_pooled_url:
        connections.add("filmpulse_warehouse_pooled")
    if settings.lake_key:
        connections.add("filmpulse_lake")
    if settings.has_llm:
        connections.add("filmpulse_llm")
    if settings.alerts_url:
        connections.add("filmpulse_alerts")
    wanted = (
        ("connections", "conn_id", connections),
        ("pools", "pool", {"browser", "detector", "llm"}),
    )
    lists = _airflow_lists(*(kind for kind, _, _ in wanted))
    missing: list[str] = []
    for (_, key, names), rows in zip(wanted, lists, strict=True):
        missing += sorted(names - {row[key] for row in rows})
    if missing:
        raise _Problem(f"missing: {', '.join(missing)}", "run `filmpulse setup`")
    return "all there"


def _airflow_lists(*kinds: str) -> list[list[dict[str, str]]]:
    """Return what `airflow KIND list` says of each kind; all values are texts."""
    lists = [  # each takes seconds: all at once
        subprocess.Popen(
            [sys.executable, "-m", "airflow", kind, "list", "--output", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in kinds
    ]
    found = []
    for kind, process in zip(kinds, lists, strict=True):
        said, wrong = process.communicate(timeout=120)
        if process.returncode != 0:
            last = (wrong.strip().splitlines() or ["it said nothing"])[-1]
            raise _Problem(f"`airflow {kind} list` failed: {last}", START)
        found.append(json.loads(said[said.index("[") :]))
    return found


def _settings() -> str:
    settings = Settings.from_env()
    for field in ("lake_url", "author_secret"):
        if getattr(settings, field) is None:
            raise _Problem(f"FILMPULSE_{field.upper()} is not set", START)
    live = [
        settings.source_urls.get(s.name, s.title) for s in known().values() if s.is_on(settings)
    ]
    if not live:
        return "live reading is off (no source's address is set); saved pages and files work"
    return f"reads {', '.join(live)}, {settings.request_gap_seconds:g} s between requests"


def _warehouse_url() -> str:
    url = Settings.from_env().warehouse_url
    if url is None:
        raise _Problem("FILMPULSE_WAREHOUSE_URL is not set", START)
    return url.get_secret_value()


def _ask(query: str) -> tuple[object, ...]:
    from psycopg.rows import tuple_row

    from filmpulse.warehouse import NOT_SET_UP, open_connection

    try:
        with open_connection(_warehouse_url(), tuple_row) as connection:
            row = connection.execute(query.encode()).fetchone()
    except WarehouseUnavailable as error:
        raise _Problem(str(error), f"is Postgres up? {START}") from error
    except BadInput as error:
        raise _Problem(str(error), "correct FILMPULSE_WAREHOUSE_URL") from error
    except NOT_SET_UP as error:
        raise _Problem(" ".join(str(error).split()), "run `filmpulse setup`") from error
    return row or ()


def _postgres() -> str:
    number, text, user = _ask(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'), "
        "current_user"
    )
    if not isinstance(number, int) or not 150_000 <= number < 190_000:
        raise _Problem(f"version {text}", "use Postgres 15, 16, 17 or 18")
    from filmpulse.warehouse import pooling_of
    from filmpulse.warehouse.pooling import Pooling

    is_direct = pooling_of(_warehouse_url()) is Pooling.NONE
    return f"version {text}, as {user}, " + ("directly" if is_direct else "through a session pool")


def _pooler() -> str:
    from filmpulse.warehouse import is_one_database, pooling_of
    from filmpulse.warehouse.pooling import Pooling

    url = Settings.from_env().warehouse_pooled_url
    if url is None:
        return "none: FILMPULSE_WAREHOUSE_POOLED_URL is not set"
    pooled = url.get_secret_value()
    try:
        mode = pooling_of(pooled)
        # A pooler of statements ends each transaction, so nothing more can be asked of it.
        is_one = mode is not Pooling.STATEMENT and is_one_database(_warehouse_url(), pooled)
    except (BadInput, WarehouseUnavailable) as error:
        raise _Problem(f"FILMPULSE_WAREHOUSE_POOLED_URL: {error}", _POOLED_ADVICE) from error
    if mode is Pooling.STATEMENT:
        raise _Problem(
            "FILMPULSE_WAREHOUSE_POOLED_URL leads through a pooler in statement mode, which "
            "refuses transactions",
            "set the pooler's mode to transaction (PgBouncer: pool_mode)",
        )
    if not is_one:
        raise _Problem(
            "FILMPULSE_WAREHOUSE_POOLED_URL leads to another database than "
            "FILMPULSE_WAREHOUSE_URL, or to a replica of it",
            "have the pooler lead to that database; a replica is for readers such as Superset",
        )
    return _POOLED_WORDS[mode.value]


_POOLED_ADVICE = "correct or unset FILMPULSE_WAREHOUSE_POOLED_URL; is the pooler up?"
_POOLED_WORDS = {
    "transaction": "in transaction mode, before the same database",
    "session": "in session mode, before the same database: it saves no connections",
    "none": "FILMPULSE_WAREHOUSE_POOLED_URL leads to Postgres itself, without a pooler",
}


def _schema() -> str:
    from filmpulse.warehouse import migrate

    current, head, missing, has_marts = migrate.status(_warehouse_url())
    if missing:
        refill = ", then `filmpulse rebuild`" if {"core", "ops"} & set(missing) else ""
        if set(missing) & {"catalogue", "catalogue_live"}:
            refill += ", then `filmpulse catalogue refresh`"
        raise _Problem(f"missing: {', '.join(missing)}", f"run `filmpulse setup`{refill}")
    if current != head:
        raise _Problem(f"revision {current or 'none'}, the code is at {head}", "`filmpulse setup`")
    if not has_marts:
        raise _Problem("the marts are of another version", "run `filmpulse setup`")
    return f"revision {current}"


def _roles() -> str:
    # By id: a missing schema has none, which gives null and no error.
    can_log_in, sees_mart, sees_core = _ask(
        "SELECT rolcanlogin, has_schema_privilege(rolname, to_regnamespace('mart')::oid, 'USAGE'), "
        "has_schema_privilege(rolname, to_regnamespace('core')::oid, 'USAGE') "
        "FROM pg_roles WHERE rolname = 'filmpulse_reader'"
    ) or (None, None, None)
    if can_log_in is None:
        raise _Problem("filmpulse_reader does not exist", "run `filmpulse setup`")
    if not can_log_in:
        raise _Problem(
            "filmpulse_reader may not log in",
            "set FILMPULSE_READER_PASSWORD and run `filmpulse setup`",
        )
    if not sees_mart or sees_core:
        raise _Problem("filmpulse_reader's rights are not `mart` alone", "run `filmpulse setup`")
    return "filmpulse_reader may read mart, and nothing else"


def _tracked(read_variable: Callable[[], str] | None) -> str:
    from filmpulse import jobs
    from filmpulse.warehouse import Warehouse

    if read_variable is None:
        return "not checked: there is no Airflow here"
    raw = read_variable()
    listed = len(jobs.read_tracked(raw).imdb_ids)
    tracked = len(jobs.all_tracked(raw, Warehouse(_warehouse_url())).imdb_ids)
    told = f"{listed:,} in the Variable tracked_movies, {tracked - listed:,} in core.tracked alone"
    if listed >= jobs.TABLE_FROM:
        raise _Problem(
            f"{told}. From {jobs.TABLE_FROM:,} on the Variable is too long",
            "`filmpulse movies move` moves them to the table",
        )
    return told


def _figures() -> str:
    """Compare the figures of some movies with their rows."""
    from filmpulse.warehouse import Warehouse, figures

    warehouse = Warehouse(_warehouse_url())
    old = figures.movies_to_count(warehouse, rules=figures.rules())
    if old:
        raise _Problem(
            f"{len(old)} movies are not counted by this version's rules", "run `filmpulse setup`"
        )
    movies = figures.movies_to_count(warehouse, rules=None)
    chosen = random.sample(movies, min(len(movies), MOVIES_COUNTED))
    if wrong := [imdb_id for imdb_id in chosen if figures.is_wrong(warehouse, imdb_id)]:
        raise _Problem(
            f"of {', '.join(wrong)} they differ from the reviews: somebody changed rows by hand",
            "run `filmpulse recount`",
        )
    return f"as the reviews say; movies counted to see it: {len(chosen)}"


def _lake() -> str:
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    from filmpulse.jobs import lake_options

    settings = Settings.from_env()
    if settings.lake_url is None:
        raise _Problem("FILMPULSE_LAKE_URL is not set", START)
    step = "reach"
    try:
        fs, path = fsspec.url_to_fs(settings.lake_url, **lake_options(settings))
        folder = path.rstrip("/")
        name = f"{folder}/_probe-{secrets.token_hex(8)}"
        step = "write"
        if isinstance(fs, LocalFileSystem):  # elsewhere a folder comes with its objects
            fs.makedirs(folder, exist_ok=True)
        fs.pipe_file(name, b"probe")
        step = "read"
        if fs.cat_file(name) != b"probe":
            raise OSError("it gave back other bytes")
        step = "list"
        fs.invalidate_cache()
        if not any(each.endswith(name) for each in fs.ls(folder, detail=False)):
            raise OSError("an object that was just written is not in the list")
        step = "delete"
        fs.rm_file(name)
    except Exception as error:  # each store raises its own
        raise _Problem(
            f"{settings.lake_url}: cannot {step}: {error}",
            "check FILMPULSE_LAKE_KEY, _SECRET and _ENDPOINT_URL, and the key's rights",
        ) from error
    return f"{settings.lake_url}: write, read, list, delete; {_kept_reviews(settings)}"


def _kept_reviews(settings: Settings) -> str:
    """Read some collections back, and compare each with its manifest."""
    from filmpulse.jobs import lake_options
    from filmpulse.lake import Lake

    lake = Lake(settings.lake_url or "", lake_options(settings))
    movies = list(lake.movies())
    newest = [
        uri
        for movie in random.sample(movies, min(len(movies), MOVIES_READ_BACK))
        for uri in lake.manifests(*movie)[-1:]
    ]
    for uri in newest:
        try:
            manifest = lake.read_manifest(uri)
            found = len({review.review_id for review in lake.read_reviews(uri, manifest)})
        except (FilmpulseError, OSError, EOFError, ValueError, zlib.error) as error:
            raise _Problem(f"{uri} cannot be read back: {error}", LOST) from error
        if found != manifest.distinct_ids:
            raise _Problem(
                f"{uri} announces {manifest.distinct_ids} reviews, {found} are there", LOST
            )
    return f"collections read back whole: {len(newest)}" if newest else "no collection yet"


def _backups() -> str:
    from filmpulse import jobs

    settings = Settings.from_env()
    if settings.backup_url is None:
        return "none are made: FILMPULSE_BACKUP_URL is not set"
    try:
        newest = jobs.newest_complete(jobs.Context.from_settings(settings))
    except FilmpulseError as error:
        raise _Problem(
            str(error), "docs/runbooks/warehouse_backup.md says what each means"
        ) from error
    if newest is None:
        return f"{settings.backup_url}: none yet; the first follows the first load"
    return f"{settings.backup_url}: the newest was begun at {newest:%Y-%m-%d %H:%M} UTC"


def _analyser(with_model: Callable[[Settings], Settings]) -> str:
    from filmpulse.analysis.llm.client import preflight
    from filmpulse.analysis.llm.prices import price_for
    from filmpulse.analysis.llm.providers import provider_for
    from filmpulse.warehouse import sql

    settings = Settings.from_env()
    try:
        settings = with_model(settings)
        if not settings.has_llm:
            return "the keyless lexicon; FILMPULSE_LLM_API_KEY or _BASE_URL would name a model"
        provider = provider_for(settings)
        price_for(settings, provider)  # raises if the price is unknown: no request is sent then
        warnings = preflight(settings)
    except FilmpulseError as error:
        raise _Problem(
            str(error),
            "check FILMPULSE_LLM_* or the Connection filmpulse_llm; the README says what each is",
        ) from error
    (spent,) = _ask(sql("spent_today"))
    told = (
        f"{settings.llm_model} at {provider.host}; today ${spent:.4f} of "
        f"${settings.llm_budget_usd_per_day:.2f} are spent"
    )
    return " ".join([f"{told}.", *warnings]) if warnings else told


def _dashboards() -> str:
    from filmpulse.local.stack import has_dashboards_of_now, read_stack

    directory = Path(os.environ.get("AIRFLOW_HOME", "")).parent
    if not (directory / "install.json").is_file():
        return "not checked: this is no local stack"
    stack = read_stack(directory)
    if (url := stack.urls["superset"]) is None:
        return f"left out: {stack.left_out['superset']}"
    try:
        httpx.get(f"{url}/health", timeout=10, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise _Problem(
            f"{url} does not answer: {error}", "see log/superset.log; `make up`"
        ) from error
    if not has_dashboards_of_now(directory):
        raise _Problem(f"those at {url} are not those of this checkout", "`make up` renews them")
    return f"healthy at {url}, as checked out"


def _browser() -> str:
    from filmpulse.sources.browser import Browser

    settings = Settings.from_env()
    remote_url = settings.selenium_remote_url
    where = _driver_version() if remote_url is None else _grid(remote_url)
    began = time.monotonic()
    try:
        with Browser(
            base_url="http://127.0.0.1",
            browser_path=settings.browser_path,
            driver_path=settings.driver_path,
            remote_url=remote_url,
        ):
            took = time.monotonic() - began
    except FilmpulseError as error:
        raise _Problem(
            str(error),
            "install Chromium and its driver: `apt-get install chromium-driver`"
            if remote_url is None
            else "look at the Grid: docs/runbooks/outages.md",
        ) from error
    return f"starts in {took:.1f} s ({where})"


def _grid(remote_url: SecretStr) -> str:
    """Compare the Grid's slots with the tasks that take one each."""
    from filmpulse.sources.grid import read_address, read_nodes

    look = "look at the Grid: docs/runbooks/outages.md"
    try:
        grid, nodes = read_address(remote_url).url, read_nodes(remote_url)
    except BadInput as error:
        raise _Problem(str(error), "correct SELENIUM_REMOTE_URL") from error
    except FilmpulseError as error:
        raise _Problem(str(error), look) from error
    up = [node for node in nodes if node.is_up]
    slots, sessions = sum(node.slots for node in up), sum(node.sessions for node in up)
    told = f"{slots} slots on {len(up)} nodes of the Grid at {grid}"
    if len(up) < len(nodes):
        told += f", {len(nodes) - len(up)} more down"
    if not slots:
        raise _Problem(f"{told}: none has Chromium" if up else told, look)
    if "AIRFLOW_HOME" in os.environ:
        [pools] = _airflow_lists("pools")
        sizes = {row["pool"]: int(row["slots"]) for row in pools if row["pool"] in BROWSER_POOLS}
        asked = " and ".join(f"`{pool}` {size}" for pool, size in sorted(sizes.items()))
        if sum(sizes.values()) > slots:
            raise _Problem(
                f"{told}, but the pools ask for {sum(sizes.values())} ({asked})",
                "make a pool smaller in Airflow (Admin, Pools), or add a node",
            )
        told += f", of which the pools ask for {sum(sizes.values())} ({asked})"
    if sessions >= slots:
        raise _Problem(
            f"{told}: all are taken, so no browser was tried", "try again when the tasks are done"
        )
    return told


def _driver_version() -> str:
    driver = Settings.from_env().driver_path or shutil.which("chromedriver")
    if driver is None:
        return "Selenium Manager's driver"
    said = subprocess.run([driver, "--version"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[:2])


def _disk() -> str:
    from filmpulse.jobs.upkeep import measure_disk

    place, free = measure_disk.free_disk()
    if free < measure_disk.LEAST_DISK_GIB:
        raise _Problem(
            f"{free:.1f} GiB free at {place}",
            f"free some: {measure_disk.LEAST_DISK_GIB:g} GiB are needed",
        )
    return f"{free:.0f} GiB free"
