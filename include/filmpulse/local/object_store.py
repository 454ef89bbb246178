"""An S3 server of one's own: SeaweedFS, one process, real keys, 127.0.0.1 only."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmpulse.local.files import last_lines, write_private
from filmpulse.local.ports import HOST, choose

REGION = "us-east-1"
# Every port that `weed mini` opens; what is not named here it would choose by itself.
PORTS = tuple(
    f"{part}{kind}"
    for part in ("s3", "filer", "volume", "master", "admin")
    for kind in (".port", ".port.grpc")
)


class ObjectStoreError(RuntimeError):
    """The server cannot be started; the message says why."""


@dataclass(frozen=True)
class ObjectStore:
    """One server.

    Attributes:
        data: Its directory, which must exist.
        config: Where `prepare` writes the keys.
        ports: A port for each name in `PORTS`.
        key: Access key.
        secret: Secret key.
        internal_secret: What its parts trust one another by.
    """

    data: Path
    config: Path
    ports: dict[str, int]
    key: str
    secret: str
    internal_secret: str

    @property
    def url(self) -> str:
        """The S3 endpoint."""
        return f"http://{HOST}:{self.ports['s3.port']}"

    def prepare(self) -> None:
        """Write the keys down, and drop the ports that SeaweedFS remembers from its last start."""
        identity = {
            "name": "filmpulse",
            "credentials": [{"accessKey": self.key, "secretKey": self.secret}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        write_private(self.config, json.dumps({"identities": [identity]}))
        (self.data / "mini.options").unlink(missing_ok=True)

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        options = {
            "dir": str(self.data),
            "ip": HOST,
            "ip.bind": HOST,
            "s3.config": str(self.config),
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
            "s3.allowDeleteBucketNotEmpty": "true",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": "256",
            "volume.id": "local",  # not its address: data outlives a change of port
            "volume.preStopSeconds": "0",
            "admin.ui": "false",
            "webdav": "false",
        } | {name: str(port) for name, port in self.ports.items()}
        # Beside this Python's own commands, where the wheel puts it; no shell path needed.
        weed = Path(sys.executable).with_name("weed")
        return [
            str(weed),
            "-logtostderr=true",
            "mini",
            *(f"-{key}={value}" for key, value in options.items()),
        ]

    def clean(self) -> None:
        """Remove the socket that a stopped server leaves in /tmp, wherever TMPDIR points."""
        Path(f"/tmp/seaweedfs-s3-{self.ports['s3.port']}.sock").unlink(missing_ok=True)  # noqa: S108

    def env(self) -> dict[str, str]:
        """Return what keeps the parts behind S3 closed to other users of this machine."""
        names = ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")
        return {f"WEED_JWT_{name}_KEY": self.internal_secret for name in names} | {
            "WEED_ADMIN_PASSWORD": self.internal_secret
        }

    def client(self) -> Any:
        """Return a boto3 S3 client with short timeouts and no retries."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10),
        )

    def is_ready(self) -> bool:
        """Say whether it lists its buckets for our keys."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True

    def add_bucket(self, name: str) -> None:
        """Make a bucket; repeatable."""
        client = self.client()
        if name not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=name)

    def holds_objects(self, bucket: str) -> bool:
        """Say whether a bucket is there and not empty; the server must run."""
        client = self.client()
        if bucket not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
            return False
        return bool(client.list_objects_v2(Bucket=bucket, MaxKeys=1)["KeyCount"])

    @contextmanager
    def running(self, log: Path) -> Iterator[None]:
        """Serve while the block runs, without a supervisor.

        Raises:
            ObjectStoreError: It did not list buckets within 30 seconds; the message holds the end
                of its log.
        """
        self.prepare()
        with log.open("ab") as file:
            process = subprocess.Popen(
                self.command(),
                stdout=file,
                stderr=file,
                env=self.env(),
                start_new_session=True,
                cwd=self.data,
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
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self.clean()


class Throwaway:
    """A server for tests: made, started and stopped with the block."""

    def __init__(self, directory: Path) -> None:
        """Choose ports and keys; `directory` must exist and is left to the caller."""
        ports: dict[str, int] = {}
        for name in PORTS:
            ports[name] = choose(ports.values())
        data = directory / "s3"
        data.mkdir()
        self.store = ObjectStore(
            data,
            directory / "s3.json",
            ports,
            key=secrets.token_hex(10),
            secret=secrets.token_hex(20),
            internal_secret=secrets.token_hex(20),
        )
        self._log = directory / "s3.log"

    def __enter__(self) -> ObjectStore:
        """Start, and wait until it lists buckets.

        Raises:
            ObjectStoreError: It did not within 30 seconds; the message holds the end of its log.
        """
        self._running = self.store.running(self._log)
        self._running.__enter__()
        return self.store

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self._running.__exit__(None, None, None)
