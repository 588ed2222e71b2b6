"""The preparation of job packages: real sdists, real pip, no network."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

SOURCE = Path(__file__).parents[3] / "python" / "headrace" / "jobs" / "prepare.py"
spec = importlib.util.spec_from_file_location("prepare", SOURCE)
assert spec and spec.loader
prepare = importlib.util.module_from_spec(spec)
sys.modules["prepare"] = prepare
spec.loader.exec_module(prepare)


def make_sdist(path: Path, name: str, install_requires: list[str], module: str = "answer = 42\n") -> None:
    """Writes NAME-1.0.tar.gz with one module of that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    setup = (
        f"from setuptools import setup\nsetup(name={name!r}, version='1.0', py_modules=[{name!r}], "
        f"install_requires={install_requires!r})\n"
    )
    with tarfile.open(path, "w:gz") as archive:
        for file, text in (("setup.py", setup), (f"{name}.py", module)):
            info = tarfile.TarInfo(f"{name}-1.0/{file}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))


@pytest.fixture
def plan(tmp_path: Path) -> prepare.Plan:
    """A plan without packages, in fresh directories."""
    return prepare.Plan([], tmp_path / "buckets", tmp_path / "site", tmp_path / "downloads")


def provided(plan: prepare.Plan) -> dict[str, str]:
    """Names and versions of the distributions in the plan's site."""
    found = importlib.metadata.distributions(path=[str(plan.site)])
    return {distribution.metadata["Name"]: distribution.version for distribution in found}


@pytest.mark.parametrize(
    "text", ["==1.15.0", ">=2.0", ">=1.4,<2", "~=2.3.0", "==1.12.*", "<1.10", "!=1.15.5", "", "==2.0.0rc1", ">=1.15,<3"]
)
def test_every_requirement_on_1_or_2_has_a_version(text: str) -> None:
    version = prepare.version_for("tensorflow", SpecifierSet(text))
    assert SpecifierSet(text).contains(version, prereleases=True)
    assert Version(version).major in (1, 2)


@pytest.mark.parametrize("text", [">=3", "==0.12", "<1"])
def test_other_versions_are_refused(text: str) -> None:
    with pytest.raises(prepare.PreparationError, match="can't be met"):
        prepare.version_for("tensorflow", SpecifierSet(text))


def test_package_is_installed_and_tensorflow_is_not(plan: prepare.Plan) -> None:
    make_sdist(plan.buckets / "lab" / "p" / "trainer-1.0.tar.gz", "trainer", ["tensorflow==1.15.0", "packaging"])
    plan.package_uris.append("gs://lab/p/trainer-1.0.tar.gz")
    prepare.prepare(plan)
    assert provided(plan) == {"trainer": "1.0", "tensorflow": "1.15.0"}
    assert not (plan.site / "tensorflow").exists()
    code = "import trainer, importlib.metadata as m; print(trainer.answer, m.version('tensorflow'))"
    output = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(plan.site)}, capture_output=True, text=True
    )
    assert output.stdout.split() == ["42", "1.15.0"], output.stderr


def test_two_packages_must_agree_on_tensorflow(plan: prepare.Plan) -> None:
    make_sdist(plan.buckets / "lab" / "one-1.0.tar.gz", "one", ["tensorflow>=2.0"])
    make_sdist(plan.buckets / "lab" / "two-1.0.tar.gz", "two", ["tensorflow<1.15"])
    plan.package_uris += ["gs://lab/one-1.0.tar.gz", "gs://lab/two-1.0.tar.gz"]
    with pytest.raises(prepare.PreparationError, match="can't be met"):
        prepare.prepare(plan)


def test_all_names_of_tensorflow_are_provided(plan: prepare.Plan) -> None:
    names = ["tensorflow-gpu>=1.4", "tensorflow_cpu>=2.0", "tensorflow-estimator"]
    make_sdist(plan.buckets / "lab" / "trainer-1.0.tar.gz", "trainer", names)
    plan.package_uris.append("gs://lab/trainer-1.0.tar.gz")
    prepare.prepare(plan)
    assert set(provided(plan)) == {"trainer", "tensorflow-gpu", "tensorflow-cpu", "tensorflow-estimator"}


def test_a_requirement_for_another_platform_is_passed_over(plan: prepare.Plan) -> None:
    make_sdist(plan.buckets / "lab" / "trainer-1.0.tar.gz", "trainer", ["no-such-thing; sys_platform == 'win32'"])
    plan.package_uris.append("gs://lab/trainer-1.0.tar.gz")
    prepare.prepare(plan)
    assert set(provided(plan)) == {"trainer"}


def test_what_pip_said_is_in_the_error(plan: prepare.Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    make_sdist(plan.buckets / "lab" / "trainer-1.0.tar.gz", "trainer", ["surely-not-installed>=7"])
    plan.package_uris.append("gs://lab/trainer-1.0.tar.gz")
    with pytest.raises(prepare.PreparationError, match="surely-not-installed"):
        prepare.prepare(plan)


@pytest.mark.parametrize("uri", ["gs://lab/absent.tar.gz", "gs://lab/../x", "/etc/passwd", "gs://lab"])
def test_bad_uris_are_named(plan: prepare.Plan, uri: str) -> None:
    plan.package_uris.append(uri)
    with pytest.raises(prepare.PreparationError, match="gs://BUCKET|does not exist"):
        prepare.prepare(plan)


def test_a_broken_package_is_named(plan: prepare.Plan) -> None:
    (plan.buckets / "lab").mkdir(parents=True)
    (plan.buckets / "lab" / "trainer-1.0.tar.gz").write_bytes(b"not an archive")
    plan.package_uris.append("gs://lab/trainer-1.0.tar.gz")
    with pytest.raises(prepare.PreparationError, match="trainer-1.0.tar.gz"):
        prepare.prepare(plan)
