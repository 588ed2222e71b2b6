"""Jobs through the real client: states, logs, failures, requirements, cancelling, and an engine killed under them."""

from __future__ import annotations

import io
import tarfile
import time
from typing import Any

import pytest

HttpError = pytest.importorskip("googleapiclient.errors").HttpError
PROJECT = "projects/lab"


def make_sdist(module: str, install_requires: list[str]) -> bytes:
    """A package `trainer` with the module trainer.task, as gcloud stages it."""
    files = {
        "setup.py": "from setuptools import setup\n"
        f"setup(name='trainer', version='1.0', packages=['trainer'], install_requires={install_requires!r})\n",
        "trainer/__init__.py": "",
        "trainer/task.py": module,
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"trainer-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def submit(engine: Any, job: str, module: str, args: list[str] | None = None, requires: list[str] | None = None) -> Any:
    """Stages a package and creates a job on it."""
    client = engine.storage()
    bucket = client.bucket("lab-bucket")
    if not bucket.exists():
        bucket = client.create_bucket("lab-bucket")
    bucket.blob(f"{job}/trainer-1.0.tar.gz").upload_from_string(make_sdist(module, requires or []))
    body = {
        "jobId": job,
        "trainingInput": {
            "scaleTier": "BASIC",
            "packageUris": [f"gs://lab-bucket/{job}/trainer-1.0.tar.gz"],
            "pythonModule": "trainer.task",
            "args": args or [],
            "region": "us-central1",
            "jobDir": f"gs://lab-bucket/{job}/out",
            "runtimeVersion": "1.15",
            "pythonVersion": "3.7",
        },
    }
    return engine.ml().projects().jobs().create(parent=PROJECT, body=body).execute()


TASK = """
import importlib.metadata, json, os, sys
print("arguments", sys.argv[1:])
config = json.loads(os.environ["TF_CONFIG"])
task, job = config["task"], config["job"]
print("config", task["type"], config["environment"], job["python_module"], sorted(config["cluster"]))
print("job", os.environ["CLOUD_ML_JOB_ID"])
print("INFO:tensorflow:loss = 1.5, step = 1", file=sys.stderr)
print("plain words", file=sys.stderr)
print("version", importlib.metadata.version("tensorflow"))
home = os.environ["HEADRACE_HOME"]
with open(os.path.join(home, "buckets/lab-bucket/result.txt"), "w") as out:
    out.write("done")
"""


@pytest.mark.parametrize("requirement", ["tensorflow==1.15.0", "tensorflow>=2.0"])
def test_job_runs_to_its_end_with_its_requirements(engine: Any, requirement: str) -> None:
    created = submit(engine, "first", TASK, ["--train_steps=10"], [requirement])
    assert created["state"] == "QUEUED"
    job = engine.wait_for_job("first")
    log = engine.log("first")
    messages = [entry["message"] for entry in log]
    assert job["state"] == "SUCCEEDED", messages
    assert job["createTime"] <= job["startTime"] <= job["endTime"]
    assert "arguments ['--train_steps=10', '--job-dir', 'gs://lab-bucket/first/out']" in messages
    assert "config master cloud trainer.task ['master']" in messages
    assert "job first" in messages
    severities = {entry["message"]: entry["severity"] for entry in log}
    assert severities["INFO:tensorflow:loss = 1.5, step = 1"] == "INFO"
    assert severities["plain words"] == "ERROR"
    version = next(message for message in messages if message.startswith("version ")).split()[1]
    assert version == "1.15.0" if requirement.endswith("1.15.0") else version.startswith("2.")
    assert engine.storage().bucket("lab-bucket").blob("result.txt").download_as_bytes() == b"done"


def test_failed_job_says_why(engine: Any) -> None:
    submit(engine, "bad", "import sys\nraise ValueError('no such column: fare')\n")
    job = engine.wait_for_job("bad")
    assert job["state"] == "FAILED"
    assert "master-replica-0 exited with a non-zero status of 1" in job["errorMessage"]
    assert "ValueError: no such column: fare" in job["errorMessage"]


def test_package_that_is_not_there_fails_the_job(engine: Any) -> None:
    body = {
        "jobId": "absent",
        "trainingInput": {"packageUris": ["gs://lab-bucket/absent.tar.gz"], "pythonModule": "trainer.task"},
    }
    engine.ml().projects().jobs().create(parent=PROJECT, body=body).execute()
    job = engine.wait_for_job("absent")
    assert job["state"] == "FAILED"
    assert "gs://lab-bucket/absent.tar.gz does not exist" in job["errorMessage"]


def test_list_pages_and_filters(engine: Any) -> None:
    for i in range(5):
        engine.ml().projects().jobs().create(
            parent=PROJECT,
            body={"jobId": f"job_{i}", "labels": {"n": str(i)}, "trainingInput": {"pythonModule": "this"}},
        ).execute()
    jobs = engine.ml().projects().jobs()
    seen = []
    request = jobs.list(parent=PROJECT, pageSize=2)
    while request is not None:
        page = request.execute()
        seen += [job["jobId"] for job in page["jobs"]]
        request = jobs.list_next(request, page)
    assert seen == [f"job_{i}" for i in range(4, -1, -1)]
    filtered = jobs.list(parent=PROJECT, filter="labels.n=3").execute()
    assert [job["jobId"] for job in filtered["jobs"]] == ["job_3"]
    for i in range(5):
        assert engine.wait_for_job(f"job_{i}")["state"] == "SUCCEEDED"  # `python -m this`


def test_bad_requests_are_refused(engine: Any) -> None:
    jobs = engine.ml().projects().jobs()

    def status_of(body: dict[str, Any]) -> tuple[int, str]:
        with pytest.raises(HttpError) as caught:
            jobs.create(parent=PROJECT, body=body).execute()
        return caught.value.status_code, caught.value.reason

    good = {"jobId": "j", "trainingInput": {"pythonModule": "this"}}
    assert status_of({**good, "jobId": "1bad-name"})[0] == 400
    assert status_of({**good, "trainingInput": {}})[0] == 400
    assert status_of({**good, "nonsense": 1}) == (
        400,
        "Invalid JSON payload received. Unknown name \"nonsense\" at 'job': Cannot find field.",
    )
    assert status_of({"jobId": "j", "trainingInput": {"pythonModule": "this", "scaleTier": "PREMIUM_1"}})[0] == 501
    jobs.create(parent=PROJECT, body=good).execute()
    assert status_of(good)[0] == 409
    with pytest.raises(HttpError) as caught:
        jobs.get(name=f"{PROJECT}/jobs/none").execute()
    assert caught.value.status_code == 404


WAIT = """
import os, time
path = os.path.join(os.environ["HEADRACE_HOME"], "buckets/lab-bucket/go")
print("started", flush=True)
while not os.path.exists(path):
    time.sleep(0.02)
print("went on", flush=True)
"""


def test_cancel_while_running(engine: Any) -> None:
    submit(engine, "long", WAIT)
    engine.wait_for_job("long", ("RUNNING",))
    engine.ml().projects().jobs().cancel(name=f"{PROJECT}/jobs/long", body={}).execute()
    assert engine.wait_for_job("long")["state"] == "CANCELLED"
    with pytest.raises(HttpError) as caught:
        submit(engine, "short", "pass")
        engine.wait_for_job("short")
        engine.ml().projects().jobs().cancel(name=f"{PROJECT}/jobs/short", body={}).execute()
    assert caught.value.status_code == 400


def test_cancel_right_after_create(engine: Any) -> None:
    for i in range(4):
        submit(engine, f"job_{i}", WAIT)
        time.sleep(0.05 * i)
        engine.ml().projects().jobs().cancel(name=f"{PROJECT}/jobs/job_{i}", body={}).execute()
    for i in range(4):
        assert engine.wait_for_job(f"job_{i}")["state"] == "CANCELLED"


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1, 0.5, 2.0])
def test_job_survives_a_killed_engine(engine: Any, delay: float) -> None:
    submit(engine, "survivor", WAIT)
    time.sleep(delay)
    engine.kill()
    engine.start()
    engine.wait_for_job("survivor", ("RUNNING",))
    engine.kill()
    (engine.home / "buckets" / "lab-bucket" / "go").write_text("")
    time.sleep(0.3)
    engine.start()
    assert engine.wait_for_job("survivor")["state"] == "SUCCEEDED"
    messages = [entry["message"] for entry in engine.log("survivor")]
    assert messages.count("started") == 1
    assert messages.count("went on") == 1


def test_every_acknowledged_job_is_there_after_a_kill(engine: Any) -> None:
    for i in range(20):
        engine.ml().projects().jobs().create(
            parent=PROJECT, body={"jobId": f"job_{i}", "trainingInput": {"pythonModule": "this"}}
        ).execute()
    engine.kill()
    engine.start()
    for i in range(20):
        assert engine.wait_for_job(f"job_{i}")["state"] == "SUCCEEDED"


def test_a_killed_supervisor_fails_its_job(engine: Any) -> None:
    import os
    import signal

    submit(engine, "orphan", WAIT)
    engine.wait_for_job("orphan", ("RUNNING",))
    lock = engine.home / "jobs" / "lab" / "orphan" / "supervisor.lock"
    os.kill(int(lock.read_text()), signal.SIGKILL)
    job = engine.wait_for_job("orphan")
    assert job["state"] == "FAILED"
    assert "supervisor" in job["errorMessage"]


def test_sandbox_keeps_the_machine_from_the_program(engine: Any) -> None:
    submit(engine, "nosy", "open('/usr/headrace-was-here', 'w')\n")
    job = engine.wait_for_job("nosy")
    words = [entry["message"] for entry in engine.log("nosy")]
    if any("without a sandbox" in message for message in words):
        pytest.skip("bubblewrap does not work on this machine; the log says so")
    assert job["state"] == "FAILED"
    assert "Read-only file system" in job["errorMessage"]
