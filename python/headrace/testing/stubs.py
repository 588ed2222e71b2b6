"""tf.test.StubOutForTesting: replaces attributes for the time of a test."""

from __future__ import annotations

import inspect
from typing import Any


class StubOutForTesting:
    """Replaces attributes and puts them back, also as a `with` block.

    >>> import math
    >>> import tensorflow as tf
    >>> with tf.test.StubOutForTesting() as stubs:
    ...     stubs.Set(math, "sqrt", lambda x: -x)
    ...     math.sqrt(4.0)
    -4.0
    >>> math.sqrt(4.0)
    2.0
    """

    def __init__(self) -> None:
        self._set: list[tuple[Any, str, Any]] = []
        self._stubs: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> StubOutForTesting:
        return self

    def __exit__(self, *error: object) -> None:
        self.CleanUp()

    def __del__(self) -> None:
        self.CleanUp()

    def Set(self, parent: Any, child_name: str, new_child: Any) -> None:  # noqa: N802
        """Sets parent.child_name until UnsetAll."""
        self._keep(self._set, parent, child_name)
        setattr(parent, child_name, new_child)

    def UnsetAll(self) -> None:  # noqa: N802
        self._restore(self._set)

    def SmartSet(self, obj: Any, attr_name: str, new_attr: Any) -> None:  # noqa: N802
        """Sets an attribute where it is defined: in the object, its class or a base class of that. Until SmartUnsetAll.

        Raises:
          AttributeError: if there is no such attribute.
        """
        if inspect.ismodule(obj) or (not inspect.isclass(obj) and attr_name in vars(obj)):
            owner = obj
        else:
            cls = obj if inspect.isclass(obj) else obj.__class__
            owner = next((base for base in inspect.getmro(cls) if attr_name in vars(base)), None)
        if owner is None or not hasattr(owner, attr_name):
            raise AttributeError(f"{obj!r} has no attribute {attr_name}")
        self._keep(self._stubs, owner, attr_name)
        setattr(owner, attr_name, new_attr)

    def SmartUnsetAll(self) -> None:  # noqa: N802
        self._restore(self._stubs)

    def CleanUp(self) -> None:  # noqa: N802
        self.SmartUnsetAll()
        self.UnsetAll()

    @staticmethod
    def _keep(kept: list[tuple[Any, str, Any]], owner: Any, name: str) -> None:
        # A function of a class must be put back as it lies there (a staticmethod as a staticmethod).
        kept.append((owner, name, vars(owner)[name] if name in vars(owner) else getattr(owner, name)))

    @staticmethod
    def _restore(kept: list[tuple[Any, str, Any]]) -> None:
        for owner, name, old in reversed(kept):
            setattr(owner, name, old)
        kept.clear()
