"""Imports the modules that every task needs once, in the process that tasks are forked from.

`python -m filmpulse.preload airflow scheduler` runs a scheduler whose workers (LocalExecutor), and
their tasks, inherit these modules; `... airflow celery worker` does the same for a Celery worker's.
Otherwise each task imports them again, which takes 0.8 s of processor time (docs/performance.md).
Where tasks are not forked (Kubernetes, macOS) this changes nothing. A module that is not installed
is left out.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Iterable
from contextlib import suppress

MODULES = (
    "airflow.dag_processing.dagbag",
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.providers.postgres.hooks.postgres",
    "airflow.providers.standard.operators.trigger_dagrun",
    "filmpulse.airflow_bridge",
    "filmpulse.analysis.lexicon",
    "filmpulse.jobs",
    "filmpulse.sources.imdb.crawl",
    "lxml.html",
    "numpy",
    "py3langid.langid",
    "s3fs",
    "selenium.webdriver.chrome.service",
    "selenium.webdriver.chrome.webdriver",
)


def preload(modules: Iterable[str] = MODULES) -> None:
    """Import modules; none may start a thread or open a connection when imported."""
    for name in modules:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)


if __name__ == "__main__":
    preload()
    if {"scheduler", "worker"} & {*sys.argv}:  # only their children score reviews
        importlib.import_module("filmpulse.analysis.language").load_model()
        importlib.import_module("filmpulse.analysis.lexicon").LexiconAnalyser()
    del sys.argv[0]  # the module's own name comes first, as it expects
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
