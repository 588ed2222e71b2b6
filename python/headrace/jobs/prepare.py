"""Prepares the packages of a training job: the step between a job's QUEUED and RUNNING.

Run as a program with a plan file (JSON) that names the packages in their buckets and the directory to install into:
`python prepare.py plan.json`. Each package is installed with `pip install --no-deps --target`, then what the installed
distributions require, round by round, until nothing is missing. A requirement on TensorFlow of any 1.x or 2.x version
is met by distribution metadata that we write: Headrace's own `tensorflow` is imported, the real one never comes
beside it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

try:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.utils import canonicalize_name
    from packaging.version import Version
except ImportError:  # pip carries a copy
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
    from pip._vendor.packaging.specifiers import SpecifierSet
    from pip._vendor.packaging.utils import canonicalize_name
    from pip._vendor.packaging.version import Version

PROVIDED = ("tensorflow", "tensorflow-gpu", "tensorflow-cpu", "tensorflow-estimator")
# The API that Headrace offers is 1.15's, so that version is named first where a requirement leaves the choice.
PREFERRED = ("1.15.5", "2.15.1")


class PreparationError(Exception):
    """What went wrong, in words for the job's owner."""


@dataclass
class Plan:
    """What to install and where.

    Attributes:
        package_uris: the job's packages, `gs://BUCKET/OBJECT` each.
        buckets: the directory that holds the buckets.
        site: the directory to install into, which the job has on its PYTHONPATH.
        downloads: the directory that packages are copied to.
        python_path: further directories that the job imports from.
    """

    package_uris: list[str]
    buckets: Path
    site: Path
    downloads: Path
    python_path: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: str) -> Plan:
        """Reads the plan that the engine wrote."""
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(
            raw["packageUris"],
            Path(raw["buckets"]),
            Path(raw["site"]),
            Path(raw["downloads"]),
            raw.get("pythonPath", []),
        )


def known_versions() -> list[str]:
    """Every version that a 1.x or 2.x requirement could mean, the preferred ones first."""
    versions = list(PREFERRED)
    for major, minors in ((1, range(15, -1, -1)), (2, range(21, -1, -1))):
        versions += [f"{major}.{minor}.{patch}" for minor in minors for patch in (5, 4, 3, 2, 1, 0)]
    return versions


def version_for(name: str, specifier: SpecifierSet) -> str:
    """A 1.x or 2.x version that satisfies the specifier.

    Raises:
        PreparationError: if none does.
    """
    named = [clause.version.removesuffix(".*") for clause in specifier if clause.operator in ("==", "===", "~=", ">=")]
    for candidate in [*known_versions(), *named]:
        if Version(candidate).major in (1, 2) and specifier.contains(candidate, prereleases=True):
            return candidate
    raise PreparationError(
        f"the requirement {name}{specifier} can't be met: Headrace stands in for the 1.x and 2.x versions of {name}"
    )


def write_provided(site: Path, name: str, version: str) -> Path:
    """Writes the metadata of a provided distribution, in place of an earlier version's; returns its directory."""
    stem = name.replace("-", "_")
    for old in site.glob(f"{stem}-*.dist-info"):
        shutil.rmtree(old)
    info = site / f"{stem}-{version}.dist-info"
    info.mkdir(parents=True)
    summary = "Provided by Headrace"
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n", encoding="utf-8"
    )
    (info / "INSTALLER").write_text("headrace\n", encoding="utf-8")
    (info / "RECORD").write_text("", encoding="utf-8")
    return info


def fetch(uri: str, plan: Plan) -> Path:
    """Copies a package out of its bucket, under its own file name (pip reads name and version from it)."""
    match = re.fullmatch(r"gs://([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])/(.+)", uri)
    if not match or ".." in match[2].split("/"):
        raise PreparationError(f"expected a package as gs://BUCKET/OBJECT, got {uri}")
    source = plan.buckets / match[1] / match[2]
    if not source.is_file():
        raise PreparationError(f"the package {uri} does not exist")
    plan.downloads.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(source, plan.downloads / source.name))


def needs_isolation(package: Path) -> bool:
    """Whether to build a package in an environment of its own: when it names a build system other than setuptools, or
    when this interpreter lacks setuptools or wheel. Building here needs no download."""
    if any(importlib.util.find_spec(name) is None for name in ("setuptools", "wheel")):
        return True
    try:
        if package.name.endswith((".zip", ".whl")):
            with zipfile.ZipFile(package) as archive:
                return any(name.count("/") == 1 and name.endswith("/pyproject.toml") for name in archive.namelist())
        with tarfile.open(package) as archive:
            return any(name.count("/") == 1 and name.endswith("/pyproject.toml") for name in archive.getnames())
    except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        raise PreparationError(f"{package.name} is not a readable Python package: {error}") from error


def pip_install(plan: Plan, arguments: Iterable[str]) -> None:
    """Runs `pip install --no-deps --target SITE` with this interpreter."""
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--upgrade", "--target", str(plan.site)]
    command += ["--disable-pip-version-check", "--no-warn-script-location", "--root-user-action=ignore", *arguments]
    print("Running", " ".join(command[1:]), flush=True)
    # One stream, so that pip's warnings don't read as this step's errors.
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout, end="", flush=True)
    if done.returncode != 0:
        last = "\n".join(done.stdout.strip().splitlines()[-10:])
        raise PreparationError(f"pip could not install {' '.join(arguments)}:\n{last}")


def requirements_of(site: Path) -> dict[str, list[Requirement]]:
    """What the distributions in `site` require here, by canonical name."""
    wanted: dict[str, list[Requirement]] = {}
    for distribution in importlib.metadata.distributions(path=[str(site)]):
        for text in distribution.requires or []:
            try:
                requirement = Requirement(text)
            except InvalidRequirement as error:
                raise PreparationError(f"{distribution.metadata['Name']} has a bad requirement: {error}") from error
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return wanted


def installed_version(name: str, plan: Plan) -> str | None:
    """The version of a distribution that the job would see: in its site, on its path, or with the interpreter."""
    for where in ([str(plan.site)], plan.python_path, sys.path):
        for distribution in importlib.metadata.distributions(name=name, path=list(where)):
            return distribution.version
    return None


def meet_requirements(plan: Plan) -> None:
    """Installs what is required and missing, and what that requires, until nothing is missing."""
    attempted: set[str] = set()
    while True:
        missing = []
        for name, requirements in sorted(requirements_of(plan.site).items()):
            specifier = SpecifierSet()
            for requirement in requirements:
                specifier &= requirement.specifier
            if name in PROVIDED:
                version = version_for(name, specifier)
                if not list(plan.site.glob(f"{name.replace('-', '_')}-{version}.dist-info")):
                    write_provided(plan.site, name, version)
                    print(f"{name}{specifier} is provided by Headrace (as {name} {version})", flush=True)
                continue
            version = installed_version(name, plan)
            if version is not None and specifier.contains(version, prereleases=True):
                continue
            direct = next((requirement for requirement in requirements if requirement.url), None)
            wanted = f"{name} @ {direct.url}" if direct else f"{name}{specifier}"
            if wanted in attempted:
                raise PreparationError(f"the requirement {wanted} can't be met: {name} {version} is installed")
            missing.append(wanted)
        if not missing:
            return
        attempted.update(missing)
        pip_install(plan, missing)


def prepare(plan: Plan) -> None:
    """Installs the plan's packages and all they require.

    Raises:
        PreparationError: with what could not be done.
    """
    plan.site.mkdir(parents=True, exist_ok=True)
    for uri in plan.package_uris:
        package = fetch(uri, plan)
        isolation = [] if package.suffix == ".whl" or needs_isolation(package) else ["--no-build-isolation"]
        pip_install(plan, [*isolation, str(package)])
    meet_requirements(plan)


def main(arguments: list[str]) -> int:
    """Prepares what the plan file says; returns the exit status."""
    if len(arguments) != 1:
        print("usage: prepare.py PLAN.json", file=sys.stderr)
        return 2
    try:
        prepare(Plan.read(arguments[0]))
    except PreparationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
