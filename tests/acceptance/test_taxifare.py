"""The whole path with a trainer as the public lab has it: eight steps, through the real commands, client and curl."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TAXI_DATA = Path(os.environ.get("HEADRACE_TAXI_DATA", ROOT.parent / "shared/data/taxi"))
ORACLE = os.environ.get("HEADRACE_ORACLE_PYTHON", "")
TRAINER = ROOT / "examples/taxifare"
RIDE = {"pickuplon": -73.885262, "pickuplat": 40.773008, "dropofflon": -73.987232, "dropofflat": 40.732403,
        "passengers": 2}  # fmt: skip

pytestmark = pytest.mark.skipif(
    not (TAXI_DATA / "taxi-train.csv").exists(), reason="no taxi data at HEADRACE_TAXI_DATA"
)


def fare_of(answer: str) -> float:
    """The fare in an answer {"predictions": [{"predictions": [fare]}]}."""
    return json.loads(answer)["predictions"][0]["predictions"][0]


def plausible(row: str) -> bool:
    """Whether a row of gcloud's table is a fare: the short training leaves it far from exact."""
    return row[0] == "[" and -20 < float(row.strip("[]")) < 100


def train(steps: int) -> str:
    return (
        f'PYTHONPATH={TRAINER} python -m trainer.task --train_data_paths="{TAXI_DATA}/taxi-train*" '
        f"--eval_data_paths={TAXI_DATA}/taxi-valid.csv --output_dir=$PWD/taxi_trained --train_steps={steps} "
        "--job-dir=./tmp"
    )


@pytest.fixture(scope="module")
def lab(engine):
    """Step 1: the project and the region."""
    (engine.directory / "test.json").write_text(json.dumps(RIDE) + "\n")
    assert engine("gcloud config get-value project") == "p1\n"
    return engine


@pytest.fixture(scope="module")
def trained(lab):
    """Step 2: the trainer run by hand."""
    lab.log = lab.run(train(1000)).stderr
    return lab


@pytest.fixture(scope="module")
def bucket(lab):
    """Step 5: the data in a bucket."""
    lab("gcloud storage buckets create gs://taxi-lab")
    lab(f"gcloud storage cp {TAXI_DATA}/*.csv gs://taxi-lab/taxifare/smallinput/")
    return lab


@pytest.fixture(scope="module")
def job(bucket):
    """Step 6: training as a job; the job's name."""
    name = "lab3a_taxifare"
    bucket(
        f"gcloud ai-platform jobs submit training {name} --region=us-central1 --module-name=trainer.task "
        f"--package-path={TRAINER}/trainer --job-dir=gs://taxi-lab/{name} --staging-bucket=gs://taxi-lab "
        "--scale-tier=BASIC --runtime-version=1.15 --python-version=3.7 -- "
        "--train_data_paths='gs://taxi-lab/taxifare/smallinput/taxi-train*' "
        "--eval_data_paths='gs://taxi-lab/taxifare/smallinput/taxi-valid*' "
        f"--output_dir=gs://taxi-lab/{name} --train_steps=1000"
    )
    bucket.run(f"gcloud ai-platform jobs stream-logs {name}")
    return name


@pytest.fixture(scope="module")
def version(bucket, job):
    """Step 7: the model deployed."""
    origin = bucket(f"gcloud storage ls gs://taxi-lab/{job}/export/exporter | tail -1").strip()
    bucket("gcloud ai-platform models create taxifare --regions=us-central1")
    bucket(f"gcloud ai-platform versions create v1 --model=taxifare --origin={origin} --runtime-version=1.15")
    return "v1"


def test_training_by_hand_logs_checkpoints_and_exports(trained):
    assert re.search(r"INFO:tensorflow:loss = [0-9.e+]+, step = [01]\n", trained.log), trained.log[-3000:]
    assert re.search(r"INFO:tensorflow:global_step/sec: [0-9.]+", trained.log)
    assert "INFO:tensorflow:Loss for final step: " in trained.log
    output = trained.directory / "taxi_trained"
    assert (output / "model.ckpt-1000.index").exists()
    assert "model.ckpt-1000" in (output / "checkpoint").read_text()
    assert (output / "graph.pbtxt").exists()
    assert list(output.glob("events.out.tfevents.*")) and list(output.glob("eval/events.out.tfevents.*"))
    (export,) = (output / "export/exporter").iterdir()
    assert export.name.isdigit() and (export / "saved_model.pb").exists()


def test_a_second_run_resumes_from_the_checkpoint(trained):
    log = trained.run(train(1200)).stderr
    assert "Restoring parameters from" in log and "model.ckpt-1000" in log
    assert (trained.directory / "taxi_trained/model.ckpt-1200.index").exists()


def test_local_predict_prints_a_fare(trained):
    command = (
        "gcloud ai-platform local predict --model-dir=$(ls -d $PWD/taxi_trained/export/exporter/* | tail -1) "
        "--json-instances=./test.json"
    )
    heading, row = trained(command).strip().splitlines()
    assert heading == "PREDICTIONS" and plausible(row)
    assert fare_of(trained(command + " --format=json")) == pytest.approx(float(row.strip("[]")))


def test_local_train_trains(lab):
    lab(
        f"gcloud ai-platform local train --module-name=trainer.task --package-path={TRAINER}/trainer -- "
        f"--train_data_paths={TAXI_DATA}/taxi-train.csv --eval_data_paths={TAXI_DATA}/taxi-valid.csv "
        "--train_steps=50 --output_dir=$PWD/local_trained"
    )
    assert (lab.directory / "local_trained/model.ckpt-50.index").exists()


def test_buckets_work_through_both_commands(bucket):
    lines = (TAXI_DATA / "taxi-test.csv").read_text()
    assert bucket("gcloud storage cat gs://taxi-lab/taxifare/smallinput/taxi-test.csv") == lines
    assert bucket("gsutil cat gs://taxi-lab/taxifare/smallinput/taxi-test.csv") == lines
    assert len(bucket("gsutil ls gs://taxi-lab/taxifare/smallinput/").split()) == 3
    bucket(
        f"gsutil -m cp {TAXI_DATA}/taxi-test.csv gs://taxi-lab/scratch/ && gcloud storage rm --recursive gs://taxi-lab/scratch"
    )
    assert bucket.run("gcloud storage ls gs://taxi-lab/scratch", check=False).returncode == 1


def test_gs_paths_work_in_tensorflow(bucket):
    out = bucket(
        "python -c \"import tensorflow as tf; g = tf.compat.v1.gfile; print(sorted(g.Glob('gs://taxi-lab/*/*/taxi-t*')))\""
    )
    assert "gs://taxi-lab/taxifare/smallinput/taxi-train.csv" in out


def test_the_job_succeeded_and_is_listed(bucket, job):
    described = json.loads(bucket(f"gcloud ai-platform jobs describe {job} --format=json"))
    assert described["state"] == "SUCCEEDED", described.get("errorMessage")
    assert job in bucket("gcloud ai-platform jobs list")
    logs = bucket(f"gcloud ai-platform jobs stream-logs {job}")
    assert "loss = " in logs and all(line.count("\t") >= 4 for line in logs.splitlines())
    listed = bucket(f"gsutil ls 'gs://taxi-lab/{job}/**'")
    assert "model.ckpt-1000.index" in listed and "saved_model.pb" in listed


def test_gcloud_predicts_with_the_version(bucket, version):
    out = bucket(f"gcloud ai-platform predict --model=taxifare --version={version} --json-instances=./test.json")
    assert out.splitlines()[0] == "PREDICTIONS" and plausible(out.splitlines()[1])
    assert version in bucket("gcloud ai-platform versions list --model=taxifare")


def _curl(shell, body: str, token: str) -> tuple[int, dict]:
    url = shell("headrace status --format='value(url)'").strip()
    out = shell(
        f"curl -s -w '\\n%{{http_code}}' -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' "
        f"-d '{body}' {url}/v1/projects/p1/models/taxifare/versions/v1:predict"
    )
    answer, code = out.rsplit("\n", 1)
    return int(code), json.loads(answer)


def test_curl_predicts_with_a_token_and_only_with_one(bucket, version):
    token = bucket("gcloud auth print-access-token").strip()
    code, answer = _curl(bucket, json.dumps({"instances": [RIDE, RIDE]}), token)
    assert code == 200 and len(answer["predictions"]) == 2
    code, answer = _curl(bucket, json.dumps({"instances": [RIDE]}), "wrong")
    assert code == 401 and answer["error"]["status"] == "UNAUTHENTICATED"


def test_a_wrong_instance_is_answered_with_the_apis_error_body(bucket, version):
    token = bucket("gcloud auth print-access-token").strip()
    code, answer = _curl(bucket, json.dumps({"instances": [{"pickuplon": "far away"}]}), token)
    assert code == 400
    assert set(answer["error"]) >= {"code", "message", "status"} and answer["error"]["status"] == "INVALID_ARGUMENT"


@pytest.mark.skipif(
    not Path(ORACLE).exists(), reason="no oracle interpreter with the Google client at HEADRACE_ORACLE_PYTHON"
)
def test_the_public_python_client_predicts(bucket, version):
    program = """
import json, sys
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
url, token = sys.argv[1:]
service = discovery.build("ml", "v1", credentials=Credentials(token), client_options={"api_endpoint": url},
                          cache_discovery=False)
name = "projects/p1/models/taxifare/versions/v1"
print(json.dumps(service.projects().predict(name=name, body={"instances": [json.loads(sys.stdin.read())]}).execute()))
"""
    url = bucket("headrace status --format='value(url)'").strip()
    token = bucket("gcloud auth print-access-token").strip()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [ORACLE, "-c", program, url, token], input=json.dumps(RIDE), env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    out = bucket(
        f"gcloud ai-platform predict --model=taxifare --version={version} --json-instances=./test.json --format=json"
    )
    assert fare_of(result.stdout) == fare_of(out)
