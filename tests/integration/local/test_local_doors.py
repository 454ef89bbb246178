"""What a stranger on this machine gets from the object store: nothing, on any port."""

from __future__ import annotations

import os
import shutil
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import httpx
import psutil
import pytest
from cryptography import x509

from filmpulse.local import object_store, ports
from filmpulse.local.mutual_tls import write_mutual_tls
from filmpulse.local.object_store import PORTS, SOCKETS, ObjectStore, Throwaway

if TYPE_CHECKING:
    from botocore.client import BaseClient

BUCKET, KEY, CONTENT = "filmpulse", "lake/reviews/letter", b"an invented review"
WEED = Path(sys.executable).with_name("weed")
# What SeaweedFS's parts would answer by HTTP if anybody were let in: list, look up, assign, read,
# write, delete, and what they tell of themselves.
ASKED = [
    *(("GET", path) for path in ("/", "/dir/status", "/cluster/status", "/vol/status", "/status")),
    *(("GET", path) for path in ("/metrics", "/debug/pprof/", "/ui/index.html", "/stats/memory")),
    ("GET", "/dir/assign?collection=filmpulse"),
    ("GET", "/dir/lookup?volumeId=1&read=yes"),
    ("GET", "/col/delete?collection=filmpulse"),
    ("GET", f"/buckets/{BUCKET}/{KEY}"),
    ("GET", f"/{BUCKET}/{KEY}"),
    ("GET", f"/{BUCKET}?list-type=2"),
    ("PUT", f"/{BUCKET}/planted"),
    ("POST", f"/buckets/{BUCKET}/planted"),
    ("DELETE", f"/buckets/{BUCKET}/{KEY}?recursive=true"),
    ("DELETE", f"/{BUCKET}/{KEY}"),
    ("DELETE", f"/{BUCKET}"),
    ("POST", "/?Action=ListUsers&Version=2010-05-08"),
    ("POST", "/?Action=CreateUser&UserName=stranger&Version=2010-05-08"),
    ("POST", "/?Action=AssumeRoleWithWebIdentity&WebIdentityToken=a&RoleArn=a&RoleSessionName=a"),
]
# Of other services the names suffice: a stranger's message is refused before it is read.
CALLS = [
    *("/master_pb.Seaweed/Statistics", "/master_pb.Seaweed/CollectionDelete"),
    *("/master_pb.Seaweed/LookupVolume", "/master_pb.Seaweed/Assign"),
    *("/volume_server_pb.VolumeServer/VolumeServerStatus",),
    *("/filer_pb.SeaweedFiler/ListEntries", "/filer_pb.SeaweedFiler/DeleteEntry"),
    *("/filer_pb.SeaweedFiler/Ping", "/messaging_pb.SeaweedS3IamCache/PutIdentity"),
]
FOREIGN = {"Host": "films.example", "Origin": "http://films.example"}
FORGED = {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.bm9ib2R5IHNpZ25lZCB0aGlz"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A store of this file's own, with an object that nobody may touch."""
    with Throwaway(tmp_path_factory.mktemp("doors")) as running:
        running.add_bucket(BUCKET)
        running.client().put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT)
        yield running


@pytest.fixture(autouse=True)
def _nothing_changed(store: ObjectStore) -> Iterator[None]:
    yield
    assert _held(store.client()) == {KEY: CONTENT}


def _held(client: BaseClient) -> dict[str, bytes]:
    listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {
        each["Key"]: client.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
        for each in listed
    }


def _opened(store: ObjectStore) -> dict[int, str]:
    """Return each TCP port that the server's process listens on, and its address."""
    [server] = [
        process
        for process in psutil.process_iter()
        if _command(process)[:1] == [str(WEED)] and f"-dir={store.data}" in _command(process)
    ]
    return {
        each.laddr.port: each.laddr.ip
        for each in server.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def _stranger(directory: Path) -> ssl.SSLContext:
    """Trust any server, and show it a certificate that another authority signed."""
    write_mutual_tls(directory)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return context


def _anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_it_opens_what_is_known_on_loopback_alone(store: ObjectStore) -> None:
    opened = _opened(store)
    assert opened.keys() == set(store.ports.values())
    assert len(opened) == len(PORTS) == 8
    assert set(opened.values()) == {"127.0.0.1"}


@pytest.mark.parametrize("headers", [{}, FOREIGN, FORGED], ids=["anonymous", "foreign", "forged"])
@pytest.mark.parametrize("scheme", ["http", "https", "https with a forged certificate"])
def test_no_port_answers_a_stranger(
    store: ObjectStore, tmp_path: Path, scheme: str, headers: dict[str, str]
) -> None:
    verify = _stranger(tmp_path) if "forged" in scheme else _anybody()
    for port in _opened(store):
        base = f"{scheme.partition(' ')[0]}://127.0.0.1:{port}"
        with httpx.Client(base_url=base, verify=verify, timeout=60, trust_env=False) as client:
            for method, path in ASKED:
                try:
                    answer = client.request(method, path, headers=headers)
                except httpx.TransportError:
                    continue  # no HTTP at all
                # `/status` of the S3 port says 200 and nothing more.
                is_status = (port, path) == (store.ports["s3.port"], "/status")
                assert answer.is_error or (is_status and not answer.content), (port, method, path)
                assert CONTENT not in answer.content
                assert b"<Bucket>" not in answer.content


@pytest.mark.parametrize("credentials", ["none", "a forged certificate"])
def test_no_port_takes_a_strangers_call(
    store: ObjectStore, tmp_path: Path, credentials: str
) -> None:
    write_mutual_tls(tmp_path)
    own = grpc.ssl_channel_credentials(
        *(((tmp_path / name).read_bytes()) for name in ("ca.pem", "key.pem", "cert.pem"))
    )
    for port in _opened(store):
        target = f"127.0.0.1:{port}"
        with (
            grpc.insecure_channel(target)
            if credentials == "none"
            else grpc.secure_channel(target, own)
        ) as channel:
            for call in CALLS:
                with pytest.raises(grpc.RpcError) as refused:
                    channel.unary_unary(call)(b"", timeout=60)
                assert refused.value.code() == grpc.StatusCode.UNAVAILABLE, (port, call)


def test_our_own_certificate_opens_what_a_strangers_does_not(store: ObjectStore) -> None:
    own = grpc.ssl_channel_credentials(
        *((store.config / name).read_bytes() for name in ("ca.pem", "key.pem", "cert.pem"))
    )
    target = f"127.0.0.1:{store.ports['master.port.grpc']}"
    with grpc.secure_channel(target, own) as channel:
        channel.unary_unary("/master_pb.Seaweed/VolumeList")(b"", timeout=60)
    # The master's and the filer's HTTP answers nobody; the volume server's wants a token too.
    context = ssl.create_default_context(cafile=str(store.config / "ca.pem"))
    context.load_cert_chain(store.config / "cert.pem", store.config / "key.pem")
    for part, status in (("master", 404), ("filer", 404), ("volume", 401)):
        url = f"https://127.0.0.1:{store.ports[f'{part}.port']}/1,0123456789"
        assert httpx.get(url, verify=context, trust_env=False, timeout=60).status_code == status


def _weed_shell(store: ObjectStore, directory: Path) -> str:
    """Ask `weed shell`, run in a directory, for the buckets; return what it says."""
    port = store.ports
    where = [
        f"-master=127.0.0.1:{port['master.port']}.{port['master.port.grpc']}",
        f"-filer=127.0.0.1:{port['filer.port']}.{port['filer.port.grpc']}",
    ]
    try:
        done = subprocess.run(
            [WEED, "shell", *where],
            input=f"fs.ls /buckets\nfs.rm -r /buckets/{BUCKET}/nothing\nexit\n",
            capture_output=True,
            text=True,
            timeout=8,
            check=False,
            cwd=directory,
            env={"HOME": str(directory)},
        )
    except subprocess.TimeoutExpired as error:  # it tries for ever
        return (error.stdout or b"").decode()
    return done.stdout


def test_weed_shell_needs_our_certificate(store: ObjectStore, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    forged.mkdir()
    write_mutual_tls(forged)
    with ThreadPoolExecutor() as pool:  # who is not let in waits until the end of the patience
        asked = [store.config, tmp_path, forged]
        listed = list(pool.map(lambda config: BUCKET in _weed_shell(store, config), asked))
    assert listed == [True, False, False]


def test_a_web_page_may_not_ask(store: ObjectStore) -> None:
    asked = {"Origin": FOREIGN["Origin"], "Access-Control-Request-Method": "PUT"}
    answer = httpx.options(f"{store.url}/{BUCKET}/{KEY}", headers=asked, trust_env=False)
    assert not answer.is_success
    assert "access-control-allow-origin" not in answer.headers


def test_users_are_added_by_nobody(store: ObjectStore) -> None:
    import boto3
    from botocore.exceptions import ClientError
    from botocore.parsers import ResponseParserError

    iam = boto3.client(
        "iam",
        endpoint_url=store.url,
        aws_access_key_id=store.key,
        aws_secret_access_key=store.secret,
        region_name="us-east-1",
    )
    with pytest.raises((ClientError, ResponseParserError)):
        iam.create_user(UserName="stranger")


def test_its_sockets_are_for_its_own_user(store: ObjectStore) -> None:
    numbers = {str(port) for port in store.ports.values()}
    found = [
        path
        for path in [*SOCKETS.glob("seaweedfs-*.sock"), *store.config.glob("*.sock")]
        if path.parent == store.config or path.stem.rpartition("-")[2] in numbers
    ]
    assert len(found) == 6
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_its_keys_are_for_its_own_user_and_last(store: ObjectStore) -> None:
    assert stat.S_IMODE(store.config.stat().st_mode) == 0o700
    for name in ("s3.json", "key.pem", "security.toml"):
        assert stat.S_IMODE((store.config / name).stat().st_mode) == 0o600
    for name in ("ca.pem", "cert.pem"):
        certificate = x509.load_pem_x509_certificate((store.config / name).read_bytes())
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        assert left > timedelta(days=3640)
    assert len(list(store.config.glob("*key*"))) == 1, "the authority's key is kept nowhere"


def test_each_start_makes_new_certificates(tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        write_mutual_tls(tmp_path)
        made.append((tmp_path / "cert.pem").read_bytes())
    assert made[0] != made[1]


def test_a_stopped_store_leaves_no_socket(tmp_path: Path) -> None:
    with Throwaway(tmp_path) as running:
        numbers = running.ports.values()
    assert not object_store._sockets(numbers)


def test_a_strangers_socket_makes_its_port_unusable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "SOCKETS", tmp_path)
    port = ports.choose()
    squatted = tmp_path / f"seaweedfs-master-grpc-{port}.sock"
    squatted.touch()
    assert object_store.is_usable(port), "our own is no hindrance"
    stranger = squatted.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert not object_store.is_usable(port)
    object_store.remove_sockets([port])
    assert squatted.exists()


def test_data_of_an_older_version_is_read(tmp_path: Path) -> None:
    """Older versions ran `weed mini`, without certificates."""
    store = Throwaway(tmp_path).store
    store.config.mkdir()
    (store.config / "s3.json").write_text(
        '{"identities": [{"name": "filmpulse", "actions": ["Admin", "Read", "Write", "List"], '
        f'"credentials": [{{"accessKey": "{store.key}", "secretKey": "{store.secret}"}}]}}]}}'
    )
    options = {
        "dir": str(store.data), "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "admin.ui": "false",
        "s3.config": "s3.json", "s3.port.iceberg": "0", "s3.port.lance": "0", "webdav": "false",
        "master.telemetry": "false", "volume.id": "local",
        "admin.port": str(ports.choose(store.ports.values())),
    } | {name: str(port) for name, port in store.ports.items()}  # fmt: skip
    command = [str(WEED), "mini", *(f"-{name}={value}" for name, value in options.items())]
    content = os.urandom(3_000_000)
    with (tmp_path / "mini.log").open("wb") as log:
        older = subprocess.Popen(command, cwd=store.config, stdout=log, stderr=log, env=store.env())
    try:
        while not store.is_ready():
            assert older.poll() is None
        store.add_bucket(BUCKET)
        store.client().put_object(Bucket=BUCKET, Key="small", Body=b"1")
        store.client().put_object(Bucket=BUCKET, Key="large", Body=content)
    finally:
        older.kill()
        older.wait()
    moved = replace(store, ports={name: ports.choose() for name in PORTS})
    with moved.running(tmp_path / "s3.log", os.environ):
        assert _held(moved.client()) == {"small": b"1", "large": content}
        moved.client().put_object(Bucket=BUCKET, Key="new", Body=b"2")
    object_store.remove_sockets([*store.ports.values(), int(options["admin.port"])])
    shutil.rmtree(store.data)
