"""tensorflow.python.platform.googletest: absl's test runner where absl is installed, else unittest's."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

try:
    from absl.testing.absltest import *  # noqa: F403
    from absl.testing.absltest import TestCase
    from absl.testing.absltest import main as _main
except ImportError:
    from unittest import *  # noqa: F403
    from unittest import TestCase
    from unittest import main as _main

from headrace.testing.benchmark import TensorFlowBenchmark as Benchmark
from headrace.testing.stubs import StubOutForTesting

__all__ = [
    "TestCase",
    "main",
    "Benchmark",
    "StubOutForTesting",
    "GetTempDir",
    "test_src_dir_path",
    "StatefulSessionAvailable",
]

_temp_dir = ""


def main(argv: list[str] | None = None) -> None:
    """Runs the tests of the calling program and exits; with --benchmarks=PATTERN its benchmarks."""
    from headrace.testing import benchmark

    argv = sys.argv if argv is None else argv
    if benchmark.asked_for(argv):
        benchmark.run(argv)
    else:
        _main(argv=argv)


def GetTempDir() -> str:  # noqa: N802
    """The folder for the files of tests: $TEST_TMPDIR, else one that is removed when the process ends."""
    global _temp_dir
    if not _temp_dir:
        _temp_dir = os.environ.get("TEST_TMPDIR", "")
        if not _temp_dir:
            _temp_dir = tempfile.mkdtemp()
            atexit.register(shutil.rmtree, _temp_dir, ignore_errors=True)
    return _temp_dir


def test_src_dir_path(relative_path: str) -> str:
    """The path of a file of TensorFlow's sources, which tests find below $TEST_SRCDIR."""
    return os.path.join(os.environ.get("TEST_SRCDIR", ""), "tensorflow", relative_path)


def StatefulSessionAvailable() -> bool:  # noqa: N802
    return False
