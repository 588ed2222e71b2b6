"""tensorflow.python.util.tf_inspect: the standard inspect, looking through decorators of TensorFlow's kind."""

from __future__ import annotations

import collections
import functools
import inspect
from inspect import (  # noqa: F401
    currentframe,
    getcallargs,
    getdoc,
    getfile,
    getframeinfo,
    getmembers,
    getmodule,
    getmro,
    getsource,
    getsourcefile,
    getsourcelines,
    isbuiltin,
    isclass,
    isframe,
    isfunction,
    isgenerator,
    isgeneratorfunction,
    ismethod,
    ismodule,
    isroutine,
    stack,
)  # fmt: skip
from typing import Any

ArgSpec = collections.namedtuple("ArgSpec", ["args", "varargs", "keywords", "defaults"])
FullArgSpec = inspect.FullArgSpec


def _target(obj: Any) -> Any:
    """What lies below decorators, the first that declares its own arguments being kept."""
    while hasattr(obj, "_tf_decorator"):
        decorator = obj._tf_decorator
        if decorator.decorator_argspec is not None:
            return decorator
        obj = decorator.decorated_target
    return obj


def getfullargspec(obj: Any) -> Any:
    """The arguments of a function, a class's __init__, or an object's __call__."""
    target = _target(obj)
    spec = getattr(target, "decorator_argspec", None)
    if spec is not None:
        return spec if isinstance(spec, FullArgSpec) else FullArgSpec(*spec, [], None, {})
    if isinstance(target, functools.partial):
        return inspect.getfullargspec(target.func)
    return inspect.getfullargspec(target)


def getargspec(obj: Any) -> Any:
    """The (args, varargs, keywords, defaults) of a function; of a partial, what is left of them.

    Raises:
      ValueError: for a partial in which an argument without default follows one that is bound.
    """
    if isinstance(obj, functools.partial):
        return _argspec_of_partial(obj)
    return ArgSpec(*getfullargspec(obj)[:4])


def _argspec_of_partial(obj: functools.partial) -> Any:
    full = getfullargspec(obj.func)
    if full.kwonlyargs:
        raise ValueError("Python2's ArgSpec can't express keyword-only arguments")
    args = full.args[len(obj.args) :]
    defaults = dict(zip(full.args[len(full.args) - len(full.defaults or ()) :], full.defaults or ()))
    defaults.update({name: value for name, value in obj.keywords.items() if name in args})
    first = next((i for i, name in enumerate(args) if name in defaults), len(args))
    without = [name for name in args[first:] if name not in defaults]
    if without:
        raise ValueError(
            f"Some arguments {without} do not have default value, but they are positioned after those with default "
            "values. This can not be expressed with ArgSpec."
        )
    return ArgSpec(args, full.varargs, full.varkw, tuple(defaults[name] for name in args[first:]) or None)
