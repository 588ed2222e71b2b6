"""The closing line of `make test` must not hide a failure."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_PATH = Path(__file__).resolve().parents[2] / "tools/run_tests.py"


@pytest.fixture(scope="module")
def run_tests():
    spec = importlib.util.spec_from_file_location("run_tests", _PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_tests"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "cases, exit_code, counts",
    [
        ("<testcase/><testcase/><testcase><skipped/></testcase>", 0, (2, 0, 1)),
        ("<testcase/><testcase><failure/></testcase><testcase><error/></testcase>", 1, (1, 2, 0)),
        ("<testcase/><testcase status='disabled'/>", 0, (1, 0, 1)),
        ("<testcase/>", 1, (1, 1, 0)),  # the runner failed behind its tests
        ("", 0, (0, 1, 0)),  # no test was found
    ],
)
def test_reports_are_counted(run_tests, tmp_path, cases, exit_code, counts):
    report = tmp_path / "report.xml"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    result = run_tests.read_junit(report, exit_code)
    assert (result.passed, result.failed, result.skipped) == counts


def test_a_missing_or_torn_report_is_a_failure(run_tests, tmp_path):
    assert run_tests.read_junit(tmp_path / "absent.xml", 0).failed == 1
    (tmp_path / "torn.xml").write_text("<testsuites><testcase/>")
    assert run_tests.read_junit(tmp_path / "torn.xml", 0).failed == 1
