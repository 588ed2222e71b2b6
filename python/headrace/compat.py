"""tf.compat, tf.version and the switches between 1.x and 2.x behaviour."""

from __future__ import annotations

import collections.abc as collections_abc  # noqa: F401
import os
from typing import Any

import numpy as np

VERSION = __version__ = "1.15.5"
GIT_VERSION = "v1.15.5-headrace"
COMPILER_VERSION = "headrace"
GRAPH_DEF_VERSION = 134
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
CXX11_ABI_FLAG = 1
MONOLITHIC_BUILD = 0

bytes_or_text_types = (bytes, str)
integral_types = (int, np.integer)
real_types = (int, float, np.integer, np.floating)
complex_types = (int, float, complex, np.number)


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, (bytes, bytearray)):
        return bytes(bytes_or_text)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


as_str = as_text


def as_str_any(value: Any) -> str:
    return as_str(value) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> str:
    return as_str_any(os.fspath(path))


def accept() -> None:
    """Graphs and 1.x behaviour are what Headrace does anyway."""


disable_eager_execution = disable_v2_behavior = disable_v2_tensorshape = disable_tensor_equality = accept
enable_v2_tensorshape = enable_tensor_equality = accept

_control_flow_v2 = False


def enable_control_flow_v2() -> None:
    """tf.cond and tf.while_loop of 2.x: Headrace runs both forms in the same way."""
    global _control_flow_v2
    _control_flow_v2 = True


def disable_control_flow_v2() -> None:
    global _control_flow_v2
    _control_flow_v2 = False


def control_flow_v2_enabled() -> bool:
    """What enable_control_flow_v2() or disable_control_flow_v2() last said."""
    return _control_flow_v2


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """From here on, ops run when they are called, in all threads and wherever no graph is in force.

    Raises:
      ValueError: if graphs were built before, or for unknown modes.
    """
    from headrace import _core, context

    if execution_mode not in (None, context.SYNC, context.ASYNC):
        raise ValueError("execution_mode must be one of None, tf.contrib.eager.SYNC, tf.contrib.eager.ASYNC")
    if config is not None and not hasattr(config, "SerializeToString") and not hasattr(config, "gpu_options"):
        raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
    if not _core.executing_eagerly() and len(_core.current_graph().get_operations()) > 0:
        raise ValueError("tf.enable_eager_execution must be called at program startup.")
    _core.enable_eager_execution()


enable_v2_behavior = enable_eager_execution


def forward_compatible(year: int, month: int, day: int) -> bool:
    return True
