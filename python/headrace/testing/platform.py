"""tf.test."""

from __future__ import annotations

from unittest import mock  # noqa: F401

from headrace.testing.googletest import (  # noqa: F401
    Benchmark,
    GetTempDir,
    StubOutForTesting,
    main,
    test_src_dir_path,
)
from headrace.testing.gradient_checker import compute_gradient, compute_gradient_error  # noqa: F401
from headrace.testing.test_case import TensorFlowTestCase as TestCase  # noqa: F401
from headrace.testing.test_util import (  # noqa: F401
    assert_equal_graph_def_v1 as assert_equal_graph_def,
)
from headrace.testing.test_util import gpu_device_name, is_gpu_available  # noqa: F401


def get_temp_dir() -> str:
    """The folder for the files of tests."""
    return GetTempDir()


def is_built_with_cuda() -> bool:
    """False: this version computes on the CPU."""
    return False


def is_built_with_rocm() -> bool:
    return False


def is_built_with_gpu_support() -> bool:
    return False
