"""The Connections of backups, and what a backup keeps of Airflow."""

import json
import re

import pytest

from filmpulse import jobs
from filmpulse.airflow_bridge import backup, connections, objects
from filmpulse.backup.store import Store, account
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
    ours = Settings(backup_url="s3://bucket/folder", lake_url="s3://bucket/lake")
    connections.backup_store(ours).names()
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


def test_a_bucket_elsewhere_is_never_asked_of_the_lake_s_server(asked, monkeypatch):
    """Without a key of its own AWS's own way of finding one holds."""
    extra = {"endpoint_url": asked.url_for(""), "region_name": "us-east-1"}
    connect(monkeypatch, "filmpulse_lake", login="of-the-lake", password=SECRET, extra=extra)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the first keys that it finds
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "found-by-aws")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    theirs = Settings(
        backup_url="s3://elsewhere/folder", lake_url="s3://bucket/lake", lake_key="of-the-lake",
        lake_secret=SECRET, lake_endpoint_url=asked.url_for(""),
    )  # fmt: skip
    for store in (connections.backup_store(theirs), Store.from_settings(theirs)):
        assert store._client.meta.endpoint_url != asked.url_for("").rstrip("/")
        assert "amazonaws.com" in store._client.meta.endpoint_url
        assert store._client._request_signer._credentials.access_key == "found-by-aws"


def test_setup_makes_the_connection_of_the_same_account():
    own = Settings(
        backup_url="s3://elsewhere/folder", backup_key="k", backup_secret=SECRET,
        backup_endpoint_url="http://127.0.0.1:9", backup_region="eu-west-9",
    )  # fmt: skip
    made = objects._backup(own)
    assert (made["login"], made["password"]) == ("k", SECRET)
    assert json.loads(made["extra"]) == {
        "endpoint_url": "http://127.0.0.1:9", "region_name": "eu-west-9",
    }  # fmt: skip
    assert objects._backup(Settings(backup_url="s3://a/b", lake_url="s3://a/lake")) is None
    assert objects._backup(Settings()) is None


def test_the_lake_s_region_is_everywhere_that_of_its_setting():
    lake = Settings(
        backup_url="s3://a/b", lake_url="s3://a/lake", lake_key="k", lake_secret=SECRET,
        lake_endpoint_url="http://127.0.0.1:9", lake_region="eu-west-9",
    )  # fmt: skip
    made = json.loads(objects._lake(lake)["extra"])
    assert made == {"endpoint_url": "http://127.0.0.1:9", "region_name": "eu-west-9"}
    assert jobs.lake_options(lake)["client_kwargs"] == made
    assert account(lake, "s3://a/b").region == "eu-west-9"
    assert account(lake, "s3://elsewhere/b").region is None
    unset = lake.model_copy(update={"lake_region": None})
    assert json.loads(objects._lake(unset)["extra"])["region_name"] == "us-east-1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "x"), ("Slack_Token", "x"), ("db_password", "x"), ("MY_SECRET", "x"),
        ("smtp", '{"host": "h", "login": {"Password": "x"}}'), ("list", '[{"api_key": "x"}]'),
        ("place", "postgresql://user:pw@host/db"), ("nested", '{"at": "https://u:p@host"}'),
    ],
)  # fmt: skip
def test_what_may_be_secret_is_left_out(name, value):
    found = backup._objects({name: value, "tracked_movies": "[]", "odd": "{not json"}, ["b", "a"])
    assert found.secret_variables == [name]
    assert found.variables == {"tracked_movies": "[]", "odd": "{not json"}
    assert found.connections == ["a", "b"]


@pytest.mark.parametrize(
    "value", ["[]", '["tt0111161"]', "0.5", "https://host/path?q=a:b@c", "null", '{"a": 1}']
)
def test_what_is_no_secret_is_kept(value):
    assert backup._objects({"plain": value}, []).variables == {"plain": value}
