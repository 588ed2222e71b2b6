"""tf.make_template: a function whose variables are made in its first call and used again in each later one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from headrace import variables
from headrace.framework import GraphKeys, get_default_graph


def make_template(
    name_: str, func_: Callable, create_scope_now_: bool = False, unique_name_: str | None = None,
    custom_getter_: Any = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """`func_` with its arguments `kwargs` bound, in a variable scope that all its calls share.

    Args:
      create_scope_now_: whether the scope is made now, rather than in the first call.
      unique_name_: the scope's name as it is; `name_` is made unique.
    Raises:
      ValueError: in a later call that makes a variable.

    >>> import tensorflow as tf
    >>> def scale(x, by):
    ...     return x * by * tf.get_variable("w", initializer=2.0)
    >>> double = tf.make_template("double", scale, by=1.0)
    >>> one, two = double(1.0), double(2.0)
    >>> [v.name for v in tf.global_variables()]
    ['double/w:0']
    """
    return make_template_internal(name_, func_, create_scope_now_, unique_name_, custom_getter_, **kwargs)


def make_template_internal(
    name_: str, func_: Callable, create_scope_now_: bool = False, unique_name_: str | None = None,
    custom_getter_: Any = None, create_graph_function_: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    if create_graph_function_:
        raise ValueError("create_graph_function_ needs eager execution")
    function = functools.partial(func_, **kwargs) if kwargs else func_
    return Template(name_, function, create_scope_now_, unique_name_, custom_getter_)


class Template:
    """A function and its variable scope."""

    def __init__(
        self, name: str, func: Callable, create_scope_now: bool = False, unique_name: str | None = None,
        custom_getter: Any = None,
    ) -> None:  # fmt: skip
        if name is None:
            raise ValueError("name cannot be None.")
        self._func, self._name, self._unique_name = func, name, unique_name
        self._custom_getter = custom_getter
        self._called = False
        self._scope: Any = None
        if create_scope_now:
            with self._fresh_scope() as scope:
                self._scope = scope

    def _fresh_scope(self) -> Any:
        if self._unique_name is not None:
            return variables.variable_scope(self._unique_name, custom_getter=self._custom_getter)
        return variables.variable_scope(None, self._name, custom_getter=self._custom_getter)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._scope is None:
            with self._fresh_scope() as scope:
                self._scope = scope
                return self._call(args, kwargs, first=True)
        with variables.variable_scope(self._scope, reuse=self._called or None):
            return self._call(args, kwargs, first=not self._called)

    def _call(self, args: Any, kwargs: Any, first: bool) -> Any:
        graph = get_default_graph()
        before = len(graph.get_collection_ref(GraphKeys.GLOBAL_VARIABLES))
        trainable = len(graph.get_collection_ref(GraphKeys.TRAINABLE_VARIABLES))
        try:
            result = self._func(*args, **kwargs)
        except Exception as error:
            if self._called and not first and "does not exist" in str(error):
                raise ValueError(
                    f"Trainable variable created when calling a template after the first time, perhaps you used "
                    f"tf.Variable when you meant tf.get_variable: {error}"
                ) from error
            raise
        if first:
            self._called = True
        elif len(graph.get_collection_ref(GraphKeys.TRAINABLE_VARIABLES)) != trainable:
            made = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)[trainable:]
            raise ValueError(
                "Trainable variable created when calling a template after the first time, perhaps you used tf.Variable "
                f"when you meant tf.get_variable: {made}"
            )
        elif len(graph.get_collection_ref(GraphKeys.GLOBAL_VARIABLES)) != before:
            from headrace import tf_logging

            tf_logging.info("New variables created when calling a template after the first time")
        return result

    name = property(lambda self: self._name)
    func = property(lambda self: self._func)
    variable_scope = property(lambda self: self._scope)

    @property
    def variable_scope_name(self) -> str | None:
        """The scope's name without its last part's uniqueness undone; None before there is one."""
        if self._scope is None:
            return None
        name = self._scope.name
        return name[:-1] if name.endswith("/") else name

    def _collected(self, key: str) -> list[Any]:
        if self._scope is None:
            return []
        return get_default_graph().get_collection(key, self.variable_scope_name + "/")

    variables = property(lambda self: self.global_variables + self.local_variables)
    weights = variables
    trainable_variables = property(lambda self: self._collected(GraphKeys.TRAINABLE_VARIABLES))
    trainable_weights = trainable_variables
    global_variables = property(lambda self: self._collected(GraphKeys.GLOBAL_VARIABLES))
    local_variables = property(lambda self: self._collected(GraphKeys.LOCAL_VARIABLES))

    @property
    def non_trainable_variables(self) -> list[Any]:
        trained = set(self.trainable_variables)
        return [v for v in self.variables if v not in trained]

    non_trainable_weights = non_trainable_variables
