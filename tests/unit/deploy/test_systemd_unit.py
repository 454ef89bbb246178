"""The unit for systemd that docs/operations.md shows."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs" / "operations.md"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_complains_of_nothing(tmp_path: Path) -> None:
    found = re.search(
        r"^```ini\n(\[Unit\].*?)^```", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found
    unit = tmp_path / "filmpulse.service"

    def complaints(text: str) -> list[str]:
        unit.write_text(text, encoding="utf-8")
        words = ["systemd-analyze", "verify", str(unit)]
        said = subprocess.run(words, capture_output=True, text=True, check=False).stderr
        return [line for line in said.splitlines() if line.startswith(str(unit))]

    assert complaints(found[1]) == []
    assert len(complaints(found[1].replace("ExecStop=", "ExecStopped="))) == 1
