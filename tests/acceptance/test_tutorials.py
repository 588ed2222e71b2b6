"""The tutorials' commands, run as they stand, from the repository's root."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HEADRACE_BUILD", ROOT / "build"))


def test_the_taxi_fare_tutorial_runs_as_it_stands(tmp_path: Path) -> None:
    if not (BUILD / "bin/headrace").exists():
        pytest.skip("build/bin/headrace is not built")
    text = (ROOT / "docs/tutorials/taxi-fare.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    script = "".join(blocks).replace("build/bin", f"{BUILD}/bin").replace("/tmp/rides", f"{tmp_path}/rides")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"HEADRACE_HOME": str(tmp_path / "home"), "HEADRACE_PORT": "0"}
    result = subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + script], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True,
    )  # fmt: skip
    if result.returncode != 0:
        subprocess.run([BUILD / "bin/headrace", "stop"], env=environment, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]
    assert "model.ckpt-1000" in result.stderr and "Loss for final step" in result.stderr
    assert re.search(r"^state: SUCCEEDED$", result.stdout, flags=re.MULTILINE)
    assert re.search(r'^\{"predictions": \[\{"predictions": \[[-0-9.]+\]\}\]\}', result.stdout, flags=re.MULTILINE)
    assert not (tmp_path / "rides").exists()
