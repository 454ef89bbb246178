"""The throwaway servers that other tests stand on behave as the real ones do."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from botocore.exceptions import ClientError

from filmpulse.local import ports
from filmpulse.local.postgres import Server, Throwaway

if TYPE_CHECKING:
    from filmpulse.local.object_store import ObjectStore


def test_warehouses_are_migrated_and_apart(warehouse_url: str, empty_database: str) -> None:
    with psycopg.connect(warehouse_url) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname IN ('core', 'ops')"
        ).fetchone()
        owner = connection.execute("SELECT current_user").fetchone()
    assert tables is not None
    assert tables[0] > 5
    assert owner == ("filmpulse",)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT to_regnamespace('core')").fetchone() == (None,)


def test_postgres_asks_for_the_password(postgres_server: Server) -> None:
    stranger = Server(postgres_server.data, postgres_server.port, "wrong")
    assert not stranger.is_ready()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        stranger.connect()


def test_postgres_knows_letters_beyond_ascii(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT lower('ÀÉ')").fetchone() == ("àé",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_postgres_runs_below_a_closed_directory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    deep = closed / ("a directory with spaces " + "x" * 100)
    deep.mkdir(parents=True)
    closed.chmod(0o700)
    before = _modes(tmp_path)
    with Throwaway(deep, ports.choose(), "p'w %d") as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert _modes(tmp_path) == before


def _modes(path: Path) -> list[tuple[str, int, int]]:
    found = []
    for place in (path, path / "closed", *path.parents):
        info = place.stat()
        found.append((str(place), stat.S_IMODE(info.st_mode), info.st_uid))
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives the server to another user")
def test_postgres_of_root_is_not_roots(postgres_server: Server) -> None:
    assert postgres_server.data.stat().st_uid != 0


def test_half_an_initdb_is_thrown_away(tmp_path: Path) -> None:
    half = tmp_path / "postgres.half"
    half.mkdir()
    (half / "PG_VERSION").write_text("15\n")
    with Throwaway(tmp_path, ports.choose(), "pw") as server:
        assert server.is_ready()
    assert not half.exists()


def test_s3_refuses_wrong_keys(s3: ObjectStore) -> None:
    from dataclasses import replace

    s3.client().put_object(Bucket="filmpulse", Key="probe", Body=b"1")
    with pytest.raises(ClientError, match=r"SignatureDoesNotMatch"):
        replace(s3, secret="wrong").client().list_buckets()
    with pytest.raises(ClientError, match=r"InvalidAccessKeyId"):
        replace(s3, key="wrong").client().list_buckets()
