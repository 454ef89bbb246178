"""What a backup keeps of a real Superset, and how that comes back."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
import yaml

from filmpulse.backup.dashboards import Superset
from filmpulse.errors import BackupUnavailable

if TYPE_CHECKING:
    from tests.superset_fixtures import App

pytestmark = pytest.mark.slow


@pytest.fixture
def superset(superset_app: App) -> Superset:
    return Superset(superset_app.url, "backup", superset_app.template.passwords["backup"])


def titles(app: App) -> set[str]:
    found = app.browser("admin").get("/api/v1/dashboard/", params={"q": "(page_size:100)"}).json()
    return {one["dashboard_title"] for one in found["result"]}


def test_all_assets_with_drafts_and_no_secret(superset_app: App, superset: Superset) -> None:
    admin = superset_app.browser("admin")
    draft = {"dashboard_title": "Entwurf \u2028 \U0001f3ac <b>", "published": False}
    made = admin.post("/api/v1/dashboard/", draft).json()["id"]
    before = titles(superset_app)
    kept = superset.export_assets()
    with zipfile.ZipFile(io.BytesIO(kept)) as files:
        texts = {name: files.read(name).decode() for name in files.namelist()}
    dashboards = [yaml.safe_load(t) for name, t in texts.items() if "/dashboards/" in name]
    assert {one["dashboard_title"] for one in dashboards} == before
    assert len([name for name in texts if "/charts/" in name]) > 20
    password = superset_app.template.reader_url.partition("filmpulse_reader:")[2].partition("@")[0]
    assert len(password) == 24
    assert not [name for name, text in texts.items() if password in text]

    assert admin.post(f"/api/v1/dashboard/{made}", None, "DELETE").status_code == 200
    assert titles(superset_app) == before - {draft["dashboard_title"]}
    superset.import_assets(kept)
    assert titles(superset_app) == before
    # The warehouse can still be read: the password, which the export leaves out, stayed.
    databases = admin.get("/api/v1/database/").json()["result"]
    (ours,) = [one["id"] for one in databases]
    assert "mart" in admin.get(f"/api/v1/database/{ours}/schemas/?q=(force:!t)").json()["result"]

    found = admin.get("/api/v1/dashboard/", params={"q": "(page_size:100)"}).json()["result"]
    (again,) = [one["id"] for one in found if one["dashboard_title"] == draft["dashboard_title"]]
    assert admin.post(f"/api/v1/dashboard/{again}", None, "DELETE").status_code == 200


@pytest.mark.parametrize("user", ["backup", "guest"])
def test_who_may_not_is_told(superset_app: App, user: str) -> None:
    password = superset_app.template.passwords["guest"]
    with pytest.raises(BackupUnavailable) as refused:
        Superset(superset_app.url, user, password).export_assets()
    assert refused.value.reason == "superset"
    assert password not in str(refused.value)


def test_a_superset_that_is_away(superset: Superset) -> None:
    with pytest.raises(BackupUnavailable):
        Superset("http://127.0.0.1:9", superset.user, superset.password).export_assets()
