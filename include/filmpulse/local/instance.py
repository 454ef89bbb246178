"""One instance on disk: its directory, what was generated for it, and its environment.

`var/<name>/` (mode 0700) holds::

    install.json   passwords, keys, the user's settings, what was set up      0600
    stack.json     addresses and ports; no secret
    env.sh         the same environment that the parts run in, to be sourced  0600
    postgres/ s3/ sample-site/ airflow/   data
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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filmpulse
from filmpulse.config import Settings, variable_name
from filmpulse.errors import BadInput
from filmpulse.local import object_store, ports, postgres
from filmpulse.local.files import write_private

CHECKOUT = Path(filmpulse.__file__).resolve().parents[2]
MARK = "FILMPULSE_INSTANCE_DIR"  # set in every process of an instance, and in nothing else
SOURCED = "FILMPULSE_INSTANCE"  # set by env.sh in a person's shell
ADMIN = "admin"

_SERVICES = ("supervisor", "postgres", "sample_site", "airflow", *object_store.PORTS)
# What the stack decides itself; every other setting is the user's to give.
_OWN = {
    "warehouse_url",
    "lake_url",
    "lake_endpoint_url",
    "lake_key",
    "lake_secret",
    "reader_password",
    "author_secret",
}


@dataclass(frozen=True)
class Instance:
    """Where one instance lives, before anything is known of it."""

    name: str
    dir: Path

    @classmethod
    def at(cls, name: str, root: Path) -> Instance:
        """Return the instance of a name below a root directory.

        Raises:
            BadInput: The name is no plain word.
        """
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            raise BadInput(f"An instance's name is a word such as `demo`, not {name!r}.")
        return cls(name, root.resolve() / name)

    @property
    def log_dir(self) -> Path:
        """Where each part's log lies."""
        return self.dir / "log"

    @property
    def airflow_home(self) -> Path:
        """Airflow's home."""
        return self.dir / "airflow"

    @property
    def passwords_file(self) -> Path:
        """Airflow's log-ins, as its simple auth manager reads them."""
        return self.airflow_home / "passwords.json"

    def make(self) -> None:
        """Make the directories, closed to others."""
        self.dir.mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o700)
        for part in ("log", "s3", "sample-site", "airflow"):
            (self.dir / part).mkdir(exist_ok=True)


@dataclass
class Install:
    """What was generated or chosen for an instance, and outlives its processes.

    Attributes:
        secrets: Passwords and keys by name.
        settings: `FILMPULSE_*` variables that the user gave; kept from one start to the next.
        sample_site: Whether the sample site is one of the parts and the site that is read.
        ports: A port for each service.
        done: What was set up, so that it is not done again: step -> what it was done for.
    """

    secrets: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    sample_site: bool = False
    ports: dict[str, int] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, instance: Instance) -> Install | None:
        """Read it back; None when nothing was ever installed.

        Raises:
            BadInput: The file is damaged, or missing beside data that it alone opens.
        """
        path = instance.dir / "install.json"
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
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

    @classmethod
    def new(cls) -> Install:
        """Generate every secret."""
        names = (
            *("supervisor", "postgres", "warehouse", "airflow_db", "reader", "author"),
            *("s3_key", "s3_secret", "s3_internal", "sample_site"),
            *("airflow_admin", "airflow_jwt", "airflow_api"),
        )
        made = {name: secrets.token_hex(20) for name in names}
        made["airflow_admin"] = secrets.token_urlsafe(12)  # people type this one
        made["airflow_fernet"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        return cls(made)

    def save(self, instance: Instance) -> None:
        """Write it down."""
        write_private(instance.dir / "install.json", json.dumps(vars(self), indent=2) + "\n")

    def choose_ports(self) -> bool:
        """Give every service a free port; keep what is free still.

        Call only while none of the instance's processes runs.

        Returns:
            Whether any port changed.
        """
        before = dict(self.ports)
        self.ports = {n: p for n, p in self.ports.items() if n in _SERVICES and ports.is_free(p)}
        for name in _SERVICES:
            if name not in self.ports:
                self.ports[name] = ports.choose(self.ports.values())
        return self.ports != before

    def take_settings(self, env: Mapping[str, str], instance: Instance) -> None:
        """Remember the `FILMPULSE_*` settings in the caller's environment.

        A variable that is set but empty forgets what was remembered. What another instance's
        `env.sh` put into the caller's shell is none of ours.

        Raises:
            BadInput: A value cannot be used.
        """
        if env.get(SOURCED, instance.name) != instance.name:
            return
        own = _OWN | ({"imdb_url", "request_gap_seconds"} if self.sample_site else set())
        for name in Settings.model_fields:
            variable = variable_name(name)
            if name in own:
                self.settings.pop(variable, None)
            elif variable in env:
                self.settings[variable] = env[variable]
        self.settings = {key: value for key, value in self.settings.items() if value.strip()}
        Settings.from_env(self.settings)


@dataclass(frozen=True)
class Stack:
    """One instance as others see it: addresses, log-in, environment.

    Attributes:
        name: Its name.
        dir: Its directory, absolute.
        urls: Addresses by `airflow`, `superset`, `sample_site`, `s3`, `postgres`; None for a part
            that this instance does not have.
        env: All variables that the parts run with; holds secrets.
        shell_env: What `env.sh` adds for a person: psql's variables and the PATH's first part.
        airflow_user: Log-in of Airflow.
        airflow_password: Its password.
    """

    name: str
    dir: Path
    urls: dict[str, str | None]
    env: dict[str, str] = field(repr=False)
    shell_env: dict[str, str] = field(repr=False)
    airflow_user: str
    airflow_password: str = field(repr=False)

    def write(self) -> None:
        """Write `stack.json` and `env.sh`."""
        seen: dict[str, Any] = {"name": self.name, "urls": self.urls}
        write_private(self.dir / "stack.json", json.dumps(seen, indent=2) + "\n")
        (self.dir / "stack.json").chmod(0o644)  # no secret in it
        write_private(self.dir / "env.sh", self.env_script())
        command = self.dir / "bin" / "airflow"
        command.parent.mkdir(exist_ok=True)
        write_private(command, self._airflow_command())
        command.chmod(0o700)

    def _airflow_command(self) -> str:
        """Return a script that is `airflow`, but for `dags test` (see `dags_test`)."""
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
        lines = [f"# Made by `make up` for the instance {self.name}: source it. Holds secrets."]
        lines += [
            f"export {key}={shlex.quote(value)}"
            for key, value in sorted((self.env | self.shell_env).items())
        ]
        dirs = [str(self.dir / "bin"), *_command_dirs()]
        lines.append(f'export PATH={shlex.quote(":".join(dirs))}:"$PATH"')
        return "\n".join(lines) + "\n"


def stack_of(instance: Instance, install: Install) -> Stack:
    """Put an instance's addresses and environment together from what is installed."""
    secret, port = install.secrets, install.ports
    airflow_url = f"http://{ports.HOST}:{port['airflow']}"
    site_url = f"http://{ports.HOST}:{port['sample_site']}" if install.sample_site else None
    s3_url = f"http://{ports.HOST}:{port['s3.port']}"
    warehouse = postgres.address("filmpulse", secret["warehouse"], port["postgres"], "filmpulse")
    metadata = postgres.address(
        "airflow", secret["airflow_db"], port["postgres"], "airflow", "postgresql+psycopg2"
    )
    airflow = {
        "AIRFLOW_HOME": str(instance.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # The pools take 5 (browser 1, llm 4); the rest leaves room for the detector and for loads.
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__FERNET_KEY": secret["airflow_fernet"],
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # getfqdn may wait for a DNS
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{airflow_url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(instance.passwords_file),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__API__HOST": ports.HOST,
        "AIRFLOW__API__PORT": str(port["airflow"]),
        "AIRFLOW__API__BASE_URL": airflow_url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secret["airflow_api"],
        "AIRFLOW__API_AUTH__JWT_SECRET": secret["airflow_jwt"],
        # A task's end is told within a second: a rescheduled sensor could be killed by a late one.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # A killed worker is noticed after a minute, not five; so is what a killed scheduler had in
        # hand (docs/adr/0019).
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # How long the scheduler may not see that a slot is free, or a task's forerunner done.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(instance.log_dir / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(
            instance.log_dir / "parsing"
        ),
    }
    filmpulse_env = {
        "FILMPULSE_WAREHOUSE_URL": warehouse,
        "FILMPULSE_LAKE_URL": "s3://filmpulse/lake",
        "FILMPULSE_LAKE_ENDPOINT_URL": s3_url,
        "FILMPULSE_LAKE_KEY": secret["s3_key"],
        "FILMPULSE_LAKE_SECRET": secret["s3_secret"],
        "FILMPULSE_READER_PASSWORD": secret["reader"],
        "FILMPULSE_AUTHOR_SECRET": secret["author"],
        **install.settings,
    }
    if site_url is not None:
        filmpulse_env |= {
            "FILMPULSE_IMDB_URL": site_url,
            "FILMPULSE_REQUEST_GAP_SECONDS": "0.2",
            "FILMPULSE_SAMPLE_SITE_TOKEN": secret["sample_site"],
        }
    return Stack(
        name=instance.name,
        dir=instance.dir,
        urls={
            "airflow": airflow_url,
            "superset": None,
            "sample_site": site_url,
            "s3": s3_url,
            "postgres": f"postgresql://filmpulse@{ports.HOST}:{port['postgres']}/filmpulse",
        },
        env=airflow | filmpulse_env,
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
    )


def process_env(stack: Stack, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a part: the stack's, and what is neutral of the caller's."""
    foreign = ("AIRFLOW_", "FILMPULSE_", "PG", "AWS_", "PYTHON", "SELENIUM_", "SUPERVISOR_")
    kept = {
        key: value
        for key, value in caller.items()
        if not key.startswith(foreign) or key == "AWS_CA_BUNDLE"
    }
    kept["PATH"] = os.pathsep.join([*_command_dirs(), kept.get("PATH", os.defpath)])
    for key in ("NO_PROXY", "no_proxy"):  # the parts talk to one another, past any proxy
        kept[key] = ",".join(filter(None, [kept.get(key), ports.HOST, "localhost"]))
    if sys.platform == "darwin":  # LocalExecutor forks; Objective-C would abort the child
        kept["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    # Airflow titles its processes; without SPT_NOENV the title overwrites the mark.
    return kept | stack.env | {MARK: str(stack.dir), "SPT_NOENV": "1"}


def _command_dirs() -> list[str]:
    return [str(Path(sys.executable).parent), str(postgres.all_binaries()[0].bin)]
