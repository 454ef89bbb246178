"""`airflow dags test` beside a running scheduler, which must not take the tested DAG's tasks.

The command runs a DAG in its own process, but on Airflow's own tables: a scheduler sees the same
tasks and takes some of them (docs/adr/0014). A scheduler does not touch a paused DAG, and a test
does not mind. So the DAG is paused while the test runs. `airflow` on the PATH of `env.sh` sends the
command here.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

from filmpulse.local.airflow_rest import AirflowDown, AirflowRest
from filmpulse.local.instance import Stack


def run(stack: Stack, words: Sequence[str]) -> int:
    """Run `airflow dags test WORDS` with the tested DAG paused; return its exit code.

    Args:
        stack: The instance whose environment this process has.
        words: The words after `dags test`; the first that is no option is the DAG's id.
    """
    dag_ids = [word for word in words if not word.startswith("-")][:1]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unpause the DAG, whatever ends us
    with _paused(stack, dag_ids[0]) if dag_ids else nullcontext():
        airflow = [sys.executable, "-m", "airflow", "dags", "test"]
        return subprocess.run([*airflow, *words], check=False).returncode


@contextmanager
def _paused(stack: Stack, dag_id: str) -> Iterator[None]:
    """Pause a DAG for the block, unless the DAG is paused already or Airflow is down.

    Raises:
        AirflowError: Airflow runs and refuses, or does not answer in time.
    """
    paused_by_us = None
    with suppress(AirflowDown):  # the scheduler is down too, and takes no task
        airflow = AirflowRest(
            str(stack.urls["airflow"]), stack.airflow_user, stack.airflow_password
        )
        if airflow.is_paused(dag_id) is False:
            paused_by_us = airflow
            airflow.pause(dag_id, True)
    try:
        yield
    finally:
        if paused_by_us is not None:
            try:
                paused_by_us.pause(dag_id, False)
            except AirflowDown:
                sys.stderr.write(
                    f"Airflow went down during the test, so {dag_id} stays paused. Once Airflow "
                    f"is up again: airflow dags unpause {dag_id}\n"
                )
