"""Datasets when ops run at once: they are built in a graph of their own, and iterated over by a session on it that
shares its resources with eager execution.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from headrace import _core, errors, framework, structure


@functools.cache
def _graph() -> Any:
    return framework.Graph()


@functools.cache
def _session() -> Any:
    return _core.EagerSession(_graph())


def _in_graph(function: Callable) -> Callable:
    """The function, run while the datasets' graph is in force if ops run at once."""

    @functools.wraps(function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if not _core.executing_eagerly():
            return function(*args, **kwargs)
        with _graph().as_default():
            return function(*args, **kwargs)

    return decorated


def build_in_graph(cls: type, *kept: str) -> None:
    """Wraps what a dataset class defines itself, apart from the names in `kept` and properties."""
    for name, member in list(vars(cls).items()):
        if name in kept or (name.startswith("_") and name != "__init__"):
            continue
        if isinstance(member, staticmethod):
            setattr(cls, name, staticmethod(_in_graph(member.__func__)))
        elif callable(member):
            setattr(cls, name, _in_graph(member))


class EagerIterator:
    """Goes through a dataset: `next(iterator)` and `get_next()` give elements of eager tensors."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        with _graph().as_default():
            self._element = dataset._packed(dataset._native.one_shot_iterator().get_next(""))
        self._flat = structure.flatten(self._element)

    def __iter__(self) -> EagerIterator:
        return self

    def __next__(self) -> Any:
        try:
            return self.get_next()
        except errors.OutOfRangeError:
            raise StopIteration from None

    next = __next__

    def get_next(self, name: str | None = None) -> Any:
        """The next element. Raises OutOfRangeError at the end."""
        return structure.pack_sequence_as(self._element, _session().run(self._flat))

    output_types = property(lambda self: self._dataset.output_types)
    output_shapes = property(lambda self: self._dataset.output_shapes)
    output_classes = property(lambda self: self._dataset.output_classes)
