"""Commands that need no engine: configuration, the prepared shell, packages, local training, mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_config_keeps_properties(shell):
    shell("gcloud config set project my-project && gcloud config set compute/region europe-west1")
    assert shell("gcloud config get-value project") == "my-project\n"
    assert shell("gcloud config get-value compute/region --format=json") == '"europe-west1"\n'
    assert shell("gcloud config list") == "[compute]\nregion = europe-west1\n[core]\nproject = my-project\n"
    assert json.loads(shell("gcloud config list --format=json"))["core"] == {"project": "my-project"}
    shell("gcloud config unset project")
    unset = shell.run("gcloud config get-value project")
    assert (unset.stdout, unset.stderr) == ("", "(unset)\n")
    assert shell("gcloud config get-value project", CLOUDSDK_CORE_PROJECT="other") == "other\n"


@pytest.mark.parametrize(
    "command, message",
    [
        ("gcloud ai-platfrom jobs list", "Maybe you meant:\n  gcloud ai-platform"),
        ("gcloud ml-engine jobs lists", "Maybe you meant:\n  gcloud ai-platform jobs list"),
        ("gcloud ai-platform jobs list --fromat=json", "did you mean '--format'?"),
        ("gcloud ai-platform jobs describe", "argument JOB: Must be specified"),
        ("gcloud ai-platform versions create v1", "argument --model: Must be specified"),
        ("gsutil cpp a b", "Maybe you meant:\n  gsutil cp"),
        ("headrace strat", "Maybe you meant:\n  headrace start"),
    ],
)
def test_mistakes_are_met_with_a_suggestion_and_exit_code_2(shell, command, message):
    result = shell.run(command, check=False)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_unknown_properties_and_projects_are_explained(shell):
    result = shell.run("gcloud config set compute/regoin x", check=False)
    assert result.returncode == 1 and "did you mean [compute/region]" in result.stderr
    result = shell.run("gcloud ai-platform jobs list", check=False)
    assert result.returncode == 1 and "gcloud config set project VALUE" in result.stderr


def test_components_and_help_answer(shell):
    assert "up to date" in shell.run("gcloud components update --quiet").stderr
    assert "gcloud ai-platform jobs submit training" in shell("gcloud ai-platform --help")
    assert "--staging-bucket=BUCKET" in shell("gcloud beta ml-engine jobs submit training --help")


def test_python_finds_our_packages_beside_the_users_path(shell):
    (shell.directory / "mine").mkdir()
    (shell.directory / "mine/only_here.py").write_text("value = 5\n")
    # A PYTHONPATH of the user's must not hide ours; nor must ours be lost in a program that python starts.
    out = shell(
        "PYTHONPATH=$PWD/mine python -c "
        "\"import importlib.util as u, only_here; print(u.find_spec('headrace').origin)\""
    )
    assert out.strip().endswith("headrace/__init__.py")
    out = shell(
        "python -c \"import subprocess, sys; subprocess.run([sys.executable, '-c', "
        '\'import importlib.util as u; print(u.find_spec(\\"tensorflow\\").origin)\'], check=True)"'
    )
    assert out.strip().endswith("tensorflow/__init__.py")


@pytest.fixture
def trainer(shell):
    package = shell.directory / "project/trainer"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "task.py").write_text(
        "import json, os, sys\n"
        "print(json.dumps({'args': sys.argv[1:], 'cwd': os.getcwd(), 'config': json.loads(os.environ['TF_CONFIG'])}))\n"
        "sys.exit(int(os.environ.get('TRAINER_EXIT', '0')))\n"
    )
    return package


def test_local_train_runs_the_module_as_gcloud_does(shell, trainer):
    command = (
        "gcloud ml-engine local train --module-name=trainer.task --package-path=project/trainer --job-dir=out "
        "-- --steps=3 --name x"
    )
    told = json.loads(shell(command))
    assert told["args"] == ["--steps=3", "--name", "x", "--job-dir", "out"]
    assert told["cwd"] == str(trainer.parent)
    assert told["config"] == {
        "job": {"job_name": "trainer.task", "args": told["args"]},
        "task": {},
        "cluster": {},
        "environment": "cloud",
    }
    assert shell.run(command, check=False, TRAINER_EXIT="7").returncode == 7


def test_local_train_says_what_is_wrong(shell, trainer):
    result = shell.run("gcloud ai-platform local train --module-name=a.b --package-path=project", check=False)
    assert result.returncode == 1 and "does not contain an `__init__.py`" in result.stderr
    result = shell.run(
        "gcloud ai-platform local train --module-name=trainer.task --package-path=project/trainer --distributed",
        check=False,
    )
    assert result.returncode == 1 and "UNIMPLEMENTED: --distributed" in result.stderr


@pytest.mark.parametrize(
    "given, message",
    [
        ("--json-instances=bad.json", "bad.json line 2"),
        ("--json-instances=empty.json", "No valid instance was found"),
        ("--json-request=list.json", "expected a JSON object with the key instances"),
        ("--json-instances=absent.json", "expected a readable file at absent.json"),
        ("", "Exactly one of"),
    ],
)
def test_local_predict_refuses_malformed_instances(shell, given, message):
    (shell.directory / "bad.json").write_text('{"a": 1}\n{"a": \n')
    (shell.directory / "empty.json").write_text("\n")
    (shell.directory / "list.json").write_text("[1]")
    result = shell.run(f"gcloud ai-platform local predict --model-dir=none {given}", check=False)
    assert result.returncode in (1, 2) and message in result.stderr


def test_sample_data_is_written_and_deterministic(shell):
    shell(
        "headrace sample-data taxifare a --rows 1000 --seed 3 && headrace sample-data taxifare b --rows 1000 --seed 3"
    )
    for name in ("train", "valid", "test"):
        content = (shell.directory / f"a/taxi-{name}.csv").read_bytes()
        assert content == (shell.directory / f"b/taxi-{name}.csv").read_bytes()
        assert all(len(line.split(b",")) == 7 for line in content.splitlines())
    shell("HEADRACE_NUM_THREADS=1 headrace sample-data taxifare c --rows 100000 --seed 3")
    shell(
        "HEADRACE_NUM_THREADS=4 headrace sample-data taxifare d --rows 100000 --seed 3 "
        "&& cmp c/taxi-train.csv d/taxi-train.csv"
    )


def _package(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "python/headrace/jobs/package.py"
    return subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True)


def test_package_without_setup_is_a_source_distribution(tmp_path):
    (tmp_path / "trainer/sub").mkdir(parents=True)
    for name in ("trainer/__init__.py", "trainer/task.py", "trainer/sub/__init__.py", "trainer/sub/data.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "trainer/__pycache__").mkdir()
    (tmp_path / "trainer/__pycache__/task.pyc").write_text("x")
    made = _package("--package-path", str(tmp_path / "trainer"), "--output", str(tmp_path / "out"))
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip() == str(tmp_path / "out/trainer-0.0.0.tar.gz")
    with tarfile.open(made.stdout.strip()) as archive:
        names = {name.removeprefix("trainer-0.0.0/") for name in archive.getnames()}
    assert names == {
        "PKG-INFO", "setup.py", "MANIFEST.in",
        "trainer/__init__.py", "trainer/task.py", "trainer/sub/__init__.py", "trainer/sub/data.json",
    }  # fmt: skip


def test_package_with_setup_keeps_its_name_version_and_requirements(tmp_path):
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer/__init__.py").write_text("")
    (tmp_path / "setup.py").write_text(
        "from setuptools import find_packages, setup\n"
        "setup(name='taxifare', version='2.1', packages=find_packages(), install_requires=['six'])\n"
    )
    made = _package("--package-path", str(tmp_path / "trainer"), "--output", str(tmp_path / "out"))
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip().endswith("/taxifare-2.1.tar.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "setup.py", "trainer"]


def test_package_tells_why_setup_failed(tmp_path):
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer/__init__.py").write_text("")
    (tmp_path / "setup.py").write_text("raise SystemExit('the moon is wrong')\n")
    made = _package("--package-path", str(tmp_path / "trainer"), "--output", str(tmp_path / "out"))
    assert made.returncode == 1
    assert "the moon is wrong" in made.stderr
