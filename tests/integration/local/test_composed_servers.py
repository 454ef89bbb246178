"""What docker-compose.yaml says to real servers: Redis, the object store, pgbouncer, Celery."""

from __future__ import annotations

import json
import os
import re
import runpy
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from botocore.exceptions import ClientError
from helpers.waiting import wait_until

from filmpulse.local import object_store, ports, postgres
from filmpulse.local.cluster import tools
from filmpulse.local.cluster.pooler import Pooler

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]


class Values(dict[str, str]):
    """Values for variables: a secret for each that has no default."""

    def fill(self, text: str) -> str:
        """Do as Compose does with a text."""

        def value(found: re.Match[str]) -> str:
            name, default = found[1], found[3] if found[2] == ":-" else ""
            return self.setdefault(name, default or secrets.token_hex(20))

        return re.sub(r"\$\{(\w+)(:[?-])?([^}]*)\}", value, text).replace("$$", "$")

    def config(self, name: str) -> str:
        """Return the file that a container sees."""
        return self.fill(COMPOSE["configs"][name]["content"])


@dataclass(frozen=True)
class Redis:
    port: int
    password: str

    def ask(self, *words: str) -> str:
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *words],
            env=os.environ | {"REDISCLI_AUTH": self.password},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()


@contextmanager
def redis(folder: Path, config: str) -> Iterator[Redis]:
    """Run a Redis with a file of ours."""
    if (program := tools.program("redis-server")) is None:
        pytest.skip("redis-server is missing: make cluster-tools")
    folder.mkdir()
    (folder / "redis.conf").write_text(config, encoding="utf-8")
    port = ports.choose()
    where = ["--bind", ports.HOST, "--port", str(port), "--dir", str(folder)]
    server = subprocess.Popen([program, folder / "redis.conf", *where], stdout=subprocess.DEVNULL)
    password = re.search(r"^requirepass (\w+)$", config, re.MULTILINE)
    assert password
    made = Redis(port, password[1])
    try:
        wait_until(lambda: made.ask("PING") == "PONG")
        yield made
    finally:
        server.terminate()
        server.wait(60)


@pytest.mark.parametrize(
    ("name", "policy"), [("redis", "noeviction"), ("redis_cache", "allkeys-lru")]
)
def test_redis_takes_its_file(tmp_path: Path, name: str, policy: str) -> None:
    with redis(tmp_path / name, Values().config(name)) as server:
        assert server.ask("CONFIG", "GET", "maxmemory-policy").split()[1] == policy
        assert int(server.ask("CONFIG", "GET", "maxmemory").split()[1]) > 0
        assert server.ask("CONFIG", "GET", "appendonly").split()[1] == (
            "yes" if name == "redis" else "no"
        )
        assert "NOAUTH" in Redis(server.port, "").ask("PING")


def test_a_worker_is_well_as_long_as_it_answers(tmp_path: Path) -> None:
    """The health check of the workers, with a real worker, without Airflow."""
    with redis(tmp_path / "redis", Values().config("redis")) as server:
        url = f"redis://:{server.password}@{ports.HOST}:{server.port}/0"
        folder = Path(sys.executable).parent
        env = os.environ | {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOSTNAME": "here",
            "AIRFLOW__CELERY__BROKER_URL": url,
        }
        [kind, command] = SERVICES["worker-default"]["healthcheck"]["test"]
        assert kind == "CMD-SHELL"

        def is_well() -> bool:
            words = ["sh", "-c", command.replace("$$", "$")]
            return subprocess.run(words, env=env, capture_output=True, check=False).returncode == 0

        assert not is_well()
        worker = subprocess.Popen(
            [folder / "celery", "worker", "--pool", "solo", "--hostname", "celery@here"],
            env=env | {"CELERY_BROKER_URL": url, "C_FORCE_ROOT": "1"},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(is_well)
        finally:
            worker.kill()
            worker.wait(60)
        assert not is_well()


class Store(object_store.ObjectStore):
    """The object store with the accounts of docker-compose.yaml."""

    accounts_file: str

    def prepare(self) -> None:
        super().prepare()
        (self.config / "s3.json").write_text(self.accounts_file, encoding="utf-8")


def test_the_account_of_the_logs_writes_logs_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, chosen = Values(), dict[str, int]()
    accounts = values.config("s3_keys")
    for name in object_store.PORTS:
        chosen[name] = ports.choose(chosen.values())
    (tmp_path / "data").mkdir()
    ours = values["S3_ACCESS_KEY"], values["S3_SECRET_KEY"]
    store = Store(tmp_path / "data", tmp_path / "config", chosen, *ours, "internal")
    object.__setattr__(store, "accounts_file", accounts)
    with store.running(tmp_path / "log", dict(os.environ)):
        told = SERVICES["s3-logs"]["environment"]
        for name, value in told.items():
            monkeypatch.setenv(name, values.fill(value))
        monkeypatch.setenv("S3_ENDPOINT_URL", store.url)
        monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the first keys that it finds
        for _ in range(2):
            runpy.run_path(str(ROOT / COMPOSE["configs"]["log_bucket"]["file"]))

        bucket = values["S3_LOGS_BUCKET"]
        rules = store.client().get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        assert [rule["Expiration"]["Days"] for rule in rules] == [90]
        store.client().put_object(Bucket="filmpulse", Key="lake/a", Body=b"a")
        told_workers = SERVICES["worker-llm"]["environment"]
        account = json.loads(values.fill(told_workers["AIRFLOW_CONN_FILMPULSE_LOGS"]))
        folder = values.fill(told_workers["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"])
        assert folder == f"s3://{bucket}/tasks"
        logs = object_store._client(store.url, account["login"], account["password"])
        logs.put_object(Bucket=bucket, Key="tasks/a", Body=b"a")
        assert logs.get_object(Bucket=bucket, Key="tasks/a")["Body"].read() == b"a"
        for refused in (
            lambda: logs.get_object(Bucket="filmpulse", Key="lake/a"),
            lambda: logs.put_object(Bucket="filmpulse", Key="lake/b", Body=b"b"),
            lambda: logs.list_objects_v2(Bucket="filmpulse"),
            lambda: logs.create_bucket(Bucket="another"),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                refused()


def test_pgbouncer_takes_its_files(postgres_server: postgres.Server, tmp_path: Path) -> None:
    if tools.program("pgbouncer") is None:
        pytest.skip("pgbouncer is missing: make cluster-tools")
    role, values = f"pooled_{secrets.token_hex(4)}", Values()
    users = values.config("pgbouncer_users").replace('"filmpulse"', f'"{role}"')
    password = values["FILMPULSE_DB_PASSWORD"]
    postgres_server.add_owner(role, password)
    port = ports.choose()
    pooler = Pooler(tmp_path / "pgbouncer", port, postgres_server, role, password, role)
    pooler.prepare()  # its user can read the files that ours now take the place of
    settings = pooler.config / "pgbouncer.ini"
    auth_file = re.search(r"^auth_file = (.+)$", settings.read_text("utf-8"), re.MULTILINE)
    assert auth_file
    config = (
        values.config("pgbouncer")
        .replace("host=postgres port=5432 dbname=filmpulse",
                 f"host={ports.HOST} port={postgres_server.port} dbname={role}")
        .replace("0.0.0.0", ports.HOST)  # noqa: S104
        .replace("6432", str(port))
        .replace("/etc/pgbouncer/userlist.txt", auth_file[1])
    )  # fmt: skip
    settings.write_text(config + "unix_socket_dir =\n", encoding="utf-8")
    (pooler.config / "users.txt").write_text(users, encoding="utf-8")
    server = subprocess.Popen(pooler.command(), cwd="/", stderr=subprocess.DEVNULL)
    url = postgres.address(role, password, port, "filmpulse")

    def asked(address: str) -> str:
        assert server.poll() is None, "pgbouncer has ended"
        try:
            with psycopg.connect(address, prepare_threshold=None, connect_timeout=5) as connection:
                return str(connection.execute("SELECT current_database()").fetchone())
        except psycopg.OperationalError as error:
            return str(error)

    try:
        wait_until(lambda: asked(url) == str((role,)))
        assert "auth" in asked(url.replace(password, "wrong")).lower()
    finally:
        server.terminate()
        server.wait(60)
