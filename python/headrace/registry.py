"""tensorflow.python.framework.registry: objects by name."""

from __future__ import annotations

import sys
from typing import Any

from headrace import compat


class Registry:
    """Objects that are registered under a name, once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._registry: dict[str, tuple[Any, str]] = {}

    def register(self, candidate: Any, name: str | None = None) -> None:
        """Adds an object under a name, by default its own. Raises KeyError if the name is taken, saying since where."""
        name = name or candidate.__name__
        if name in self._registry:
            raise KeyError(
                f"Registering two {self._name} with name '{name}'! (Previous registration was in "
                f"{self._registry[name][1]})"
            )
        caller = sys._getframe(1)
        if caller.f_back is not None:
            caller = caller.f_back
        code = caller.f_code
        self._registry[name] = candidate, f"{code.co_name} {code.co_filename}:{caller.f_lineno}"

    def list(self) -> Any:
        return self._registry.keys()

    def lookup(self, name: Any) -> Any:
        """The object of a name. Raises LookupError if there is none."""
        name = compat.as_str(name)
        if name not in self._registry:
            raise LookupError(f"{self._name} registry has no entry for: {name}")
        return self._registry[name][0]
