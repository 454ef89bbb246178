"""What an instance is made of, before any process runs."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path

import pytest

from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.local import read_stack, superset, wanted
from filmpulse.local.instance import Install, Instance, Stack, shared_env, stack_of

# Choosing ports binds sockets on this machine; nothing is sent.
pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Superset's environment, installed here whatever the machine has."""
    made = tmp_path / "venv-superset"
    (made / "bin").mkdir(parents=True)
    (made / "bin" / "python").touch()
    (made / ".stamp").touch()
    monkeypatch.setattr(superset, "VENV", made)
    return made


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    made = Instance.at("demo", tmp_path / "a dir with 'quotes' $HOME %d")
    made.make()
    return made


def _installed(instance: Instance, *, sample_site: bool = True) -> tuple[Install, Stack]:
    install = Install.new()
    install.sample_site = sample_site
    install.choose_ports()
    install.done["superset"] = "once"
    install.save(instance)
    stack = stack_of(instance, install)
    stack.write()
    return install, stack


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "-x", "x" * 40])
def test_odd_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="instance's name"):
        Instance.at(name, tmp_path)


def test_every_install_has_secrets_of_its_own() -> None:
    one, other = Install.new().secrets, Install.new().secrets
    assert one.keys() == other.keys()
    assert not set(one.values()) & set(other.values())
    assert min(len(value) for value in one.values()) >= 16


def test_ports_differ_and_stay(instance: Instance) -> None:
    install, _ = _installed(instance)
    assert len(set(install.ports.values())) == len(install.ports)
    before = dict(install.ports)
    assert not install.choose_ports()
    assert install.ports == before


def test_a_port_that_somebody_took_is_given_up(instance: Instance) -> None:
    import socket

    install, _ = _installed(instance)
    before = dict(install.ports)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", before["postgres"]))
        stranger.listen()
        assert install.choose_ports()
    assert install.ports["postgres"] != before["postgres"]
    assert {k: v for k, v in install.ports.items() if k != "postgres"} == {
        k: v for k, v in before.items() if k != "postgres"
    }


def test_stack_json_has_urls_and_no_secret(instance: Instance) -> None:
    install, _ = _installed(instance)
    text = (instance.dir / "stack.json").read_text()
    urls = json.loads(text)["urls"]
    assert set(urls) == {"airflow", "superset", "sample_site", "s3", "postgres"}
    assert all(url is None or "://" in url for url in urls.values())
    for name, secret in install.secrets.items():
        assert secret not in text, name


def test_files_with_secrets_are_private(instance: Instance) -> None:
    _installed(instance)
    assert stat.S_IMODE(instance.dir.stat().st_mode) == 0o700
    for name in ("install.json", "env.sh"):
        assert stat.S_IMODE((instance.dir / name).stat().st_mode) == 0o600, name


def test_env_sh_gives_every_value_as_it_is(instance: Instance) -> None:
    _, stack = _installed(instance)
    script = f'source "{instance.dir}/env.sh" && env -0'.replace("$", r"\$")
    said = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    got = dict(line.split("=", 1) for line in said.split("\0") if "=" in line)
    for name, value in (stack.env | stack.shell_env).items():
        assert got[name] == value
    assert got["PATH"].endswith(":/usr/bin:/bin")
    Settings.from_env(got)


def test_a_stack_is_read_back(instance: Instance) -> None:
    _, stack = _installed(instance)
    assert read_stack(instance.dir) == stack
    with pytest.raises(BadInput, match="no instance"):
        read_stack(instance.dir.parent / "other")


def test_demo_reads_the_sample_site_and_main_reads_nothing(instance: Instance) -> None:
    install, stack = _installed(instance)
    demo = Settings.from_env(stack.env)
    assert demo.source_urls["imdb"] == stack.urls["sample_site"]
    assert demo.request_gap_seconds < 1
    assert demo.catalogue_url == f"{stack.urls['sample_site']}/datasets"
    assert demo.catalogue_dir == instance.dir / "catalogue"
    install.sample_site = False
    main = Settings.from_env(stack_of(instance, install).env)
    assert main.source_urls == {}
    assert main.catalogue_url == Settings().catalogue_url
    assert main.catalogue_dir == instance.dir / "catalogue"
    assert main.request_gap_seconds == 10


def test_settings_are_remembered_until_emptied(instance: Instance) -> None:
    install, _ = _installed(instance, sample_site=False)
    install.take_settings({"FILMPULSE_MOVIES_PER_RUN": "7"}, instance)
    install.take_settings({}, instance)
    assert stack_of(instance, install).env["FILMPULSE_MOVIES_PER_RUN"] == "7"
    install.take_settings({"FILMPULSE_MOVIES_PER_RUN": ""}, instance)
    assert "FILMPULSE_MOVIES_PER_RUN" not in stack_of(instance, install).env


def test_the_mail_server_of_reports_is_superset_s_alone(instance: Instance) -> None:
    install, _ = _installed(instance)
    install.run_as(cluster=True)
    server = {"SUPERSET_SMTP_URL": "smtps://user:secret@mail.test"}
    with pytest.raises(BadInput, match="SUPERSET_SMTP_FROM"):
        install.take_settings(server, instance)
    mail = server | {"SUPERSET_SMTP_FROM": "filmpulse@films.test"}
    install.take_settings(mail, instance)
    install.save(instance)
    kept = Install.load(instance)
    assert kept is not None
    kept.take_settings({}, instance)
    stack = stack_of(instance, kept)
    assert mail.items() <= stack.superset_env.items()
    others = {**stack.env, **{k: v for env in stack.worker_envs.values() for k, v in env.items()}}
    assert "secret@mail.test" not in " ".join(others.values())
    kept.run_as(cluster=False)
    assert not mail.keys() & stack_of(instance, kept).superset_env.keys()
    kept.take_settings(dict.fromkeys(mail, ""), instance)
    assert kept.mail == {}


def test_addresses_behind_a_proxy_reach_airflow_and_superset(instance: Instance) -> None:
    install, before = _installed(instance)
    airflow, superset_url = "https://films.test/airflow", "https://films.test/superset/"
    given = {
        "FILMPULSE_AIRFLOW_PUBLIC_URL": airflow,
        "FILMPULSE_SUPERSET_PUBLIC_URL": superset_url,
    }
    install.take_settings(given, instance)
    after = stack_of(instance, install)
    assert after.urls == before.urls
    assert after.env["AIRFLOW__API__BASE_URL"] == airflow
    execution = after.env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    assert execution == before.env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    assert after.superset_env["SUPERSET_AIRFLOW_URL"] == airflow
    assert after.superset_env["SUPERSET_PUBLIC_URL"] == superset_url.rstrip("/")
    assert after.env["FILMPULSE_SUPERSET_PUBLIC_URL"] == superset_url
    assert after.env["FILMPULSE_SUPERSET_URL"] == before.env["FILMPULSE_SUPERSET_URL"]


def test_an_address_of_env_sh_is_no_address_of_a_proxy(instance: Instance) -> None:
    install, before = _installed(instance)
    assert "SUPERSET_PUBLIC_URL" not in before.superset_env
    install.take_settings(before.env, instance)
    assert stack_of(instance, install).public_urls == {}


def test_a_cluster_of_one_machine_again_remembers_no_grid(instance: Instance) -> None:
    install, _ = _installed(instance)
    install.run_as(cluster=True)
    shell = stack_of(instance, install).env
    assert "SELENIUM_REMOTE_URL" in shell
    install.take_settings(shell, instance)
    install.run_as(cluster=False)
    install.take_settings(shell, instance)
    assert "SELENIUM_REMOTE_URL" not in stack_of(instance, install).env
    theirs = {"SELENIUM_REMOTE_URL": "http://grid.test:4444"}
    install.take_settings(theirs, instance)
    assert theirs.items() <= stack_of(instance, install).env.items()


@pytest.mark.parametrize(
    "address", ["films.test", "https://", "https://f.test/a?b", "ftp://f.test"]
)
def test_an_address_that_no_browser_reaches_is_refused(address: str) -> None:
    with pytest.raises(BadInput):
        Settings.from_env({"FILMPULSE_AIRFLOW_PUBLIC_URL": address})


def test_another_instances_shell_changes_nothing(instance: Instance) -> None:
    install, _ = _installed(instance, sample_site=False)
    theirs = {"FILMPULSE_INSTANCE": "other", "FILMPULSE_IMDB_URL": "http://127.0.0.1:1"}
    install.take_settings(theirs, instance)
    assert install.settings == {}


def test_what_the_stack_decides_cannot_be_given(instance: Instance) -> None:
    install, _ = _installed(instance)
    given = {"FILMPULSE_WAREHOUSE_URL": "x", "FILMPULSE_IMDB_URL": "https://elsewhere.example"}
    given["FILMPULSE_CATALOGUE_URL"] = "https://elsewhere.example"
    install.take_settings(given, instance)
    assert install.settings == {}


def test_a_mirror_and_a_folder_of_ones_own_for_the_datasets(instance: Instance) -> None:
    install, _ = _installed(instance, sample_site=False)
    given = {"FILMPULSE_CATALOGUE_URL": "https://mirror.example", "FILMPULSE_CATALOGUE_DIR": "/big"}
    install.take_settings(given, instance)
    settings = Settings.from_env(stack_of(instance, install).env)
    assert settings.catalogue_url == "https://mirror.example"
    assert settings.catalogue_dir == Path("/big")


def test_a_wrong_setting_is_named(instance: Instance) -> None:
    install, _ = _installed(instance, sample_site=False)
    with pytest.raises(BadInput, match="FILMPULSE_MOVIES_PER_RUN"):
        install.take_settings({"FILMPULSE_MOVIES_PER_RUN": "many"}, instance)


def test_lost_or_damaged_passwords_are_said(instance: Instance) -> None:
    assert Install.load(instance) is None
    _installed(instance)
    (instance.dir / "install.json").write_text("{")
    with pytest.raises(BadInput, match="damaged"):
        Install.load(instance)
    (instance.dir / "install.json").unlink()
    (instance.dir / "postgres").mkdir()
    with pytest.raises(BadInput, match="passwords"):
        Install.load(instance)


def test_the_callers_environment_does_not_leak_in(instance: Instance) -> None:
    _, stack = _installed(instance)
    caller = {
        "PATH": "/usr/bin",
        "HOME": "/home/someone",
        "PGOPTIONS": "-c search_path=x",
        "AWS_PROFILE": "work",
        "PYTHONPATH": "/elsewhere",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "FILMPULSE_BROWSER_PATH": "/elsewhere",
        "NO_PROXY": "intranet",
    }
    env = shared_env(stack, caller)
    assert env["HOME"] == "/home/someone"
    assert env["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert not (caller.keys() - {"PATH", "HOME", "NO_PROXY"}) & env.keys()
    assert env["FILMPULSE_INSTANCE_DIR"] == str(instance.dir)


def test_each_part_has_the_secrets_that_it_needs(instance: Instance) -> None:
    install, stack = _installed(instance)

    def held(*environments: dict[str, str]) -> set[str]:
        text = " ".join(value for each in environments for value in each.values())
        return {name for name, secret in install.secrets.items() if secret in text}

    assert held(shared_env(stack, {})) == set()
    assert held(stack.superset_env) == {"superset_db", "superset_key", "reader"}
    # With this one a backup exports charts and dashboards (docs/adr/0036).
    of_superset = {name for name in held(stack.env, stack.shell_env) if "superset" in name}
    assert of_superset == {"superset_backup"}


def test_an_install_of_before_gets_what_is_missing(instance: Instance) -> None:
    install, _ = _installed(instance)
    path = instance.dir / "install.json"
    old = json.loads(path.read_text())
    del old["without"], old["ports"]["superset"]
    for name in [name for name in old["secrets"] if "superset" in name]:
        del old["secrets"][name]
    path.write_text(json.dumps(old))
    loaded = Install.load(instance)
    assert loaded is not None
    assert loaded.secrets.keys() == install.secrets.keys()
    assert old["secrets"].items() <= loaded.secrets.items()
    assert old["ports"].items() <= loaded.ports.items()
    assert stack_of(instance, loaded).urls["superset"]


def test_what_is_left_out_has_no_address_and_is_told(instance: Instance) -> None:
    install, whole = _installed(instance)
    assert whole.left_out == {}
    assert whole.env["FILMPULSE_LAKE_URL"].startswith("s3://")
    install.leave_out(["s3", "superset", "s3"])
    assert install.without == ["s3", "superset"]
    small = stack_of(instance, install)
    assert (small.urls["s3"], small.urls["superset"]) == (None, None)
    assert small.env["FILMPULSE_LAKE_URL"] == f"file://{instance.dir}/lake"
    assert "FILMPULSE_LAKE_KEY" not in small.env
    assert small.superset_env == {}
    assert small.left_out.keys() == {"s3", "superset"}


def test_new_secrets_spare_what_data_hang_on(instance: Instance) -> None:
    install, _ = _installed(instance)
    before = dict(install.secrets)
    install.settings["FILMPULSE_LLM_API_KEY"] = "of a person"
    install.rotate()
    same = {name for name, secret in install.secrets.items() if secret == before[name]}
    assert install.secrets.keys() == before.keys()
    assert same == {"postgres", "author", "airflow_fernet", "superset_key"}
    assert install.settings["FILMPULSE_LLM_API_KEY"] == "of a person"


def test_a_part_that_nobody_knows_is_named(instance: Instance) -> None:
    install, _ = _installed(instance)
    with pytest.raises(BadInput, match=r"'Superset', 'airflow'.*superset and s3"):
        install.leave_out(["superset", "airflow", "Superset"])
    assert install.without == []


def test_superset_is_left_out_where_it_is_not_installed(instance: Instance, venv: Path) -> None:
    (venv / ".stamp").unlink()
    _, stack = _installed(instance)
    assert stack.urls["superset"] is None
    assert "Python 3.11 or 3.12" in stack.left_out["superset"]


def test_what_is_wanted_is_what_was_said_last(instance: Instance) -> None:
    root, name = instance.dir.parent, instance.name
    assert wanted(name, root, None) == ["superset", "s3"]
    assert wanted(name, root, ["superset"]) == ["s3"]
    install, _ = _installed(instance)
    install.leave_out(["superset"])
    install.save(instance)
    assert wanted(name, root, None) == ["s3"]
    assert wanted(name, root, []) == ["superset", "s3"]


def test_nothing_but_loopback_is_bound(instance: Instance) -> None:
    _, stack = _installed(instance)
    assert stack.env["AIRFLOW__API__HOST"] == "127.0.0.1"
    for name, url in stack.urls.items():
        assert url is None or re.search(r"(//|@)127\.0\.0\.1:\d+", url), name
