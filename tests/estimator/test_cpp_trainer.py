"""The C++ taxi trainer, built as a user builds it: against an installed Headrace, with find_package."""

import os
import pathlib
import random
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HEADRACE_BUILD", ROOT / "build"))
TRAINER = ROOT / "examples" / "cpp" / "taxifare"


def run(*command: object, **options: object) -> str:
    """Runs a command; returns what it printed. Errors: AssertionError with the output if it fails."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def write_rides(path: pathlib.Path, rows: int) -> None:
    """A CSV of the lab's columns, with fares that follow the distance."""
    numbers = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        for i in range(rows):
            a, c = (numbers.uniform(-74.1, -73.7) for _ in range(2))
            b, d = (numbers.uniform(40.6, 40.9) for _ in range(2))
            fare = 2.5 + 100 * (abs(a - c) + abs(b - d))
            out.write(f"{fare:.2f},{a:.6f},{b:.6f},{c:.6f},{d:.6f},{1 + i % 5},ride{i}\n")


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The trainer's executable, built in a directory of its own."""
    if not (BUILD / "bin" / "headrace").exists() or not shutil.which("cmake"):
        pytest.skip("needs a built Headrace and cmake")
    prefix, build = tmp_path_factory.mktemp("prefix"), tmp_path_factory.mktemp("build")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    run("cmake", "-S", TRAINER, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", build)
    return build / "taxifare"


def test_trains_evaluates_and_exports(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """One run leaves checkpoints, events of both kinds and an export; a second one resumes."""
    write_rides(tmp_path / "train.csv", 2000)
    write_rides(tmp_path / "eval.csv", 500)
    flags = [
        f"--train_data_paths={tmp_path}/train*",
        f"--eval_data_paths={tmp_path}/eval.csv",
        f"--output_dir={tmp_path}/model",
        "--train_batch_size=64",
        "--hidden_units",
        "16",
        "4",
        "--job-dir=ignored",
    ]
    log = run(trainer, *flags, "--train_steps=120")
    assert "INFO:tensorflow:loss = " in log and ", step = 101 (" in log
    assert "Saving dict for global step 120: average_loss = " in log
    model = tmp_path / "model"
    assert (model / "model.ckpt-120.index").exists() and (model / "graph.pbtxt").exists()
    assert list((model / "eval").glob("events.out.tfevents.*"))
    exports = list((model / "export" / "exporter").iterdir())
    assert len(exports) == 1 and (exports[0] / "saved_model.pb").exists()
    assert "Restoring parameters from" in run(trainer, *flags, "--train_steps=150")


EXPORT = """
import sys
import tensorflow as tf
from trainer import model

estimator = tf.estimator.DNNRegressor([16, 4], [model.scaled(name) for name in model.INPUTS], sys.argv[1])
print(estimator.export_saved_model(sys.argv[2], model.raw_taxi_inputs).decode())
"""


def fares(exported: pathlib.Path, rides: pathlib.Path) -> str:
    """What an exported model predicts for a file of instances."""
    predict = f"gcloud ai-platform local predict --model-dir={exported} --json-instances={rides} --format=json"
    return run("bash", "-c", f'eval "$({BUILD}/bin/headrace env)" && {predict}')


def test_goes_on_where_its_python_twin_stopped_and_back(trainer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Either trainer resumes from the other's checkpoint, and both export the same model of one checkpoint."""
    write_rides(tmp_path / "rides.csv", 1000)
    model = tmp_path / "model"
    flags = [f"--train_data_paths={tmp_path}/rides.csv", f"--eval_data_paths={tmp_path}/rides.csv",
             f"--output_dir={model}", "--train_batch_size=64", "--hidden_units", "16", "4"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{BUILD}/python:{ROOT}/examples/taxifare"}
    python = [sys.executable, "-m", "trainer.task"]
    run(trainer, *flags, "--train_steps=20")
    log = run(*python, *flags, "--train_steps=40", env=environment)
    assert f"Restoring parameters from {model}/model.ckpt-20" in log and "step = 21" in log
    log = run(trainer, *flags, "--train_steps=60")
    assert f"Restoring parameters from {model}/model.ckpt-40" in log and "step = 41" in log
    exported = max((model / "export" / "exporter").iterdir())
    run(sys.executable, "-c", EXPORT, model, tmp_path / "twin", env=environment)
    instances = (ROOT / "examples" / "taxifare" / "test.json").read_text().strip()
    (tmp_path / "rides.json").write_text(instances + "\n" + instances.replace("-73", "-74") + "\n")
    (twin,) = (tmp_path / "twin").iterdir()
    assert "predictions" in fares(exported, tmp_path / "rides.json")
    assert fares(exported, tmp_path / "rides.json") == fares(twin, tmp_path / "rides.json")


def test_missing_flag_is_named(trainer: pathlib.Path) -> None:
    """A required flag that is left out is named, and the exit status says that it failed."""
    result = subprocess.run([str(trainer), "--output_dir=x"], capture_output=True, text=True)
    assert result.returncode != 0
    assert "train_data_paths" in result.stdout + result.stderr


def test_reads_no_longer_than_its_python_twin() -> None:
    """The C++ trainer takes no more lines than the Python one."""
    twin = ROOT / "examples" / "taxifare" / "trainer"

    def lines(*files: pathlib.Path) -> int:
        return sum(len(file.read_text().splitlines()) for file in files)

    assert lines(TRAINER / "task.cc", TRAINER / "model.cc") <= lines(twin / "task.py", twin / "model.py")
