"""One instance on disk: its directory, its generated secrets, and its environment.

`var/<name>/` (mode 0700) holds::

    install.json   passwords, keys, the user's settings, finished steps       0600
    stack.json     addresses and ports; no secret
    env.sh         Airflow's environment and psql's, for a person to source   0600
    env/           each part's own environment                                0600
    s3-config/     the object store's keys and certificates                   0600
    postgres/ s3/ lake/ sample-site/ airflow/ superset/   data
    redis/ workers/   of a cluster only: queues; a folder for each worker
    catalogue/     datasets on their way into the warehouse
    log/           a log per part, and the task logs
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filmpulse.config import Settings, source_variable, variable_name, variables
from filmpulse.errors import BadInput
from filmpulse.local import object_store, ports, postgres, superset
from filmpulse.local.cluster import environment as cluster
from filmpulse.local.cluster.grid import USER
from filmpulse.local.files import CHECKOUT, write_private
from filmpulse.local.supervisor import export_script

MARK = "FILMPULSE_INSTANCE_DIR"  # set in every process of an instance, and in no other
SOURCED = "FILMPULSE_INSTANCE"  # set by env.sh in a person's shell
ADMIN, GUEST, VIEWER, BACKUP = "admin", "guest", "viewer", "backup"
OPTIONAL = ("superset", "s3")  # the parts that a small machine may leave out

_SERVICES = ("supervisor", "postgres", "sample_site", "airflow", "superset", *object_store.PORTS)
_CLUSTER_SERVICES = (
    *("redis", "redis_cache", "pgbouncer", "replica"),
    *("grid", "grid_publish", "grid_subscribe", "grid_node_1", "grid_node_2"),
)
MAIL = ("SUPERSET_SMTP_URL", "SUPERSET_SMTP_FROM")  # of reports, which a cluster's Superset sends
# The settings that the stack decides; the user may give every other one.
_OWN = {
    "warehouse_url",
    "warehouse_pooled_url",
    "lake_url",
    "lake_endpoint_url",
    "lake_region",
    "lake_key",
    "lake_secret",
    "reader_password",
    "superset_url",
    "superset_user",
    "superset_password",
    "browser_queue",
    "llm_queue",
}


KEPT = ("postgres", "author", "airflow_fernet", "superset_key")
"""Secrets that data hang on: initdb's password, the hash of reviewers, what is stored encrypted."""


@dataclass(frozen=True)
class Instance:
    """The name and the directories of one instance."""

    name: str
    dir: Path

    @classmethod
    def at(cls, name: str, root: Path) -> Instance:
        """Return the instance of this name below a root directory.

        Raises:
            BadInput: The name is not a word of small letters, digits and hyphens.
        """
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            raise BadInput(f"An instance's name is a word such as `demo`, not {name!r}.")
        return cls(name, root.resolve() / name)

    @property
    def log_dir(self) -> Path:
        """The folder of the parts' logs."""
        return self.dir / "log"

    @property
    def airflow_home(self) -> Path:
        """Airflow's home."""
        return self.dir / "airflow"

    @property
    def lake(self) -> Path:
        """The lake's folder when there is no S3 server."""
        return self.dir / "lake"

    @property
    def passwords_file(self) -> Path:
        """Airflow's log-ins, for its simple auth manager."""
        return self.airflow_home / "passwords.json"

    def worker_dir(self, queue: str) -> Path:
        """Return the one folder that a cluster's worker of a queue sees."""
        return self.dir / "workers" / queue

    def make(self) -> None:
        """Make the directories, closed to others."""
        self.dir.mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o700)
        for part in ("log", "s3", "sample-site", "airflow", "superset"):
            (self.dir / part).mkdir(exist_ok=True)


@dataclass
class Install:
    """The secrets, settings and ports of an instance; `install.json` keeps them."""

    secrets: dict[str, str]  # passwords and keys by name
    settings: dict[str, str] = field(default_factory=dict)  # `FILMPULSE_*` that the user gave
    mail: dict[str, str] = field(default_factory=dict)  # `MAIL` that the user gave
    sample_site: bool = False  # whether it runs, and is read in place of a live one
    is_cluster: bool = False  # whether Airflow's work runs on Celery workers (docs/adr/0049)
    ports: dict[str, int] = field(default_factory=dict)  # by service
    # The steps that are done, with a hash of their inputs, so that none is repeated.
    done: dict[str, str] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)  # parts of `OPTIONAL` to leave out, sorted

    @classmethod
    def load(cls, instance: Instance) -> Install | None:
        """Read `install.json`; None when nothing was ever installed.

        Secrets and ports that an older version did not have are generated, but not saved.

        Raises:
            BadInput: The file is damaged, or is missing although there is data.
        """
        path = instance.dir / "install.json"
        try:
            install = cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            if (instance.dir / "postgres").exists():
                raise BadInput(
                    f"{path} is gone, and with it the passwords of the data beside it. Put it "
                    f"back, or remove {instance.dir} to start anew."
                ) from None
            return None
        except (ValueError, TypeError) as error:
            raise BadInput(
                f"{path} is damaged ({error}). Put it back, or remove {instance.dir} to start anew."
            ) from error
        install.secrets = _new_secrets() | install.secrets
        if install.ports:
            install._choose_missing_ports()
        return install

    @classmethod
    def new(cls) -> Install:
        """Return a new install with every secret generated."""
        return cls(_new_secrets())

    def rotate(self) -> None:
        """Generate every secret anew but those of `KEPT`."""
        self.secrets = _new_secrets() | {name: self.secrets[name] for name in KEPT}

    def leave_out(self, parts: Iterable[str]) -> None:
        """Leave out these parts of `OPTIONAL`, and no others.

        Raises:
            BadInput: A word names no part that may be left out.
        """
        asked = set(parts)
        if self.is_cluster and "s3" in asked:
            raise BadInput(
                "A cluster cannot leave s3 out: its workers share no disk, so the lake and the "
                "logs of tasks lie there."
            )
        if unknown := sorted(asked - set(OPTIONAL)):
            raise BadInput(
                f"WITHOUT names {', '.join(map(repr, unknown))}; "
                f"what can be left out is {' and '.join(OPTIONAL)}."
            )
        self.without = sorted(asked)

    def left_out(self) -> dict[str, str]:
        """Return each part of `OPTIONAL` that does not run, with the reason."""
        why = dict.fromkeys(self.without, "WITHOUT says so")
        if superset.python() is None:
            why.setdefault("superset", "it needs Python 3.11 or 3.12: install one, then `make up`")
        return why

    def save(self, instance: Instance) -> None:
        """Write `install.json`."""
        write_private(instance.dir / "install.json", json.dumps(vars(self), indent=2) + "\n")

    def choose_ports(self) -> bool:
        """Give every service a free port; keep those that are still free.

        Call only while no process of the instance runs.

        Returns:
            Whether any port changed.
        """
        before = dict(self.ports)
        self.ports = {
            name: port
            for name, port in self.ports.items()
            if name in self._services() and object_store.is_usable(port)
        }
        self._choose_missing_ports()
        return self.ports != before

    def run_as(self, *, cluster: bool) -> None:
        """Run as a cluster, or on one machine; the data stay."""
        self.is_cluster = cluster
        if self.ports:
            self._choose_missing_ports()

    def _services(self) -> tuple[str, ...]:
        return _SERVICES + (_CLUSTER_SERVICES if self.is_cluster else ())

    def _choose_missing_ports(self) -> None:
        for name in self._services():
            if name not in self.ports:
                self.ports[name] = ports.choose(self.ports.values(), object_store.is_usable)

    def take_settings(self, env: Mapping[str, str], instance: Instance) -> None:
        """Remember the settings in the caller's environment, `FILMPULSE_*` and `MAIL`.

        A variable that is set but empty removes what was remembered. In a shell that sourced
        another instance's `env.sh`, the settings are that instance's: nothing is taken.

        Raises:
            BadInput: A value cannot be used.
        """
        if env.get(SOURCED, instance.name) != instance.name:
            return
        own = {variable_name(name) for name in _OWN}
        if self.sample_site:  # invented reviews must not lie among a person's own backups
            own |= {source_variable("imdb"), variable_name("request_gap_seconds")}
            own.add(variable_name("catalogue_url"))
            own |= {variable_name(name) for name in Settings.model_fields if "backup" in name}
        given = self.settings | {variable: env[variable] for variable in variables(env)}
        self.settings = {
            key: value
            for key, value in given.items()
            if key not in own and value.strip() and not _is_of_env_script(key, value)
        }
        Settings.from_env(self.settings)
        mail = self.mail | {name: env[name] for name in MAIL if name in env}
        self.mail = {name: value for name, value in mail.items() if value.strip()}
        if "SUPERSET_SMTP_URL" in self.mail and "SUPERSET_SMTP_FROM" not in self.mail:
            raise BadInput("SUPERSET_SMTP_URL is set: set SUPERSET_SMTP_FROM, the sender, too.")


def _is_of_env_script(variable: str, address: str) -> bool:
    """Say whether an address of this machine comes from an `env.sh`, and is no user's setting.

    So say public addresses where no proxy stands in front, and the address of a cluster's Grid,
    which goes when the instance is no cluster any more.
    """
    if variable.endswith("_PUBLIC_URL"):
        return f"//{ports.HOST}:" in address
    return variable == variable_name("selenium_remote_url") and bool(
        re.match(rf"http://{USER}:[^@]*@{re.escape(ports.HOST)}:", address)
    )


def _new_secrets() -> dict[str, str]:
    names = (
        *("supervisor", "postgres", "warehouse", "airflow_db", "reader", "author"),
        *("s3_key", "s3_secret", "s3_internal", "sample_site"),
        *("logs_key", "logs_secret", "redis", "redis_cache", "replication"),  # of a cluster
        *("grid", "grid_node"),
        *("airflow_jwt", "airflow_api", "superset_db", "superset_key", "superset_backup"),
    )
    # People type these.
    typed = ("airflow_admin", "airflow_viewer", "superset_admin", "superset_guest")
    return (
        {name: secrets.token_hex(20) for name in names}
        | {name: secrets.token_urlsafe(12) for name in typed}
        | {"airflow_fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}
    )


@dataclass(frozen=True)
class Stack:
    """The addresses, log-ins and environments of one instance."""

    name: str
    dir: Path  # absolute
    # By `airflow`, `superset`, `sample_site`, `s3`, `postgres`; None for a part that is left out.
    urls: dict[str, str | None]
    public_urls: dict[str, str]  # where browsers reach `airflow` and `superset` behind a proxy
    env: dict[str, str] = field(repr=False)  # of Airflow's parts and the command line; secrets
    superset_env: dict[str, str] = field(repr=False)  # secrets; empty if Superset is left out
    # Of each worker of a cluster, by its queue; secrets. Empty on one machine.
    worker_envs: dict[str, dict[str, str]] = field(repr=False)
    shell_env: dict[str, str] = field(repr=False)  # for `env.sh`: psql's, the instance's name
    airflow_user: str  # an administrator
    airflow_password: str = field(repr=False)
    viewer_password: str = field(repr=False)  # of Airflow's `viewer`, who may change nothing
    superset_passwords: dict[str, str] = field(repr=False)  # of each log-in
    left_out: dict[str, str]  # parts that do not run here, each with the reason

    def write(self) -> None:
        """Write `stack.json`, `env.sh` and the command `airflow` for a person's shell."""
        seen: dict[str, Any] = {"name": self.name, "urls": self.urls}
        write_private(self.dir / "stack.json", json.dumps(seen, indent=2) + "\n")
        (self.dir / "stack.json").chmod(0o644)  # no secret in it
        write_private(self.dir / "env.sh", self.env_script())
        command = self.dir / "bin" / "airflow"
        command.parent.mkdir(exist_ok=True)
        write_private(command, self._airflow_command())
        command.chmod(0o700)

    def _airflow_command(self) -> str:
        """Return a script that runs `airflow`, and for `dags test` our `dags_test`."""
        python = shlex.quote(sys.executable)
        ours = shlex.join(["--instance", self.name, "--root", str(self.dir.parent)])
        return (
            "#!/bin/sh\n"
            'if [ "$1 $2" = "dags test" ]; then\n'
            f'  shift 2; exec {python} -m filmpulse.local dags-test {ours} -- "$@"\n'
            "fi\n"
            f'exec {python} -m airflow "$@"\n'
        )

    def env_script(self) -> str:
        """Return a shell script that exports the environment."""
        dirs = [str(self.dir / "bin"), *_command_dirs()]
        return (
            f"# Made by `make up` for the instance {self.name}: source it. Holds secrets.\n"
            + export_script(self.env | self.shell_env)
            + f'export PATH={shlex.quote(":".join(dirs))}:"$PATH"\n'
        )


def stack_of(instance: Instance, install: Install) -> Stack:
    """Return the addresses, log-ins and environments of an instance."""
    secret, port = install.secrets, install.ports
    left_out = install.left_out()
    urls = _urls(install, left_out)
    env, worker_envs = _environments(instance, install, urls)
    return Stack(
        name=instance.name,
        dir=instance.dir,
        urls=urls,
        public_urls=_public_urls(install),
        env=env,
        superset_env=_superset_env(instance, install, urls) if urls["superset"] else {},
        worker_envs=worker_envs,
        shell_env={
            SOURCED: instance.name,
            "PGHOST": ports.HOST,
            "PGPORT": str(port["postgres"]),
            "PGUSER": "filmpulse",
            "PGPASSWORD": secret["warehouse"],
            "PGDATABASE": "filmpulse",
        },
        airflow_user=ADMIN,
        airflow_password=secret["airflow_admin"],
        viewer_password=secret["airflow_viewer"],
        superset_passwords={
            ADMIN: secret["superset_admin"],
            GUEST: secret["superset_guest"],
            BACKUP: secret["superset_backup"],
        },
        left_out=left_out,
    )


def _urls(install: Install, left_out: Mapping[str, str]) -> dict[str, str | None]:
    port = install.ports

    def url(name: str, is_there: bool = True) -> str | None:
        return f"http://{ports.HOST}:{port[name]}" if is_there else None

    return {
        "airflow": url("airflow"),
        "superset": url("superset", "superset" not in left_out),
        "sample_site": url("sample_site", install.sample_site),
        "s3": url("s3.port", "s3" not in left_out),
        "postgres": f"postgresql://filmpulse@{ports.HOST}:{port['postgres']}/filmpulse",
    }


def _public_urls(install: Install) -> dict[str, str]:
    """Return where browsers reach `airflow` and `superset`, for those behind a proxy."""
    given = {
        part: install.settings.get(f"FILMPULSE_{part.upper()}_PUBLIC_URL", "").rstrip("/")
        for part in ("airflow", "superset")
        if part not in install.left_out()
    }
    return {part: url for part, url in given.items() if url}


def _environments(
    instance: Instance, install: Install, urls: Mapping[str, str | None]
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the environment of Airflow's parts, and those of a cluster's workers by queue."""
    shared = _shared_env(str(urls["airflow"]), _public_urls(install).get("airflow"))
    control = _control_plane_env(instance, install, str(urls["airflow"]))
    ours = _filmpulse_env(instance, install, urls)
    if not install.is_cluster:
        return shared | control | ours, {}
    secret, port = install.secrets, install.ports
    shared |= cluster.of_celery(secret, port, str(urls["s3"]))
    ours |= cluster.of_filmpulse(secret, port)
    workers = {
        queue: cluster.of_worker(queue, instance.worker_dir(queue), shared, ours)
        for queue in cluster.SLOTS
    }
    return shared | control | cluster.of_control_plane() | ours, workers


def _shared_env(airflow_url: str, public_url: str | None) -> dict[str, str]:
    """Return the variables of Airflow's parts and of whatever runs tasks; no secret.

    Args:
        airflow_url: Where tasks reach Airflow.
        public_url: Where browsers do, if a proxy stands in front.
    """
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # getfqdn may wait for a DNS
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{airflow_url}/execution/",
        "AIRFLOW__API__BASE_URL": public_url or airflow_url,
        # A task reports its end within a second: a late report could kill a rescheduled sensor.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # A killed worker is noticed after a minute, not five; so are the tasks of a killed
        # scheduler (docs/adr/0019).
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    }


def _control_plane_env(instance: Instance, install: Install, airflow_url: str) -> dict[str, str]:
    """Return the variables of Airflow's own parts: database, keys, the pace of the scheduler."""
    secret, port = install.secrets, install.ports
    metadata = postgres.address(
        "airflow", secret["airflow_db"], port["postgres"], "airflow", "postgresql+psycopg2"
    )
    return {
        "AIRFLOW_HOME": str(instance.airflow_home),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # The pools take 5 (browser 1, llm 4); the rest leaves room for the detector and for loads.
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__FERNET_KEY": secret["airflow_fernet"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin,{VIEWER}:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(instance.passwords_file),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__API__HOST": ports.HOST,
        "AIRFLOW__API__PORT": str(port["airflow"]),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",  # it runs a script of another host
        "AIRFLOW__API__SECRET_KEY": secret["airflow_api"],
        "AIRFLOW__API_AUTH__JWT_SECRET": secret["airflow_jwt"],
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # Seconds until the scheduler sees a free slot, or that an upstream task is done.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        # A file that changed is read at the next refresh anyway.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(instance.log_dir / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(
            instance.log_dir / "parsing"
        ),
    }


def _filmpulse_env(
    instance: Instance, install: Install, urls: Mapping[str, str | None]
) -> dict[str, str]:
    """Return our own variables: warehouse, lake, backups, Superset, the sample site if it runs."""
    secret = install.secrets
    s3_url, site_url, superset_url = urls["s3"], urls["sample_site"], urls["superset"]
    ours = {
        "FILMPULSE_WAREHOUSE_URL": postgres.address(
            "filmpulse", secret["warehouse"], install.ports["postgres"], "filmpulse"
        ),
        "FILMPULSE_READER_PASSWORD": secret["reader"],
        "FILMPULSE_AUTHOR_SECRET": secret["author"],
        "FILMPULSE_CATALOGUE_DIR": str(instance.dir / "catalogue"),
        **install.settings,
    }
    if s3_url is None:
        ours["FILMPULSE_LAKE_URL"] = f"file://{instance.lake}"
    else:
        ours |= {
            "FILMPULSE_LAKE_URL": "s3://filmpulse/lake",
            "FILMPULSE_LAKE_ENDPOINT_URL": s3_url,
            "FILMPULSE_LAKE_KEY": secret["s3_key"],
            "FILMPULSE_LAKE_SECRET": secret["s3_secret"],
        }
        ours.setdefault("FILMPULSE_BACKUP_URL", "s3://filmpulse/backups")
    if superset_url is not None:
        ours.setdefault("FILMPULSE_SUPERSET_PUBLIC_URL", superset_url)
        ours |= {
            "FILMPULSE_SUPERSET_URL": superset_url,
            "FILMPULSE_SUPERSET_USER": BACKUP,
            "FILMPULSE_SUPERSET_PASSWORD": secret["superset_backup"],
        }
    if site_url is not None:
        ours |= {
            "FILMPULSE_IMDB_URL": site_url,
            "FILMPULSE_CATALOGUE_URL": f"{site_url}/datasets",
            "FILMPULSE_REQUEST_GAP_SECONDS": "0.2",
            "FILMPULSE_SAMPLE_SITE_TOKEN": secret["sample_site"],
        }
    return ours


def _superset_env(
    instance: Instance, install: Install, urls: Mapping[str, str | None]
) -> dict[str, str]:
    """Return Superset's variables: its own database, and the warehouse as its reader only."""
    secret, port = install.secrets, install.ports
    public, internal, servers = _public_urls(install), None, None
    if install.is_cluster:
        internal, servers = urls["superset"], cluster.beside_superset(secret, port)
    # A cluster's Superset reads the replica.
    read_port = port["replica" if install.is_cluster else "postgres"]
    reader = postgres.address("filmpulse_reader", secret["reader"], read_port, "filmpulse")
    own = postgres.address("superset", secret["superset_db"], port["postgres"], "superset")
    return superset.environment(
        key=secret["superset_key"],
        metadata_url=own,
        cache=instance.dir / "superset" / "cache",
        # A server that is away is noticed, and a query ended that nobody waits for.
        warehouse_url=f"{reader}?connect_timeout=10&options=-c%20statement_timeout%3D60s",
        airflow_url=public.get("airflow", str(urls["airflow"])),
        public_url=public.get("superset"),
        internal_url=internal,
        servers=servers,
    ) | (install.mail if install.is_cluster else {})  # on one machine no worker sends reports


def shared_env(stack: Stack, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that all parts share: the mark, and the caller's neutral variables.

    Holds no secret of the stack's.
    """
    foreign = (
        *("AIRFLOW_", "FILMPULSE_", "SUPERSET_", "FLASK_", "GUNICORN_"),
        *("PG", "AWS_", "PYTHON", "SELENIUM_", "SUPERVISOR_"),
    )
    kept = {
        key: value
        for key, value in caller.items()
        if not key.startswith(foreign) or key == "AWS_CA_BUNDLE"
    }
    kept["PATH"] = os.pathsep.join([*_command_dirs(), kept.get("PATH", os.defpath)])
    for key in ("NO_PROXY", "no_proxy"):  # the parts reach each other without a proxy
        kept[key] = ",".join(filter(None, [kept.get(key), ports.HOST, "localhost"]))
    if sys.platform == "darwin":  # LocalExecutor forks; Objective-C would abort the child
        kept["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    # Airflow renames its processes; without SPT_NOENV the new name overwrites the mark.
    return kept | {MARK: str(stack.dir), "SPT_NOENV": "1"}


def _command_dirs() -> list[str]:
    return [str(Path(sys.executable).parent), str(postgres.all_binaries()[0].bin)]
