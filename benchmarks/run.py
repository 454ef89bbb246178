"""Run every benchmark here, one after the other: `make bench`, or `run.py NAME...` for some.

They report: absolute times differ by machine, so read the ratios, which come from one run each.
Only what a person waits for is judged (`dashboards`). What each one measures is said at the top of
its file.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rich.console import Console

HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmarks named on the command line, or all; fail if one could not run."""
    known = {file.stem.removeprefix("bench_"): file for file in sorted(HERE.glob("bench_*.py"))}
    asked = sys.argv[1:] or list(known)
    if unknown := set(asked) - set(known):
        sys.exit(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    failed = []
    for name in asked:
        Console().rule(f"[bold]{name}")
        if subprocess.run([sys.executable, known[name]], check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"Could not be measured: {', '.join(failed)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
