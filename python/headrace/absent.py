"""What is said of a name that a module lacks: whether TensorFlow 1.15 has it, by the lists in api_names.txt.

The lists are read only when such a name is asked for. tools/make_api_names.py writes them.
"""

from __future__ import annotations

import functools
import os


@functools.cache
def _lists() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """The names of 1.15's public modules, and the modules in its private packages."""
    public: dict[str, frozenset[str]] = {}
    private: dict[str, frozenset[str]] = {}
    current = public
    with open(os.path.join(os.path.dirname(__file__), "api_names.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("private:"):
                current = private
                continue
            module, _, names = line.partition(": ")
            current[module] = frozenset(names.split())
    return public, private


def is_public(path: str, name: str) -> bool:
    """Whether tf.<path>.<name> is in TensorFlow 1.15's public API."""
    return name in _lists()[0].get(path, ())


def is_private_module(path: str) -> bool:
    """Whether TensorFlow 1.15 has a private module at this path ("python.ops.math_ops")."""
    parent, _, last = path.rpartition(".")
    return last in _lists()[1].get(parent, ()) or path in _lists()[1]


def private_modules(path: str) -> frozenset[str]:
    """The modules in a private package of TensorFlow 1.15."""
    return _lists()[1].get(path, frozenset())


def explain(shown: str, path: str, name: str) -> str:
    """Why `name` is not in the module that is written `shown` and lies at `path` in the tables."""
    full = f"{path}.{name}" if path else name
    if is_public(path, name) or is_private_module(full):
        return f"TensorFlow 1.15 has {shown}.{name}, Headrace does not yet"
    if path and path.partition(".")[0] in ("python", "core", "contrib", "compiler", "tensorflow_estimator"):
        return f"Headrace's view of {shown} has no {name}: TensorFlow 1.15 may have it, Headrace does not yet"
    near = _near(path, name)
    hint = f"; did you mean {' or '.join(f'{shown}.{n}' for n in near)}?" if near else ""
    return f"TensorFlow 1.15 has no {shown}.{name}{hint}"


def _near(path: str, name: str) -> list[str]:
    """Names of 1.15 in the same module that are a typing error away."""
    import difflib

    return difflib.get_close_matches(name, sorted(_lists()[0].get(path, ())), 2, 0.85)
