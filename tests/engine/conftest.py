"""A running engine on a fresh home, and the public Google clients pointed at it."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADRACE = Path(os.environ.get("HEADRACE_BUILD", ROOT / "build")) / "bin" / "headrace"
ORACLE = Path(os.environ.get("HEADRACE_ORACLE_PYTHON", ROOT / "build" / "oracle" / "bin" / "python"))
PROJECT = "projects/lab"


@contextlib.contextmanager
def oracle_packages() -> Iterator[None]:
    """The public clients are in the oracle's environment; this makes them importable here, behind our own packages."""
    command = [str(ORACLE), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() if ORACLE.exists() else ""
    sys.path.append(path)
    try:
        yield
    finally:
        sys.path.remove(path)


with oracle_packages(), contextlib.suppress(ImportError):  # the test modules skip what could not be imported
    for client in ("requests", "googleapiclient.discovery", "google.cloud.storage", "google.oauth2.credentials"):
        importlib.import_module(client)


class Engine:
    """An engine process that can be killed and started again on the same home and port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the process and waits until it serves."""
        environment = dict(
            os.environ,
            HEADRACE_HOME=str(self.home),
            HEADRACE_PORT=str(self.port),
            HEADRACE_PYTHON=sys.executable,
            HEADRACE_PYTHONPATH=str(ROOT / "python"),
        )
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "engine.out").open("ab") as out:
            self.process = subprocess.Popen([str(HEADRACE), "engine"], env=environment, stdout=out, stderr=out)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                assert self.process.poll() is None, (self.home / "engine.out").read_text()
                time.sleep(0.01)

    def kill(self) -> None:
        """kill -9: no chance to tidy up."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """An orderly stop; returns the exit status."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()

    @property
    def token(self) -> str:
        """The default account's bearer token."""
        return str(json.loads((self.home / "credentials.json").read_text())["token"])

    def credentials(self) -> Any:
        """The token as the Google clients take it."""
        from google.oauth2.credentials import Credentials

        return Credentials(token=self.token)

    def ml(self) -> Any:
        """The public client of ml v1."""
        from googleapiclient import discovery

        return discovery.build(
            "ml",
            "v1",
            credentials=self.credentials(),
            client_options={"api_endpoint": self.url},
            static_discovery=True,
            cache_discovery=False,
        )

    def storage(self) -> Any:
        """The public client of Cloud Storage."""
        from google.cloud import storage

        return storage.Client(project="lab", credentials=self.credentials(), client_options={"api_endpoint": self.url})

    def wait_for_job(self, job: str, states: tuple[str, ...] = ()) -> Any:
        """Polls until the job is in one of the states, or has ended; returns it. Errors: AssertionError if it ended in
        another state than one of those."""
        ended = ("SUCCEEDED", "FAILED", "CANCELLED")
        while True:
            record = self.ml().projects().jobs().get(name=f"{PROJECT}/jobs/{job}").execute()
            if record["state"] in states or (not states and record["state"] in ended):
                return record
            assert record["state"] not in ended, record
            time.sleep(0.05)

    def log(self, job: str) -> list[dict[str, str]]:
        """The whole log of an ended job, by the logs endpoint."""
        import requests

        entries: list[dict[str, str]] = []
        after = "0"
        while True:
            response = requests.get(
                f"{self.url}/v1/{PROJECT}/jobs/{job}/logs?after={after}&wait=10",
                headers={"Authorization": f"Bearer {self.token}"},
            ).json()
            entries += response["entries"]
            after = response["next"]
            if response["done"]:
                return entries


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A started engine on a home of its own; what it leaves running is ended."""
    if not HEADRACE.exists():
        pytest.skip(f"no executable at {HEADRACE}")
    engine = Engine(tmp_path / "home")
    engine.start()
    with oracle_packages():
        yield engine
    if engine.process and engine.process.poll() is None:
        engine.stop()
    for lock in [*engine.home.glob("jobs/*/*/supervisor.lock"), *engine.home.glob("run/*.lock")]:
        pid = lock.read_text().strip()
        if pid and str(engine.home) in _command_line(pid):
            os.kill(int(pid), signal.SIGKILL)


def _command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
