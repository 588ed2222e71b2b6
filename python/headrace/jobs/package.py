"""Makes the source distribution of a trainer, as `gcloud ai-platform jobs submit training --package-path` does.

With a setup.py beside the package that is run; without one the archive is written here, with a setup.py that
names the package and version 0.0.0. The trainer's own directory is never written to.

    python -m headrace.jobs.package --package-path DIR --output DIR
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_VERSION = "0.0.0"

_SETUP = """from setuptools import find_packages, setup

setup(name={name!r}, version={version!r}, packages=find_packages(), include_package_data=True)
"""

_PKG_INFO = """Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: A trainer packaged by Headrace.
"""

_LEFT_OUT = {"__pycache__", ".git", ".ipynb_checkpoints"}


def build_package(package_path: Path, output: Path) -> Path:
    """Makes the source distribution of the package in `package_path`.

    Args:
        package_path: The package's directory, which holds its `__init__.py`.
        output: The directory for the archive; made when missing.

    Returns:
        The path of the archive, NAME-VERSION.tar.gz.

    Raises:
        FileNotFoundError: `package_path` is no package.
        RuntimeError: the setup.py beside the package failed; the message is what it printed.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "trainer").mkdir()
        >>> _ = (root / "trainer" / "__init__.py").write_text("")
        >>> build_package(root / "trainer", root / "out").name
        'trainer-0.0.0.tar.gz'
    """
    package_path = package_path.resolve()
    if not (package_path / "__init__.py").is_file():
        raise FileNotFoundError(f"expected a package with an __init__.py in {package_path}")
    output.mkdir(parents=True, exist_ok=True)
    if (package_path.parent / "setup.py").is_file():
        return _run_setup(package_path.parent, output.resolve())
    return _write_archive(package_path, output)


def _run_setup(root: Path, output: Path) -> Path:
    """Runs `setup.py sdist` on a copy of `root`, so that no egg-info or build directory is left in it."""
    with tempfile.TemporaryDirectory(prefix="headrace-sdist-") as scratch:
        copy = Path(scratch) / "source"
        shutil.copytree(root, copy, ignore=_unwanted, symlinks=True)
        dist = Path(scratch) / "dist"
        run = subprocess.run(
            [sys.executable, "setup.py", "sdist", "--formats=gztar", f"--dist-dir={dist}"],
            cwd=copy,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        archives = sorted(dist.glob("*.tar.gz")) if dist.is_dir() else []
        if run.returncode != 0 or not archives:
            raise RuntimeError(f"{root / 'setup.py'} sdist failed with exit code {run.returncode}:\n{run.stdout}")
        return Path(shutil.move(archives[0], output / archives[0].name))


def _unwanted(directory: str, names: list[str]) -> set[str]:
    """What of the trainer's root a package has no use for: caches, and files too large for a source distribution."""
    left_out = {name for name in names if name in _LEFT_OUT or name.endswith(".egg-info")}
    for name in names:
        path = Path(directory) / name
        if path.is_file() and path.stat().st_size > 64 << 20:
            left_out.add(name)
    return left_out


def _write_archive(package: Path, output: Path) -> Path:
    """Writes the archive of a package without a setup.py; the same files give the same bytes."""
    name, stem = package.name, f"{package.name}-{_VERSION}"
    members = {
        "PKG-INFO": _PKG_INFO.format(name=name, version=_VERSION).encode(),
        "setup.py": _SETUP.format(name=name, version=_VERSION).encode(),
        "MANIFEST.in": f"recursive-include {name} *\n".encode(),
    }
    for path in sorted(package.rglob("*")):
        relative = path.relative_to(package.parent)
        if path.is_file() and path.suffix != ".pyc" and not _LEFT_OUT.intersection(relative.parts):
            members[relative.as_posix()] = path.read_bytes()
    archive = output / f"{stem}.tar.gz"
    with open(archive, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for relative, content in members.items():
                member = tarfile.TarInfo(f"{stem}/{relative}")
                member.size = len(content)
                member.mode = 0o644
                tar.addfile(member, io.BytesIO(content))
    return archive


def main() -> int:
    """The command line: prints the archive's path, or why there is none."""
    parser = argparse.ArgumentParser(description="Makes the source distribution of a trainer's package.")
    parser.add_argument("--package-path", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        print(build_package(arguments.package_path, arguments.output))
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
