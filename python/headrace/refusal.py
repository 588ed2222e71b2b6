"""Arguments that TensorFlow 1.15 has and that Headrace does not honour yet: refused by name, never ignored."""

from __future__ import annotations

from typing import Any


def refuse(function: str, **arguments: Any) -> None:
    """Raises NotImplementedError for the first argument that is given (is not None, False or empty)."""
    for name, value in arguments.items():
        if value is not None and value is not False and value != "" and value != ():
            raise NotImplementedError(f"{function}: {name}={value!r} is not available yet")


def steps(value: Any) -> int | None:
    """A number of steps, which may be any number: a part of a step counts as one."""
    import math

    return None if value is None else math.ceil(value)
