"""The local S3 server: SeaweedFS, one process, on 127.0.0.1 only.

The S3 port asks for keys. Every other port asks for a certificate that only this server has
(docs/adr/0031); otherwise the parts behind S3 would serve anybody on this machine.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmpulse.local.files import last_lines, write_private
from filmpulse.local.mutual_tls import write_mutual_tls
from filmpulse.local.ports import HOST, choose, is_free

REGION = "us-east-1"
# Every port that `weed server` opens here; it would choose fixed numbers for the others.
PORTS = tuple(
    f"{part}{kind}"
    for part in ("s3", "filer", "volume", "master")
    for kind in (".port", ".port.grpc")
)
# SeaweedFS puts a socket for each gRPC port here; no setting and no TMPDIR changes the place.
SOCKETS = Path("/tmp")  # noqa: S108
UMASK = 0o077  # its sockets are for its own user
# Seconds between SIGTERM and SIGKILL. The server waits for its parts' connections to one another,
# which do not end; all that it has answered is on the disk by then.
PATIENCE = 2


class ObjectStoreError(RuntimeError):
    """The server does not start; the message says why."""


@dataclass(frozen=True)
class Account:
    """S3 keys that open one bucket alone."""

    bucket: str
    key: str
    secret: str


@dataclass(frozen=True)
class ObjectStore:
    """One server."""

    data: Path  # its data; must exist
    config: Path  # its working directory; `prepare` makes it, and writes keys and certificates
    ports: dict[str, int]  # by the names in `PORTS`
    key: str
    secret: str
    internal_secret: str  # signs the tokens that its parts show one another
    accounts: tuple[Account, ...] = ()  # beside `key`, which opens all

    @property
    def url(self) -> str:
        """The S3 endpoint."""
        return f"http://{HOST}:{self.ports['s3.port']}"

    def prepare(self) -> None:
        """Write the S3 keys and new certificates; remove the sockets of the last server."""
        self.config.mkdir(mode=0o700, exist_ok=True)
        all_rights = ["Admin", "Read", "Write", "List", "Tagging"]
        identities = [_identity("filmpulse", self.key, self.secret, all_rights)]
        for one in self.accounts:
            rights = [f"{right}:{one.bucket}" for right in ("Read", "Write", "List")]
            identities.append(_identity(one.bucket, one.key, one.secret, rights))
        write_private(self.config / "s3.json", json.dumps({"identities": identities}))
        write_mutual_tls(self.config)
        remove_sockets(self.ports.values())

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        options = {
            "dir": str(self.data),
            "ip": HOST,
            "ip.bind": HOST,
            "s3": "true",
            "s3.config": "s3.json",
            "s3.iam": "false",  # all users stand in s3.json
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
            "s3.allowDeleteBucketNotEmpty": "true",
            # No web page may ask; an empty list would allow all.
            "s3.allowedOrigins": self.url,
            "filer": "true",
            "filer.allowedOrigins": self.url,
            # In its working directory, not in /tmp.
            "s3.localSocket": "s3.sock",
            "filer.localSocket": "filer.sock",
            "disableHttp": "true",  # of master and filer, which use gRPC
            "master.peers": "none",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": "256",
            "volume.id": "local",  # its default is the address, which may change
            "volume.max": "0",  # as many as the disk has room for
            "volume.preStopSeconds": "0",
        } | {name: str(port) for name, port in self.ports.items()}
        weed = Path(sys.executable).with_name("weed")  # the wheel puts it beside Python
        words = [f"-{key}={value}" for key, value in options.items()]
        return [str(weed), "-logtostderr=true", "server", *words]

    def env(self) -> dict[str, str]:
        """Return the variables with `internal_secret`."""
        names = ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")
        return {f"WEED_JWT_{name}_KEY": self.internal_secret for name in names}

    def client(self) -> Any:
        """Return a boto3 S3 client with short timeouts and no retries."""
        return _client(self.url, self.key, self.secret)

    def is_ready(self) -> bool:
        """Say whether the server lists its buckets for our keys."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True

    def add_bucket(self, name: str) -> None:
        """Make a bucket; repeatable."""
        if not self._has_bucket(name):
            self.client().create_bucket(Bucket=name)

    def holds_objects(self, bucket: str) -> bool:
        """Say whether a bucket exists and is not empty; the server must run."""
        return self._has_bucket(bucket) and bool(
            self.client().list_objects_v2(Bucket=bucket, MaxKeys=1)["KeyCount"]
        )

    def _has_bucket(self, name: str) -> bool:
        return name in {bucket["Name"] for bucket in self.client().list_buckets()["Buckets"]}

    @contextmanager
    def running(self, log: Path, env: Mapping[str, str]) -> Iterator[None]:
        """Serve while the block runs, without a supervisor.

        Args:
            log: The server's output is added to this file.
            env: The server's environment beside `env()`; marks the instance that it belongs to.

        Raises:
            ObjectStoreError: The server was not ready within 30 seconds; the message holds the end
                of its log.
        """
        self.prepare()
        with log.open("ab") as file:
            process = subprocess.Popen(
                self.command(),
                stdout=file,
                stderr=file,
                env={**env, **self.env()},
                start_new_session=True,
                cwd=self.config,
                umask=UMASK,
            )
        try:
            deadline = time.monotonic() + 30
            while not self.is_ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ObjectStoreError(f"SeaweedFS did not start:\n{last_lines(log)}")
                time.sleep(0.1)
            yield
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            remove_sockets(self.ports.values())


def _identity(name: str, key: str, secret: str, rights: list[str]) -> dict[str, Any]:
    """Return an entry of s3.json."""
    credentials = [{"accessKey": key, "secretKey": secret}]
    return {"name": name, "credentials": credentials, "actions": rights}


@functools.cache  # to make one takes 40 ms, and a start asks often whether the server is ready
def _client(url: str, key: str, secret: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name=REGION,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10),
    )


def remove_sockets(ports: Iterable[int]) -> None:
    """Remove the sockets that a stopped server left behind, except those of other users."""
    for socket in _sockets(ports):
        if not _is_foreign(socket):
            socket.unlink(missing_ok=True)


def is_usable(port: int) -> bool:
    """Say whether a server could take this port, and the socket that it names after the port."""
    return is_free(port) and not any(_is_foreign(socket) for socket in _sockets([port]))


def _sockets(ports: Iterable[int]) -> list[Path]:
    return [socket for port in ports for socket in SOCKETS.glob(f"seaweedfs-*-{port}.sock")]


def _is_foreign(path: Path) -> bool:
    """Say whether a file is another user's: in a sticky directory only they may remove it."""
    try:
        return os.geteuid() not in (0, path.lstat().st_uid)
    except FileNotFoundError:
        return False


class Throwaway:
    """A server for tests, which runs while the block does."""

    def __init__(self, directory: Path) -> None:
        """Choose ports and keys; `directory` must exist, and the caller removes it."""
        ports = {name: choose(is_usable=is_usable) for name in PORTS}
        data = directory / "s3"
        data.mkdir()
        self.store = ObjectStore(
            data,
            directory / "s3-config",
            ports,
            key=secrets.token_hex(10),
            secret=secrets.token_hex(20),
            internal_secret=secrets.token_hex(20),
        )
        self._log = directory / "s3.log"

    def __enter__(self) -> ObjectStore:
        """Start; raise ObjectStoreError as `ObjectStore.running` does."""
        self._running = self.store.running(self._log, os.environ)
        self._running.__enter__()
        return self.store

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self._running.__exit__(None, None, None)
