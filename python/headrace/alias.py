"""Makes `tensorflow` and its submodules out of the tables in headrace.api and headrace.views.

A module of a table (tensorflow.estimator, tensorflow.compat.v1.train, tensorflow.python.ops.math_ops, …) is made when
it is first imported or read; a name in it is looked up in its implementation when it is first used. So
`import tensorflow` loads little. The tables of private modules are read when the first private module is.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
from typing import Any

from headrace import api

_ROOT = "tensorflow"
_ESTIMATOR = "tensorflow_estimator"
# Each of these shows the same API as the root.
_SAME = ("compat.v1.", "_api.v1.", "compat.v1.compat.v1.")
# The packages whose modules are private, tf.contrib among them: its modules' layout is that of its sources.
_PRIVATE = ("python", "core", "contrib", "compiler")


def _table_path(module: str) -> str:
    """tensorflow.compat.v1.train -> train: where the table has the module."""
    path = module.removeprefix(_ROOT + ".") if module != _ROOT else ""
    for prefix in _SAME:
        if (path + ".").startswith(prefix):
            path = path[len(prefix) :]
    return path


def _is_private(path: str) -> bool:
    return path.partition(".")[0] in (*_PRIVATE, _ESTIMATOR)


class Namespace(types.ModuleType):
    """A module of the public API, or a view of a private one."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"TensorFlow 1.15's `{name.replace(_ROOT, 'tf', 1)}`, by Headrace.")
        self.__dict__["_table_path"] = _table_path(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lookup(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets a name where it is implemented, so that a program changes what the implementation sees."""
        place = self._place(name) or self.__dict__.get("_deleted", {}).pop(name, None)
        if place is None:
            super().__setattr__(name, value)
        else:
            setattr(*place, value)

    def __delattr__(self, name: str) -> None:
        """Deletes a name where it is implemented; set again, it is put back there."""
        place = self._place(name)
        if place is None or name in self.__dict__:
            super().__delattr__(name)
        else:
            self.__dict__.setdefault("_deleted", {})[name] = place
            delattr(*place)

    def _place(self, name: str) -> tuple[types.ModuleType, str] | None:
        """The module that implements a name of a private module, and its name there."""
        path = self.__dict__.get("_table_path", "")
        if not _is_private(path) or name.startswith("__"):
            return None
        from headrace import views

        try:
            module, attribute = views.locate(path, name)
        except LookupError:
            return None
        return module, attribute or name

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *names_in(self._table_path)})


def names_in(path: str) -> set[str]:
    """The names of a module of a table, submodules included."""
    if _is_private(path):
        from headrace import views

        return views.names_in(path)
    prefix = path + "." if path else ""
    children = {m[len(prefix) :].split(".")[0] for m in api.MODULES if m.startswith(prefix) and m != path}
    if path == "compat":
        children.add("v1")
    if not path:
        children.update(_PRIVATE)
    return {*api.MODULES.get(path, {}), *children}


def _public(path: str, name: str) -> Any:
    """The value of a name in the table of the public API; raises LookupError."""
    source, _, attribute = api.MODULES.get(path, {})[name].partition(":")
    value = importlib.import_module(f"headrace.{source}")
    return getattr(value, attribute) if attribute else value


def _find(path: str, name: str) -> Any:
    if _is_private(path):
        from headrace import views

        return views.find(path, name)
    return _public(path, name)


def lookup(module: types.ModuleType, name: str) -> Any:
    """The value of a name of a module, kept in the module from then on.

    Raises:
      AttributeError: saying whether TensorFlow has it.
    """
    path = module.__dict__.get("_table_path", "")
    try:
        value = _find(path, name)
    except LookupError:
        if name.startswith("__"):
            raise AttributeError(f"module '{module.__name__}' has no attribute '{name}'", name=name, obj=None) from None
        if name not in names_in(path) or name in api.MODULES.get(path, {}):
            raise AttributeError(_absent(module.__name__, path, name), name=name, obj=None) from None
        value = importlib.import_module(f"{module.__name__}.{name}")
    if not _is_private(path) or isinstance(value, types.ModuleType):  # what is private may change
        module.__dict__[name] = value
    return value


def _absent(module: str, path: str, name: str) -> str:
    from headrace import absent

    return absent.explain(module.replace(_ROOT + ".", "tf.", 1) if module != _ROOT else "tf", path, name)


class Finder:
    """Imports the tables' modules: finder and loader in one."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if not name.startswith((_ROOT + ".", _ESTIMATOR + ".")):
            return None
        if self._knows(_table_path(name), name):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        parent, _, last = name.rpartition(".")
        # `from tensorflow import x` swallows an error that names the module it looks for, and says less itself.
        raise ModuleNotFoundError(_absent(parent, _table_path(parent), last), name=last)

    def _knows(self, place: str, name: str) -> bool:
        if _is_private(place):
            from headrace import views

            return views.has_module(place)
        below = name.removeprefix(_ROOT + ".")
        return place in ("", "compat") or place in api.MODULES or bool(names_in(place)) or any(
            same.startswith(below + ".") for same in _SAME
        )  # fmt: skip

    def create_module(self, spec: Any) -> types.ModuleType:
        return Namespace(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        parent, _, name = module.__name__.rpartition(".")
        sys.modules[parent].__dict__[name] = module


def install() -> None:
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
