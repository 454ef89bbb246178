"""The parts of an instance: what runs under its supervisor, in the order in which it starts."""

from __future__ import annotations

import enum
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from filmpulse.local import object_store, postgres, superset
from filmpulse.local.cluster.environment import LOGS_BUCKET
from filmpulse.local.instance import Install, Instance, stack_of
from filmpulse.local.object_store import PATIENCE, UMASK, Account, ObjectStore
from filmpulse.local.ports import HOST
from filmpulse.local.supervisor import Program
from filmpulse.warehouse.tables import SCRATCH

BUCKET = "filmpulse"
SITE_TOKEN = "FILMPULSE_SAMPLE_SITE_TOKEN"  # noqa: S105


class Stage(enum.Enum):
    """When a part starts."""

    STORES = "before Postgres has its roles"
    BEHIND = "once Postgres has its roles"
    AIRFLOW = "once Airflow has its tables"
    SUPERSET = "once Superset has its dashboards"


@dataclass(frozen=True)
class Part:
    """One part of a stack."""

    title: str  # its name for people
    stage: Stage
    program: Program
    is_healthy: Callable[[float], bool]  # takes the start of its process (epoch seconds)
    prepare: Callable[[], None] = lambda: None  # called before each start of the instance


class Machine:
    """The parts of one machine, whose ports are chosen."""

    buckets: tuple[str, ...] = (BUCKET,)

    def __init__(self, instance: Instance, install: Install) -> None:
        """Take what the instance decides: addresses, secrets, what is left out."""
        self.instance, self.install = instance, install
        self.stack = stack_of(instance, install)
        self.postgres = postgres.Server(
            instance.dir / "postgres", install.ports["postgres"], install.secrets["postgres"]
        )
        self.store = None if "s3" in self.stack.left_out else store_of(instance, install)
        python = superset.python()
        self.superset = (
            None
            if "superset" in self.stack.left_out or python is None
            else superset.Superset(python, install.ports["superset"])
        )

    def parts(self) -> Iterator[Part]:
        """Yield the parts in the order in which they start."""
        yield from self.stores()
        yield from self.behind()
        yield from self.airflow()
        yield from self.dashboards()

    def make_roles(self) -> None:
        """Make each part's role and database, with no more rights than the part needs."""
        secret, server = self.install.secrets, self.postgres
        for database in ("postgres", "template1"):  # open to every role at first
            server.close_database(database)
        server.add_owner("filmpulse", secret["warehouse"])
        server.add_reader(secret["reader"], "filmpulse")
        server.add_database(f"filmpulse{SCRATCH}", "filmpulse")
        server.add_owner("airflow", secret["airflow_db"])
        if self.superset is not None:
            server.add_owner("superset", secret["superset_db"])

    def stores(self) -> Iterator[Part]:
        """Yield what Airflow and Superset need: Postgres first."""
        yield Part(
            "Postgres",
            Stage.STORES,
            Program(
                # INT is the fast shutdown; Postgres stops its own children.
                *("postgres", "postgres", self.postgres.command(), "INT", False, 30),
                directory=Path("/"),
            ),
            lambda _: self.postgres.is_ready(),
            self.postgres.prepare,
        )
        if (store := self.store) is not None:
            program = Program(
                *("s3", "s3", store.command()),
                patience=PATIENCE,
                env=store.env(),
                directory=store.config,
                umask=UMASK,
            )
            ready = lambda _: store.is_ready()  # noqa: E731
            yield Part("S3 (SeaweedFS)", Stage.STORES, program, ready, store.prepare)
        if (site := self.stack.urls["sample_site"]) is not None:
            where = ["--host", HOST, "--port", str(self.install.ports["sample_site"])]
            state = ["--state", str(self.instance.dir / "sample-site")]
            program = Program(
                *("sample-site", "sample-site"),
                [sys.executable, "-m", "filmpulse.sample_site", *where, *state],
                env={SITE_TOKEN: self.stack.env[SITE_TOKEN]},
            )
            healthy = lambda _: get(f"{site}/healthz") is not None  # noqa: E731
            yield Part("sample site", Stage.STORES, program, healthy)

    def behind(self) -> Iterator[Part]:
        """Yield what needs Postgres's roles: nothing on one machine."""
        yield from ()

    def airflow(self) -> Iterator[Part]:
        """Yield Airflow's parts, the api-server first."""
        airflow = [sys.executable, "-m", "airflow"]
        ready = [sys.executable, "-m", "filmpulse.preload", "airflow"]  # its forks import nothing
        # Of a proxy on this machine, which says that the visitor came by https, and from where.
        is_behind_tls = self.stack.public_urls.get("airflow", "").startswith("https:")
        server = [*airflow, "api-server", *(["--proxy-headers"] if is_behind_tls else [])]
        yield self._airflow_part("api-server", server, "metadatabase")
        yield from self.schedulers()
        yield self._airflow_part("dag-processor", [*ready, "dag-processor"], "dag_processor")
        words = [*airflow, "triggerer", "--skip-serve-logs"]
        yield self._airflow_part("triggerer", words, "triggerer")

    def schedulers(self) -> Iterator[Part]:
        """Yield the scheduler, whose children run the tasks and end with it."""
        words = ["-m", "filmpulse.parent", "filmpulse.preload", "airflow", "scheduler"]
        command = [sys.executable, *words, "--skip-serve-logs"]
        yield self._airflow_part("scheduler", command, "scheduler")

    def _airflow_part(self, name: str, words: Sequence[str], key: str) -> Part:
        program = Program(name, "airflow", words, env=self.stack.env)
        healthy = functools.partial(self._airflow_part_is_healthy, key)
        return Part(f"Airflow's {name}", Stage.AIRFLOW, program, healthy)

    def _airflow_part_is_healthy(self, key: str, since: float) -> bool:
        answer = get(f"{self.stack.urls['airflow']}/api/v2/monitor/health")
        if answer is None or (health := answer.json())[key]["status"] != "healthy":
            return False
        beat = health[key].get(f"latest_{key}_heartbeat")
        # For 30 seconds Airflow still counts the heartbeat of the process before this one.
        return key == "metadatabase" or (
            beat is not None and datetime.fromisoformat(beat).timestamp() >= since
        )

    def dashboards(self) -> Iterator[Part]:
        """Yield Superset, unless it is left out."""
        if self.superset is not None:
            health = f"{self.stack.urls['superset']}/health"
            program = Program(
                *("superset", "superset", self.superset.command()), env=self.stack.superset_env
            )
            yield Part("Superset", Stage.SUPERSET, program, lambda _: get(health) is not None)


def store_of(instance: Instance, install: Install) -> ObjectStore:
    """Return the S3 server of an instance."""
    logs = Account(LOGS_BUCKET, install.secrets["logs_key"], install.secrets["logs_secret"])
    return ObjectStore(
        data=instance.dir / "s3",
        config=instance.dir / "s3-config",
        ports={name: install.ports[name] for name in object_store.PORTS},
        key=install.secrets["s3_key"],
        secret=install.secrets["s3_secret"],
        internal_secret=install.secrets["s3_internal"],
        accounts=(logs,) if install.is_cluster else (),
    )


@functools.cache
def _client() -> httpx.Client:
    """Return the client for all health checks: to make one takes 50 ms, for certificates."""
    once = httpx.Limits(max_keepalive_connections=0)  # the next check may meet a new process
    return httpx.Client(timeout=5, trust_env=False, limits=once)


def get(url: str) -> httpx.Response | None:
    """Return the answer of an address; None when it is not 200, or there is none."""
    try:
        answer = _client().get(url)
    except httpx.HTTPError:
        return None
    return answer if answer.status_code == 200 else None
