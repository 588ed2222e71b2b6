"""Makes `tensorflow` and its submodules out of the table in headrace.api.

A module of the table (tensorflow.estimator, tensorflow.compat.v1.train, …) is made when it is first imported or read;
a name in it is looked up in its implementation when it is first used. So `import tensorflow` loads little.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
from typing import Any

from headrace import api

_ROOT = "tensorflow"
# Each of these shows the same API as the root.
_SAME = ("compat.v1.", "_api.v1.", "compat.v1.compat.v1.")


def _table_path(module: str) -> str:
    """tensorflow.compat.v1.train -> train: where the table has the module."""
    path = module[len(_ROOT) :].removeprefix(".")
    for prefix in _SAME:
        if (path + ".").startswith(prefix):
            path = path[len(prefix) :]
    return path


class Namespace(types.ModuleType):
    """A module of the public API."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"TensorFlow 1.15's `{name.replace(_ROOT, 'tf', 1)}`, by Headrace.")
        self.__dict__["_table_path"] = _table_path(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lookup(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *names_in(self._table_path)})


def names_in(path: str) -> set[str]:
    """The public names of a module of the table, submodules included."""
    prefix = path + "." if path else ""
    children = {m[len(prefix) :].split(".")[0] for m in api.MODULES if m.startswith(prefix) and m != path}
    if path == "compat":
        children.add("v1")
    return {*api.MODULES.get(path, {}), *children}


def lookup(module: types.ModuleType, name: str) -> Any:
    """The value of a public name, kept in the module from then on.

    Raises:
      AttributeError: saying whether TensorFlow has it and what comes nearest.
    """
    path = module.__dict__.get("_table_path", "")
    target = api.MODULES.get(path, {}).get(name)
    if target is not None:
        source, _, attribute = target.partition(":")
        value = importlib.import_module(f"headrace.{source}")
        if attribute:
            value = getattr(value, attribute)
    elif name in names_in(path) and not name.startswith("__"):
        value = importlib.import_module(f"{module.__name__}.{name}")
    else:
        raise AttributeError(_absent(module.__name__, path, name), name=name, obj=None)
    setattr(module, name, value)
    return value


def _absent(module: str, path: str, name: str) -> str:
    shown = module.replace(_ROOT, "tf", 1)
    if name.startswith("__"):
        return f"module '{module}' has no attribute '{name}'"
    advice = api.ADVICE.get(f"{path}.{name}" if path else name)
    if advice:
        return f"{shown}.{name} is not available: {advice}"
    import difflib

    near = difflib.get_close_matches(name, names_in(path), 3, 0.6)
    hint = f"; did you mean {' or '.join(f'{shown}.{n}' for n in near)}?" if near else ""
    return f"Headrace does not have {shown}.{name} yet, or TensorFlow 1.15 has none of this name{hint}"


class Finder:
    """Imports the table's modules: finder and loader in one."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if not name.startswith(_ROOT + "."):
            return None
        place = _table_path(name)
        known = place == "" or place == "compat" or place in api.MODULES or names_in(place)
        known = (
            known
            or f"{name[len(_ROOT) + 1 :]}." in _SAME
            or any(s.startswith(name[len(_ROOT) + 1 :] + ".") for s in _SAME)
        )
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if known else None

    def create_module(self, spec: Any) -> types.ModuleType:
        return Namespace(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        parent, _, name = module.__name__.rpartition(".")
        setattr(sys.modules[parent], name, module)


def install() -> None:
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
