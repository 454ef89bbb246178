"""supervisord.conf says what is meant, wherever the checkout lies."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

from filmpulse.local.supervisor import Program, config_text


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
