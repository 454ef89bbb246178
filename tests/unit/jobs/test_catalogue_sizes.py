"""What a load of the catalogue takes, and where its files lie until they are loaded."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime

import pytest

from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.jobs.catalogue.estimate import DERIVED_SHARE, MARGIN, estimate
from filmpulse.jobs.catalogue.load_dataset import download_folder
from filmpulse.sources.datasets import DATASETS
from filmpulse.warehouse.catalogue import Load


def live(subset, table_bytes):
    """Return a load of each dataset, of 1,000 bytes of a file."""
    of = dict.fromkeys(Load._fields) | {"subset": subset, "state": "live", "run_id": "old"}
    of |= {"file_bytes": 1_000, "started_at": datetime(2026, 11, 1, tzinfo=UTC)}
    return {
        name: Load(**of | {"dataset": name, "url": "", "table_bytes": table_bytes[name]})
        for name in table_bytes
    }


def test_what_is_made_of_datasets_is_counted_for_those_that_stay_too():
    tables = {name: 10_000 * (number + 1) for number, name in enumerate(DATASETS)}
    one = estimate("all", {"title.ratings": 1_000}, live("all", tables))
    assert one.tables == round(10_000 + DERIVED_SHARE * sum(tables.values()))
    assert one.needed == round((10_000 + DERIVED_SHARE * sum(tables.values())) * MARGIN)
    assert one.download == 1_000
    every = estimate("all", dict.fromkeys(DATASETS, 1_000), live("all", tables))
    assert every.tables == round((1 + DERIVED_SHARE) * sum(tables.values()))


def test_nothing_is_made_where_nothing_is_loaded():
    assert estimate("all", {}, live("all", dict.fromkeys(DATASETS, 10_000))) == (0, 0, 0)


def test_datasets_that_a_subset_does_not_read_do_not_count():
    tables = dict.fromkeys(DATASETS, 10_000)
    found = estimate("no_episodes", {"title.akas": 1_000}, live("no_episodes", tables))
    assert found.tables == round(10_000 + DERIVED_SHARE * 60_000)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The default folder for downloads, not made yet."""
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"filmpulse-catalogue-{os.getuid()}"


def test_the_default_folder_is_for_this_user_alone(folder):
    for _ in range(2):
        assert download_folder(Settings()) == folder
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("what", ["open", "link", "file"])
def test_a_default_folder_that_is_not_ours_alone_is_refused(folder, tmp_path, what):
    if what == "open":
        folder.mkdir()
        folder.chmod(0o770)
    elif what == "link":
        (tmp_path / "other").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "other")
    else:
        folder.touch(mode=0o600)
    with pytest.raises(BadInput, match="FILMPULSE_CATALOGUE_DIR"):
        download_folder(Settings())
    own = Settings(catalogue_dir=tmp_path / "own" / "files")
    assert download_folder(own).is_dir()


def test_a_default_folder_of_another_user_is_refused(folder, monkeypatch):
    folder.mkdir(mode=0o700)
    uid = os.getuid()
    folder.rename(folder.with_name(f"filmpulse-catalogue-{uid + 1}"))
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(BadInput):
        download_folder(Settings())
