"""Views of TensorFlow's private modules: for each, the implementations that its names are found in.

Programs import `tensorflow.python.ops.math_ops` and its like although they are private. The tables (one file an area)
have a line a module, "module = source source …". A source is one of

    math                the public names that headrace.math defines
    @nn                 the names of the public module tf.nn; @ alone are those of tf itself
    math:matmul         one name of headrace.math; mat_mul=math:matmul gives it another name
    nest=structure:     a module of Headrace, headrace.structure, under the name nest

The first source that has a name gives it. A module of TensorFlow 1.15's tensorflow.python that no table lists can be
imported and is empty: each name that is read in it is refused with the reason. One of tf.contrib can't be imported,
since programs try that to see whether it is there.
"""

from __future__ import annotations

import functools
import importlib
import types
from typing import Any

from headrace import absent, api

_AREAS = ("contrib", "core", "estimator", "framework", "ops", "training")


@functools.cache
def tables() -> dict[str, tuple[str, ...]]:
    """The sources of each private module, by its path without "tensorflow."."""
    lines: dict[str, tuple[str, ...]] = {}
    for area in _AREAS:
        table = importlib.import_module(f"headrace.views.{area}").TABLE
        for line in table.splitlines():
            if line and not line.startswith("#"):
                module, _, sources = line.partition(" =")
                lines[module] = (*lines.get(module, ()), *sources.split())
    return lines


@functools.cache
def _children() -> dict[str, set[str]]:
    children: dict[str, set[str]] = {}
    for module in tables():
        while module:
            module, _, last = module.rpartition(".")
            children.setdefault(module, set()).add(last)
    return children


def has_module(path: str) -> bool:
    """Whether there is a view at this path, be it an empty one."""
    if path in tables() or path in _children():
        return True
    return not path.startswith("contrib.") and absent.is_private_module(path)


def names_in(path: str) -> set[str]:
    """The names of a private module, its submodules included."""
    names = set(_children().get(path, ()))
    if path.partition(".")[0] != "contrib":
        names |= absent.private_modules(path)
    for source in tables().get(path, ()):
        if source.startswith("@"):
            names |= set(api.MODULES.get(source[1:], {}))
        elif ":" in source:
            public, _, target = source.rpartition("=")
            names.add(public or target.partition(":")[2])
        else:
            module = importlib.import_module(f"headrace.{source}")
            names |= {name for name in vars(module) if not name.startswith("_") and _defined(module, name)}
    return names


def _defined(module: types.ModuleType, name: str) -> bool:
    """Whether a name of a module is its own, not a module that it imports."""
    return name in vars(module) and not isinstance(vars(module)[name], types.ModuleType) and name != "annotations"


def locate(path: str, name: str) -> tuple[types.ModuleType, str]:
    """The module that implements a name of a private module, and its name there; raises LookupError for none."""
    if name in ("__path__", "__file__", "__spec__", "__all__"):
        raise LookupError(name)
    for source in tables().get(path, ()):
        if source.startswith("@"):
            if name in api.MODULES.get(source[1:], {}):
                module, _, attribute = api.MODULES[source[1:]][name].partition(":")
                return importlib.import_module(f"headrace.{module}"), attribute
        elif ":" in source:
            public, _, target = source.rpartition("=")
            module, _, attribute = target.partition(":")
            if name == (public or attribute):
                return importlib.import_module(f"headrace.{module}"), attribute
        else:
            implementation = importlib.import_module(f"headrace.{source}")
            if _defined(implementation, name):
                return implementation, name
    raise LookupError(name)


def find(path: str, name: str) -> Any:
    """The value of a name in a private module; raises LookupError where no source has it."""
    module, attribute = locate(path, name)
    return getattr(module, attribute) if attribute else module
