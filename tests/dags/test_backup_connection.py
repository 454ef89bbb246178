"""The Connections of backups, and what a backup keeps of Airflow."""

import json
import re

import pytest

from filmpulse.airflow_bridge import backup, connections
from filmpulse.config import Settings
from filmpulse.errors import BadInput

SECRET = "a-secret-of-a-test-91ab"


@pytest.fixture
def asked(httpserver):
    """An S3 server that lists nothing, and keeps what it was asked."""
    answer = "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"
    httpserver.expect_request(re.compile(".*")).respond_with_data(answer)
    return httpserver


def connect(monkeypatch, name, **fields):
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({"conn_type": "aws"} | fields))


def test_keys_token_and_endpoint_come_from_the_connection(asked, monkeypatch):
    extra = {
        "endpoint_url": asked.url_for(""), "region_name": "eu-central-1",
        "aws_session_token": "token-of-a-test",
    }  # fmt: skip
    connect(monkeypatch, "filmpulse_lake", login="of-the-lake", password=SECRET)
    connect(monkeypatch, "filmpulse_backup", login="of-backups", password=SECRET, extra=extra)
    store = connections.backup_store(Settings(backup_url="s3://bucket/folder"))
    assert store.names() == []
    request = asked.log[-1][0]
    assert request.headers["X-Amz-Security-Token"] == "token-of-a-test"
    assert "Credential=of-backups/" in request.headers["Authorization"]
    assert "eu-central-1" in request.headers["Authorization"]


def test_without_a_connection_of_their_own_it_is_the_lake_s(asked, monkeypatch):
    extra = {"endpoint_url": asked.url_for(""), "region_name": "us-east-1"}
    connect(monkeypatch, "filmpulse_lake", login="of-the-lake", password=SECRET, extra=extra)
    connections.backup_store(Settings(backup_url="s3://bucket/folder")).names()
    assert "Credential=of-the-lake/" in asked.log[-1][0].headers["Authorization"]
    with pytest.raises(BadInput):
        connections.backup_store(Settings())


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "http://127.0.0.1:8088"}, "http://127.0.0.1:8088"),
        ({"host": "superset.example", "schema": "https"}, "https://superset.example"),
        ({"host": "superset.example", "port": 81}, "http://superset.example:81"),
    ],
)
def test_superset_of_the_connection(monkeypatch, fields, url):
    assert connections.superset() is None
    connect(
        monkeypatch, "filmpulse_superset", conn_type="generic", login="backup", password=SECRET,
        **fields,
    )  # fmt: skip
    found = connections.superset()
    assert (found.url, found.user, found.password) == (url, "backup", SECRET)
    assert SECRET not in repr(found)


@pytest.mark.parametrize("name", ["api_key", "Slack_Token", "db_password", "MY_SECRET"])
def test_names_that_sound_secret(name):
    assert backup._is_secret(name)
    assert not backup._is_secret("tracked_movies")
