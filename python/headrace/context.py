"""Whether ops run at once or build a graph: tensorflow.python.eager.context."""

from __future__ import annotations

import contextlib
import threading
from collections import namedtuple
from collections.abc import Iterator
from typing import Any

from headrace import _core

GRAPH_MODE, EAGER_MODE = 0, 1
SYNC, ASYNC = 0, 1
DEVICE_PLACEMENT_EXPLICIT, DEVICE_PLACEMENT_WARN, DEVICE_PLACEMENT_SILENT, DEVICE_PLACEMENT_SILENT_FOR_INT32 = range(4)

executing_eagerly = in_eager_mode = _core.executing_eagerly


@contextlib.contextmanager
def eager_mode() -> Iterator[None]:
    """A block in which this thread's ops run at once."""
    with _core.eager_context():
        yield


@contextlib.contextmanager
def graph_mode() -> Iterator[None]:
    """A block in which this thread's ops are added to the default graph."""
    with _core.graph_mode_context():
        yield


class Context:
    """What there is to ask about execution; there is one, and one CPU."""

    def __init__(self) -> None:
        self._names = threading.local()
        self._uid = 0
        self._seed: int | None = None

    executing_eagerly = staticmethod(_core.executing_eagerly)
    in_eager_mode = staticmethod(_core.executing_eagerly)
    device_name = property(lambda self: "")
    scope_name = property(lambda self: _core.current_graph()._name_scope)
    execution_mode = SYNC
    device_policy = DEVICE_PLACEMENT_SILENT

    def devices(self) -> list[str]:
        return ["/job:localhost/replica:0/task:0/device:CPU:0"]

    def num_gpus(self) -> int:
        return 0

    def ensure_initialized(self) -> None:
        """Nothing is to be prepared."""

    def device(self, name: Any) -> Any:
        return contextlib.nullcontext()


_CONTEXT = Context()


def context() -> Context:
    return _CONTEXT


context_safe = context


def ensure_initialized() -> None:
    """Nothing is to be prepared."""


def num_gpus() -> int:
    return 0


def list_devices() -> list[str]:
    return _CONTEXT.devices()


def device(name: Any) -> Any:
    return contextlib.nullcontext()


def shared_name(name: str | None = None) -> str | None:
    """The name that an op shares its resource under; one of its own when ops run at once."""
    if name or not executing_eagerly():
        return name
    _CONTEXT._uid += 1
    return f"eager_resource_{_CONTEXT._uid}"


def async_wait() -> None:
    """Ops have run when their calls return."""


@contextlib.contextmanager
def execution_mode(mode: int) -> Iterator[None]:
    """Ops run synchronously, whatever `mode` asks for."""
    yield


PhysicalDevice = namedtuple("PhysicalDevice", ["name", "device_type"])
LogicalDevice = namedtuple("LogicalDevice", ["name", "device_type"])


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The machine's devices, of one type if it is given: there is the CPU."""
    return [PhysicalDevice("/physical_device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """What ops run on."""
    return [LogicalDevice("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []
