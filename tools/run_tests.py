"""Runs the C++ tests (ctest) and the Python tests (pytest) and closes with one line, `N passed, N failed`.

Exits 1 when a test failed, when a runner broke off before reporting, or when one found no test at all.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Result:
    """Counts of one runner; a runner that broke off without a report counts as one failure."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Result) -> Result:
        return Result(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def read_junit(path: Path, exit_code: int) -> Result:
    """Counts the test cases of a JUnit file. A missing or empty file is a failure, and so is an exit code that no
    failed case explains."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return Result(failed=1)
    result = Result()
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            result.skipped += 1
        else:
            result.passed += 1
    if result.failed == 0 and (exit_code != 0 or result.passed == 0):
        result.failed = 1
    return result


def run(command: list[str], report: Path, environment: dict[str, str]) -> Result:
    """Runs one runner that writes `report`."""
    report.unlink(missing_ok=True)
    return read_junit(report, subprocess.run(command, cwd=_ROOT, env=environment).returncode)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="the build directory")
    parser.add_argument("pytest_arguments", nargs="*", help="passed on to pytest; default: tests")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    environment = {
        **os.environ,
        "PATH": f"{build / 'venv/bin'}:{os.environ['PATH']}",
        "HEADRACE_BUILD": str(build),
    }
    # The C++ tests start the oracle, which must not find our tensorflow before its own.
    environment.pop("PYTHONPATH", None)
    ctest = ["ctest", "--test-dir", str(build), "--output-on-failure", "-j2", "--timeout", "900"]
    cpp = run([*ctest, "--output-junit", str(build / "ctest.xml")], build / "ctest.xml", environment)
    pytest = [sys.executable, "-m", "pytest", "-q", f"--junitxml={build / 'pytest.xml'}"]
    with_ours = {**environment, "PYTHONPATH": str(build / "python")}
    python = run([*pytest, *(arguments.pytest_arguments or ["tests"])], build / "pytest.xml", with_ours)
    total = cpp + python
    if total.skipped:
        print(f"{total.skipped} skipped")
    print(f"C++: {cpp.passed} passed, {cpp.failed} failed; Python: {python.passed} passed, {python.failed} failed")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
