"""tensorflow.python.util's decorators: tf_decorator, tf_contextlib, tf_export, deprecation."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any


class TFDecorator:
    """A function in place of another, which remembers the other."""

    def __init__(
        self, decorator_name: str, target: Any, decorator_doc: str = "", decorator_argspec: Any = None
    ) -> None:
        self._decorated_target = target
        self._decorator_name = decorator_name
        self._decorator_doc = decorator_doc
        self._decorator_argspec = decorator_argspec
        for attribute in ("__name__", "__qualname__", "__module__"):
            if hasattr(target, attribute):
                setattr(self, attribute, getattr(target, attribute))
        self.__doc__ = decorator_doc or getattr(target, "__doc__", None) or ""

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self._decorated_target.__get__(instance, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._decorated_target(*args, **kwargs)

    @property
    def decorated_target(self) -> Any:
        return self._decorated_target

    @decorated_target.setter
    def decorated_target(self, target: Any) -> None:
        self._decorated_target = target

    decorator_name = property(lambda self: self._decorator_name)
    decorator_doc = property(lambda self: self._decorator_doc)
    decorator_argspec = property(lambda self: self._decorator_argspec)


def make_decorator(
    target: Any, decorator_func: Any, decorator_name: str | None = None, decorator_doc: str = "",
    decorator_argspec: Any = None,
) -> Any:  # fmt: skip
    """Marks a function as standing for `target`; it is named and documented as that."""
    import inspect

    if decorator_name is None:
        decorator_name = inspect.currentframe().f_back.f_code.co_name  # type: ignore[union-attr]
    decorator = TFDecorator(decorator_name, target, decorator_doc, decorator_argspec)
    decorator_func._tf_decorator = decorator
    for attribute in ("__name__", "__module__"):
        if hasattr(target, attribute):
            setattr(decorator_func, attribute, getattr(target, attribute))
    decorator_func.__doc__ = decorator.__doc__
    decorator_func.__wrapped__ = target
    decorator_func.__original_wrapped__ = target
    return decorator_func


def unwrap(maybe_tf_decorator: Any) -> tuple[list[TFDecorator], Any]:
    """The decorators around a function, outermost first, and what lies below them."""
    decorators: list[TFDecorator] = []
    current = maybe_tf_decorator
    while True:
        if isinstance(current, TFDecorator):
            decorators.append(current)
        elif hasattr(current, "_tf_decorator"):
            decorators.append(current._tf_decorator)
        else:
            return decorators, current
        current = decorators[-1].decorated_target


def rewrap(decorator_func: Any, previous_target: Any, new_target: Any) -> None:
    """Puts `new_target` where `previous_target` lay below a function's decorators."""
    decorators, _ = unwrap(decorator_func)
    for decorator in decorators:
        if decorator.decorated_target is previous_target:
            decorator.decorated_target = new_target


def contextmanager(target: Callable) -> Callable:
    """contextlib.contextmanager."""
    return make_decorator(target, contextlib.contextmanager(target), "contextmanager")


def tf_export(*names: Any, **options: Any) -> Callable:
    """Marks public names; has no effect here, where a table has them."""
    return lambda target: target


estimator_export = keras_export = tf_export


def remove_undocumented(module_name: str, allowed_exception_list: Any = None, doc_string_modules: Any = None) -> None:
    """Hides nothing: what a module shows is its own affair."""


def make_all(module_name: str, doc_string_modules: Any = None) -> list[str]:
    """The public names of a module."""
    import sys

    return [name for name in vars(sys.modules[module_name]) if not name.startswith("_")]


# ---------------------------------------------------------------------------------------------------------- deprecation


_warned: set[Any] = set()
_PRINT_DEPRECATION_WARNINGS = [True]


@contextlib.contextmanager
def silence() -> Any:
    """No warnings of deprecation in this block."""
    before, _PRINT_DEPRECATION_WARNINGS[0] = _PRINT_DEPRECATION_WARNINGS[0], False
    try:
        yield
    finally:
        _PRINT_DEPRECATION_WARNINGS[0] = before


def _warn(function: Any, what: str, date: str | None, instructions: str, once: bool) -> None:
    if not _PRINT_DEPRECATION_WARNINGS[0] or (once and (function, what) in _warned):
        return
    _warned.add((function, what))
    from headrace import tf_logging

    when = "in a future version" if date is None else f"after {date}"
    tf_logging.warning(
        "From %s: %s (from %s) %s will be removed %s.\nInstructions for updating:\n%s", _caller(), function.__name__,
        function.__module__, what, when, instructions,
    )  # fmt: skip


def _caller() -> str:
    import inspect

    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _checked(date: str | None, instructions: str) -> None:
    import re

    if date is not None and not re.match(r"20\d\d-[01]\d-[0123]\d", date):
        raise ValueError("Date must be YYYY-MM-DD.")
    if not instructions:
        raise ValueError("Don't deprecate things without conversion instructions!")


def deprecated(date: str | None, instructions: str, warn_once: bool = True) -> Callable:
    """A decorator: calls warn that the function is deprecated."""
    _checked(date, instructions)

    def decorate(func: Callable) -> Callable:
        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            _warn(func, "is deprecated and", date, instructions, warn_once)
            return func(*args, **kwargs)

        when = "in a future version" if date is None else f"after {date}"
        notice = f"Warning: THIS FUNCTION IS DEPRECATED. It will be removed {when}.\nInstructions for updating:"
        doc = f"{func.__doc__ or 'DEPRECATED FUNCTION'}\n\n{notice}\n{instructions}"
        return make_decorator(func, decorated, "deprecated", doc)

    return decorate


def deprecated_args(date: str | None, instructions: str, *names: Any, **options: Any) -> Callable:
    """A decorator: calls that give one of the arguments warn that it is deprecated."""
    _checked(date, instructions)
    once = options.pop("warn_once", True)
    plain = [name if isinstance(name, str) else name[0] for name in names]

    def decorate(func: Callable) -> Callable:
        import inspect

        parameters = inspect.signature(func).parameters
        missing = [name for name in plain if name not in parameters]
        if missing and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            raise ValueError(
                f"The following deprecated arguments are not present in the function signature: {missing}."
            )

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            given = {*kwargs, *list(parameters)[: len(args)]} & set(plain)
            for name in sorted(given):
                _warn(func, f"with {name} is deprecated and", date, instructions, once)
            return func(*args, **kwargs)

        return make_decorator(func, decorated, "deprecated", func.__doc__ or "")

    return decorate


def deprecated_arg_values(date: str | None, instructions: str, warn_once: bool = True, **values: Any) -> Callable:
    """A decorator: calls that give an argument one of these values warn that it is deprecated."""
    _checked(date, instructions)

    def decorate(func: Callable) -> Callable:
        import inspect

        signature = inspect.signature(func)

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind_partial(*args, **kwargs).arguments
            for name, value in values.items():
                if name in given and given[name] == value:
                    _warn(func, f"with {name}={value!r} is deprecated and", date, instructions, warn_once)
            return func(*args, **kwargs)

        return make_decorator(func, decorated, "deprecated", func.__doc__ or "")

    return decorate


def deprecated_endpoints(*args: str) -> Callable:
    return lambda func: func


def deprecated_alias(deprecated_name: str, name: str, func_or_class: Any, warn_once: bool = True) -> Any:
    """The function under an old name, whose calls warn."""

    @functools.wraps(func_or_class)
    def alias(*args: Any, **kwargs: Any) -> Any:
        _warn(func_or_class, f"as {deprecated_name} is deprecated and", None, f"Please use {name} instead.", warn_once)
        return func_or_class(*args, **kwargs)

    return alias


def deprecated_argument_lookup(new_name: str, new_value: Any, old_name: str, old_value: Any) -> Any:
    """The value of an argument that has an old and a new name. Raises ValueError if both are given."""
    if old_value is not None:
        if new_value is not None:
            raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
        return old_value
    return new_value
