"""The parts of a cluster: those of one machine, with Airflow's work on Celery workers.

Real programs, each at its smallest; they share one machine only because this is one.
"""

from __future__ import annotations

import functools
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.local.cluster import hosts, tools
from filmpulse.local.cluster.environment import LOGS_BUCKET, SLOTS, SUPERSET_DATABASE
from filmpulse.local.cluster.grid import PARTS, Hub, Node
from filmpulse.local.cluster.pooler import STOP_SIGNAL, Pooler
from filmpulse.local.cluster.redis import PATIENCE, Redis
from filmpulse.local.cluster.replica import OF_PRIMARY, ROLE, Replica
from filmpulse.local.cluster.workers import PATIENCE as TASKS_PATIENCE
from filmpulse.local.cluster.workers import Worker, answers
from filmpulse.local.instance import Install, Instance
from filmpulse.local.parts import BUCKET, Machine, Part, Stage
from filmpulse.local.superset import WORKER
from filmpulse.local.supervisor import Program

SCHEDULERS = ("scheduler-1", "scheduler-2")


class Cluster(Machine):
    """The parts of a cluster, whose ports are chosen."""

    buckets = (BUCKET, LOGS_BUCKET)

    def __init__(self, instance: Instance, install: Install) -> None:
        """Take what the instance decides.

        Raises:
            BadInput: A program that a cluster needs is not on this machine.
        """
        settings = Settings.from_env(install.settings)
        browser = settings.browser_path, settings.driver_path
        if missing := tools.missing(*browser):
            how = "`make cluster-tools`, and `make browser` for the browser and its driver"
            raise BadInput(f"A cluster needs {', '.join(missing)}: {how}.")
        super().__init__(instance, install)
        secret, port = install.secrets, install.ports
        self.postgres = replace(self.postgres, more=OF_PRIMARY)
        self.pooler = Pooler(
            *(instance.dir / "pgbouncer", port["pgbouncer"], self.postgres),
            *("filmpulse", secret["warehouse"], "filmpulse"),
        )
        self.replica = Replica(
            self.postgres, instance.dir / "replica", port["replica"], secret["replication"]
        )
        self.redis = Redis(instance.dir / "redis", port["redis"], secret["redis"])
        self.cache = Redis(
            instance.dir / "redis-cache", port["redis_cache"], secret["redis_cache"], is_cache=True
        )
        hub, *nodes = (instance.dir / "grid" / name for name in PARTS)
        self.hub = Hub(
            *(hub, port["grid"], port["grid_publish"], port["grid_subscribe"]),
            password=secret["grid"],
            node_password=secret["grid_node"],
        )
        self.nodes = [
            Node(
                *(folder, port[f"grid_node_{number}"], self.hub),
                browser=browser[0],
                driver=browser[1],
            )
            for number, folder in enumerate(nodes, start=1)
        ]
        self.workers = [
            Worker(queue, instance.worker_dir(queue), instance.dir, self.redis.url(0))
            for queue in SLOTS
        ]

    def stores(self) -> Iterator[Part]:
        """Yield the stores of one machine, Redis, and the Grid."""
        yield from super().stores()
        yield _redis_part("redis", "Redis (queues)", self.redis)
        if self.superset is not None:
            yield _redis_part("redis-cache", "Redis (caches)", self.cache)
        yield _grid_part("grid", "Grid's hub", self.hub)
        for number, node in enumerate(self.nodes, start=1):
            yield _grid_part(f"grid-node-{number}", f"Grid's node {number}", node)

    def make_roles(self) -> None:
        """Make the roles of one machine, and that of the replica."""
        super().make_roles()
        self.postgres.add_replicator(ROLE, self.install.secrets["replication"])

    def behind(self) -> Iterator[Part]:
        """Yield what stands behind or before Postgres: its pooler and its replica."""
        program = Program("pgbouncer", "pgbouncer", self.pooler.command(), STOP_SIGNAL)
        yield Part(
            "pooler (pgbouncer)", Stage.BEHIND, replace(program, directory=Path("/")),
            lambda _: self.pooler.is_ready(), self.pooler.prepare,
        )  # fmt: skip
        program = Program(
            *("replica", "replica", self.replica.command(), "INT", False, 30), directory=Path("/")
        )
        yield Part(
            "Postgres's replica", Stage.BEHIND, program,
            lambda _: self.replica.is_ready(), self.replica.prepare,
        )  # fmt: skip

    def airflow(self) -> Iterator[Part]:
        """Yield Airflow's parts, the api-server first and the workers last."""
        yield from super().airflow()
        for worker in self.workers:
            program = Program(
                *(worker.name, "workers", worker.command()),
                # A worker that is asked to stop takes no more tasks and waits for its own; a task
                # that is asked itself would give up.
                stop_group=False,
                patience=TASKS_PATIENCE,
                env=self.stack.worker_envs[worker.queue],
                directory=worker.folder,
            )
            ready = functools.partial(_is_ready, worker)
            yield Part(f"worker of {worker.queue}", Stage.AIRFLOW, program, ready, worker.prepare)

    def schedulers(self) -> Iterator[Part]:
        """Yield two schedulers, which share the work; the workers are not their children."""
        words = [sys.executable, "-m", "airflow", "scheduler", "--skip-serve-logs"]
        for name in SCHEDULERS:
            program = Program(name, "airflow", hosts.named(name, words), env=self.stack.env)
            healthy = functools.partial(self._beats, name)
            yield Part(f"Airflow's {name}", Stage.AIRFLOW, program, healthy)

    def dashboards(self) -> Iterator[Part]:
        """Yield Superset and its worker, which makes reports, unless they are left out."""
        yield from super().dashboards()
        if self.superset is not None:
            command = self.superset.worker_command(self.instance.dir / "superset" / "schedule")
            program = Program(
                *("superset-worker", "superset", command),
                stop_group=False,
                env=self.stack.superset_env,
            )
            worker = f"{WORKER}@{socket.gethostname()}"
            orders = self.redis.url(SUPERSET_DATABASE)
            ready = lambda _: answers(worker, orders)  # noqa: E731
            yield Part("Superset's worker", Stage.SUPERSET, program, ready)

    def _beats(self, name: str, since: float) -> bool:
        """Say whether this scheduler gave a sign of life since its process started.

        The api-server knows of the newest sign of all schedulers only.
        """
        import psycopg

        try:
            with self.postgres.connect("airflow") as connection:
                row = connection.execute(
                    "SELECT count(*), max(start_date) >= to_timestamp(%s) FROM job "
                    "WHERE job_type = 'SchedulerJob' AND state = 'running' "
                    "AND hostname = %s AND latest_heartbeat > now() - interval '30 seconds'",
                    [since, hosts.host_name(name)],
                ).fetchone()
        except psycopg.Error:
            return False
        # Without hosts of their own both have the machine's name, so both must give a sign.
        beating = 1 if hosts.can_separate() else len(SCHEDULERS)
        return row is not None and row[0] >= beating and bool(row[1])


def _redis_part(name: str, title: str, redis: Redis) -> Part:
    program = Program(name, name, redis.command(), patience=PATIENCE)
    return Part(title, Stage.STORES, program, lambda _: redis.is_ready(), redis.prepare)


def _grid_part(name: str, title: str, part: Hub | Node) -> Part:
    program = Program(name, "grid", part.command(), env=part.env(), directory=Path("/"))
    return Part(title, Stage.STORES, program, lambda _: part.is_ready(), part.prepare)


def _is_ready(worker: Worker, _: float) -> bool:
    return worker.is_ready()
