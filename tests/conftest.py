"""A shell as `headrace env` prepares it, with a HEADRACE_HOME of its own, whose engine is stopped at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("HEADRACE_BUILD", ROOT / "build"))
os.environ.setdefault("HEADRACE_VERIFY_PASSES", "1")  # what each pass of a plan leaves is checked


class Shell:
    """Runs bash commands in the prepared environment."""

    def __init__(self, home: Path, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLOUDSDK_")},
            "HEADRACE_HOME": str(home),
            "HEADRACE_PORT": "0",
        }
        self.environment.pop("PYTHONPATH", None)
        self.setup = f'eval "$({BUILD}/bin/headrace env)"\n'

    def run(self, command: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs one command line; with `check` its failure is the test's."""
        result = subprocess.run(
            ["bash", "-c", self.setup + command],
            cwd=self.directory,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"{command}\nexit code {result.returncode}\n{result.stdout}\n{result.stderr}")
        return result

    def __call__(self, command: str, **more: str) -> str:
        """What the command prints on standard output."""
        return self.run(command, **more).stdout


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory):
    if not (BUILD / "bin/headrace").exists():
        pytest.skip("build/bin/headrace is not built")
    base = tmp_path_factory.mktemp("headrace")
    (base / "work").mkdir()
    shell = Shell(base / "home", base / "work")
    yield shell
    shell.run("headrace stop", check=False)
    shutil.rmtree(base / "home", ignore_errors=True)


@pytest.fixture(scope="module")
def engine(shell: Shell):
    """The shell with the project `p1` set and the engine running."""
    shell("gcloud config set project p1 && gcloud config set compute/region us-central1 && headrace start")
    return shell
