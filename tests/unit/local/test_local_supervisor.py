"""supervisord.conf says what is meant, wherever the checkout lies."""

from __future__ import annotations

import configparser
import shlex
import subprocess
from pathlib import Path

from filmpulse.local.supervisor import Program, config_text, env_file, export_script


def test_config_survives_odd_paths() -> None:
    directory = Path("/home/a b/100% 'mine'/var/demo")
    programs = [
        Program("postgres", "postgres", ["/bin/pg", "-D", str(directory / "postgres")], "INT"),
        Program("scheduler", "airflow", ["/bin/python", "-m", "airflow", "scheduler"]),
        Program("triggerer", "airflow", ["/bin/python", "-m", "airflow", "triggerer"]),
    ]
    text = config_text(programs, directory, directory / "log", 20001, "pass%word")
    config = configparser.RawConfigParser()
    config.read_string(text)
    command = config["program:postgres"]["command"].replace("%%", "%")
    assert shlex.split(command) == programs[0].command
    assert config["program:postgres"]["autostart"] == "false"
    assert config["program:postgres"]["autorestart"] == "true"
    assert config["inet_http_server"]["port"] == "127.0.0.1:20001"
    assert config["inet_http_server"]["password"] == "pass%%word"
    assert config["group:airflow"]["programs"] == "scheduler,triggerer"
    # Groups stop in reverse order of priority: Airflow before the database that it uses.
    assert int(config["group:airflow"]["priority"]) > int(config["group:postgres"]["priority"])


def test_a_program_has_variables_of_its_own(tmp_path: Path) -> None:
    directory = tmp_path / "a b 100% 'mine'"
    values = {"PASSWORD": 'it\'s "$HOME" `id` %(ENV_X)s;#', "LINES": "one\ntwo\\", "EMPTY": ""}
    program = Program("web", "web", ["/usr/bin/env", "-0"], env=values)
    text = config_text([program], directory, tmp_path, 20001, "password")
    assert not [value for value in values.values() if value and value in text]
    own = env_file(directory, "web")
    own.parent.mkdir(parents=True)
    own.write_text(export_script(values))
    config = configparser.RawConfigParser()
    config.read_string(text)
    command = shlex.split(config["program:web"]["command"].replace("%%", "%"))
    said = subprocess.run(command, env={"SHARED": "1"}, capture_output=True, text=True, check=True)
    got = dict(line.split("=", 1) for line in said.stdout.split("\0") if line)
    assert values.items() | {("SHARED", "1")} <= got.items()
