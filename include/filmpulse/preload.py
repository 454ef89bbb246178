"""What every task imports, imported once: in the process that tasks are forked from.

`python -m filmpulse.preload airflow scheduler` runs a scheduler of which LocalExecutor's workers,
and of them the tasks, inherit these modules. Otherwise each task imports them anew, for 0.8 s of
processor time (docs/performance.md). Where tasks are started otherwise (Celery, Kubernetes, macOS)
it changes nothing. A module that is not installed is left out.
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
    """Import modules; nothing of ours or theirs may start a thread or open a connection by it."""
    for name in modules:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)


if __name__ == "__main__":
    preload()
    if "scheduler" in sys.argv:  # of its children alone some detect languages
        importlib.import_module("filmpulse.analysis.language").load_model()
    del sys.argv[0]  # what is run finds itself in its place
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
