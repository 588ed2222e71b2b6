"""Models, versions and predictions through the real client; replicas that die; an engine killed in between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

requests = pytest.importorskip("requests")
HttpError = pytest.importorskip("googleapiclient.errors").HttpError
ROOT = Path(__file__).resolve().parents[2]
PROJECT = "projects/lab"

EXPORT = """
import sys
import tensorflow.compat.v1 as tf
tf.disable_eager_execution()
with tf.Session() as session:
    x = tf.placeholder(tf.float32, [None], name="x")
    session.run(tf.global_variables_initializer())
    tf.saved_model.simple_save(session, sys.argv[1], {"x": x}, {"y": 2 * x + 1, "z": tf.identity(x)})
"""


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel by the real TensorFlow: y = 2x + 1 and z = x."""
    directory = tmp_path_factory.mktemp("export") / "model"
    oracle = os.environ.get("HEADRACE_ORACLE_PYTHON", str(ROOT / "build" / "oracle" / "bin" / "python"))
    if not Path(oracle).exists():
        pytest.skip("needs HEADRACE_ORACLE_PYTHON, the interpreter with the real TensorFlow")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([oracle, "-c", EXPORT, str(directory)], check=True, capture_output=True, env=environment)
    return directory


@pytest.fixture
def origin(engine: Any, saved_model: Path) -> str:
    """The SavedModel in a bucket."""
    engine.storage().create_bucket("lab-bucket")
    shutil.copytree(saved_model, engine.home / "buckets" / "lab-bucket" / "export")
    return "gs://lab-bucket/export"


def finish(engine: Any, operation: Any) -> Any:
    """Waits until an operation is done; returns it."""
    while not operation.get("done"):
        time.sleep(0.05)
        operation = engine.ml().projects().operations().get(name=operation["name"]).execute()
    return operation


def deploy(engine: Any, version: str, origin: str) -> Any:
    """Creates the model `fare` if need be and a version of it; returns the operation when done."""
    models = engine.ml().projects().models()
    if "models" not in models.list(parent=PROJECT).execute():
        models.create(parent=PROJECT, body={"name": "fare", "regions": ["us-central1"]}).execute()
    body = {"name": version, "deploymentUri": origin, "runtimeVersion": "1.15", "framework": "TENSORFLOW"}
    return finish(engine, models.versions().create(parent=f"{PROJECT}/models/fare", body=body).execute())


def predict(engine: Any, name: str = f"{PROJECT}/models/fare", x: float = 3.0) -> Any:
    """One prediction by the public client."""
    return engine.ml().projects().predict(name=name, body={"instances": [{"x": x}]}).execute()


def test_deploy_and_predict(engine: Any, origin: str) -> None:
    operation = deploy(engine, "v1", origin)
    assert operation["response"]["state"] == "READY"
    assert operation["metadata"]["operationType"] == "CREATE_VERSION"
    assert predict(engine) == {"predictions": [{"y": 7.0, "z": 3.0}]}
    assert predict(engine, f"{PROJECT}/models/fare/versions/v1") == {"predictions": [{"y": 7.0, "z": 3.0}]}
    model = engine.ml().projects().models().get(name=f"{PROJECT}/models/fare").execute()
    assert model["defaultVersion"]["name"] == f"{PROJECT}/models/fare/versions/v1"
    shutil.rmtree(engine.home / "buckets" / "lab-bucket" / "export")  # the version has its own copy
    assert predict(engine)["predictions"][0]["y"] == 7.0


def test_errors_of_predict(engine: Any, origin: str) -> None:
    deploy(engine, "v1", origin)
    url = f"{engine.url}/v1/{PROJECT}/models/fare:predict"
    headers = {"Authorization": f"Bearer {engine.token}"}
    wrong = requests.post(url, json={"instances": [{"nonsense": 1}]}, headers=headers)
    assert wrong.status_code == 400
    assert wrong.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert wrong.json()["error"]["code"] == 400
    assert requests.post(url, json={"instances": [{"x": 1}]}).status_code == 401
    with pytest.raises(HttpError) as caught:
        predict(engine, f"{PROJECT}/models/none")
    assert caught.value.status_code == 404


def test_directory_without_a_model_is_refused(engine: Any) -> None:
    engine.storage().create_bucket("lab-bucket")
    with pytest.raises(HttpError) as caught:
        deploy(engine, "v1", "gs://lab-bucket/nothing")
    assert caught.value.status_code == 400
    assert "is expected to contain exactly one of: [saved_model.pb, saved_model.pbtxt]" in caught.value.reason


def test_model_that_does_not_load_ends_its_operation(engine: Any) -> None:
    bucket = engine.storage().create_bucket("lab-bucket")
    bucket.blob("broken/saved_model.pb").upload_from_string(b"bad \xff\xff\xff")
    operation = deploy(engine, "v1", "gs://lab-bucket/broken")
    assert "Bad model detected" in operation["error"]["message"]
    versions = engine.ml().projects().models().versions()
    assert versions.get(name=f"{PROJECT}/models/fare/versions/v1").execute()["state"] == "FAILED"


def test_default_version_and_deletion(engine: Any, origin: str) -> None:
    deploy(engine, "v1", origin)
    deploy(engine, "v2", origin)
    versions = engine.ml().projects().models().versions()
    name = f"{PROJECT}/models/fare/versions/"
    assert versions.get(name=name + "v1").execute()["isDefault"]
    assert "isDefault" not in versions.get(name=name + "v2").execute()
    with pytest.raises(HttpError):
        versions.delete(name=name + "v1").execute()
    versions.setDefault(name=name + "v2", body={}).execute()
    assert finish(engine, versions.delete(name=name + "v1").execute())["metadata"]["operationType"] == "DELETE_VERSION"
    assert predict(engine)["predictions"][0]["y"] == 7.0
    with pytest.raises(HttpError):
        predict(engine, name + "v1")
    models = engine.ml().projects().models()
    with pytest.raises(HttpError):
        models.delete(name=f"{PROJECT}/models/fare").execute()
    versions.delete(name=name + "v2").execute()
    models.delete(name=f"{PROJECT}/models/fare").execute()
    assert models.list(parent=PROJECT).execute() == {}
    assert list(engine.home.glob("models/lab/fare/*")) == []


def test_a_dead_replica_comes_back(engine: Any, origin: str) -> None:
    deploy(engine, "v1", origin)
    (lock,) = engine.home.glob("run/*.lock")
    for _ in range(3):
        os.kill(int(lock.read_text()), signal.SIGKILL)
        assert predict(engine)["predictions"][0]["y"] == 7.0


def test_replicas_are_found_by_the_next_engine(engine: Any, origin: str) -> None:
    deploy(engine, "v1", origin)
    (lock,) = engine.home.glob("run/*.lock")
    pid = lock.read_text()
    engine.kill()
    engine.start()
    assert predict(engine)["predictions"][0]["y"] == 7.0
    assert lock.read_text() == pid
    assert engine.stop() == 0
    assert not Path(f"/proc/{pid.strip()}/root").exists()
    engine.start()
    assert predict(engine)["predictions"][0]["y"] == 7.0


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.05, 0.2])
def test_a_version_being_created_survives_a_killed_engine(engine: Any, origin: str, delay: float) -> None:
    models = engine.ml().projects().models()
    models.create(parent=PROJECT, body={"name": "fare"}).execute()
    body = {"name": "v1", "deploymentUri": origin}
    operation = models.versions().create(parent=f"{PROJECT}/models/fare", body=body).execute()
    time.sleep(delay)
    engine.kill()
    engine.start()
    assert finish(engine, operation)["response"]["state"] == "READY"
    assert predict(engine)["predictions"][0]["y"] == 7.0


def test_many_clients_at_once(engine: Any, origin: str) -> None:
    deploy(engine, "v1", origin)
    url = f"{engine.url}/v1/{PROJECT}/models/fare:predict"
    headers = {"Authorization": f"Bearer {engine.token}"}
    wrong: list[Any] = []

    def ask(client: int) -> None:
        session = requests.Session()
        for i in range(50):
            x = float(client * 100 + i)
            answer = session.post(url, json={"instances": [{"x": x}]}, headers=headers).json()
            if answer != {"predictions": [{"y": 2 * x + 1, "z": x}]}:
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_orderly_stop_does_not_wait_for_those_who_wait(engine: Any, origin: str) -> None:
    deploy(engine, "v1", origin)
    models = engine.ml().projects().models()
    body = {"name": "v2", "deploymentUri": origin}
    operation = models.versions().create(parent=f"{PROJECT}/models/fare", body=body).execute()
    url = f"{engine.url}/v1/{operation['name']}:wait"
    headers = {"Authorization": f"Bearer {engine.token}"}
    waiter = threading.Thread(target=lambda: requests.post(url, json={"timeout": "36000s"}, headers=headers))
    waiter.start()
    time.sleep(0.1)
    assert engine.stop() == 0
    waiter.join()
    engine.start()
    assert finish(engine, operation)["response"]["state"] == "READY"
