"""tf.Variable, tf.get_variable and variable scopes, over their C++ implementation."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from headrace import _core, _ops, dtypes, state
from headrace.control_flow import group
from headrace.framework import GraphKeys, Tensor, _extend, _session, get_default_graph, init_scope, name_scope
from headrace.refusal import refuse
from headrace.shapes import TensorShape


class VariableSynchronization(enum.Enum):
    """When copies of a variable are brought together; there is one copy here."""

    AUTO, NONE, ON_WRITE, ON_READ = range(4)


class VariableAggregation(enum.Enum):
    """How updates of a variable's copies are joined; there is one copy here."""

    NONE, SUM, MEAN, ONLY_FIRST_REPLICA = range(4)


class _ReuseMode(enum.Enum):
    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE


def _remembered(variable: Any) -> Any:
    """Lets gradient tapes find the variable by its handle, if ops run at once."""
    if _core.executing_eagerly():
        from headrace.backprop import remember_variable

        remember_variable(variable)
    return variable


def _is_traced_eagerly() -> bool:
    """Whether a function is being traced whose calls run at once: variables are made outside of it."""
    if not get_default_graph().building_function:
        return False
    with _core.init_context():
        return _core.executing_eagerly()


class _VariableClass(type):
    """Makes tf.Variable(...) return a C++ variable, and isinstance(x, tf.Variable) hold for all of them."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _core.Variable)

    def __call__(
        cls, initial_value: Any = None, trainable: bool | None = None, collections: Any = None,
        validate_shape: bool = True, caching_device: Any = None, name: str | None = None, variable_def: Any = None,
        dtype: Any = None, expected_shape: Any = None, import_scope: Any = None, constraint: Any = None,
        use_resource: bool | None = None, synchronization: Any = None, aggregation: Any = None, shape: Any = None,
    ) -> Any:  # fmt: skip
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        refuse("tf.Variable", caching_device=caching_device, variable_def=variable_def, import_scope=import_scope)
        if collections is not None and not isinstance(collections, (list, tuple, set)):
            raise ValueError(
                f"collections argument to Variable constructor must be a list, tuple, or set. Got {collections!r} of "
                f"type {type(collections)}"
            )
        if not validate_shape:
            refuse("tf.Variable", validate_shape="False")
        _check_enumerations(synchronization, aggregation)
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        if _is_traced_eagerly():
            with init_scope():
                return cls(
                    initial_value, trainable, collections, validate_shape, caching_device, name, variable_def, dtype,
                    expected_shape, import_scope, constraint, use_resource, synchronization, aggregation, shape,
                )  # fmt: skip
        variable = _core.make_variable(
            initial_value, dtype, name or "Variable", trainable=trainable is not False, collections=collections,
            use_resource=use_resource, constraint=constraint,
        )  # fmt: skip
        _check_shape(variable, expected_shape if shape is None else shape)
        variable.constraint = constraint
        return _remembered(variable)


def _check_enumerations(synchronization: Any, aggregation: Any) -> None:
    if synchronization is not None and not isinstance(synchronization, VariableSynchronization):
        raise ValueError(f"Invalid variable synchronization mode: {synchronization}")
    if aggregation is not None and not isinstance(aggregation, VariableAggregation):
        raise ValueError(f"Invalid variable aggregation mode: {aggregation}")


def _check_shape(variable: Any, wanted: Any) -> None:
    if wanted is not None and not TensorShape(wanted).is_compatible_with(variable.shape):
        raise ValueError(f"The initial value's shape ({variable.shape}) is not compatible with {TensorShape(wanted)}")


class Variable(metaclass=_VariableClass):
    """State that survives runs. `Variable(initial_value)` takes a value, a tensor, or a function that gives one.

    >>> import tensorflow as tf
    >>> x = tf.Variable(2.0, name="x")
    >>> with tf.Session() as session:
    ...     _ = session.run(x.initializer)
    ...     session.run(x + 1.0)
    3.0
    """


_Native = _core.Variable


@_extend(_Native)
def get_shape(self: Any) -> TensorShape:
    return self.shape


@_extend(_Native)
def numpy(self: Any) -> Any:
    """The current value, if ops run at once."""
    if not _core.executing_eagerly():
        raise NotImplementedError("numpy() is only available when eager execution is enabled.")
    return self.read_value().numpy()


@_extend(_Native)
def initialized_value(self: Any) -> Tensor:
    """The value, safe to use in another variable's initial value."""
    return self.initial_value


@_extend(_Native)
def eval(self: Any, session: Any = None) -> Any:  # noqa: A001
    """The current value, in the default session or the one given."""
    return _session(session).run(self)


@_extend(_Native)
def load(self: Any, value: Any, session: Any = None) -> None:
    """Sets the value from Python."""
    _session(session).run(self.initializer, {self.initializer.inputs[1]: value})


def _assignment(ref_op: str, resource_op: str, default_name: str) -> Any:
    def assign(
        self: Any, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        with name_scope(name, default_name) as scope:
            if not self._is_resource:
                return getattr(_ops, ref_op)(self, value, use_locking=use_locking, name=scope)
            value = _core.convert_to_tensor(value, self.dtype.base_dtype, "value", None)
            update = getattr(_ops, resource_op)(self.handle, value)
            if not read_value:
                return update
            if _core.executing_eagerly():
                return self.read_value()
            with _core.control_context(get_default_graph(), [update]):
                return _ops.read_variable_op(self.handle, self.dtype.base_dtype)

    assign.__name__ = default_name.lower()
    assign.__doc__ = f"The op {ref_op} on this variable; gives its new value."
    return assign


_Native.assign = _assignment("assign", "assign_variable_op", "Assign")
_Native.assign_add = _assignment("assign_add", "assign_add_variable_op", "AssignAdd")
_Native.assign_sub = _assignment("assign_sub", "assign_sub_variable_op", "AssignSub")
_Native.device = property(lambda self: self.op.device)
_Native._shared_name = property(lambda self: self.name[:-2])
_Native.constraint = None
_Native.synchronization = VariableSynchronization.AUTO
_Native.aggregation = VariableAggregation.NONE
_Native.__repr__ = lambda self: f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}>"
_Native._as_graph_element = lambda self: self._graph_element
_Native.count_up_to = state.count_up_to
state.install(_Native)
_Native.__array_priority__ = 100


def _no_iteration(self: Any) -> Any:
    raise TypeError("'Variable' object is not iterable.")


_Native.__iter__ = _no_iteration


def assign(ref: Any, value: Any, validate_shape: Any = None, use_locking: Any = None, name: str | None = None) -> Any:
    """Sets a variable; gives its new value."""
    return ref.assign(value, name=name)


def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    return ref.assign_add(value, name=name)


def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    return ref.assign_sub(value, name=name)


# ------------------------------------------------------------------------------------------------------ get_variable


def get_variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
    trainable: bool | None = None, collections: Any = None, caching_device: Any = None, partitioner: Any = None,
    validate_shape: bool = True, use_resource: bool | None = None, custom_getter: Any = None, constraint: Any = None,
    synchronization: Any = None, aggregation: Any = None,
) -> Any:  # fmt: skip
    """The variable of this name in the current variable scope: made, or shared if the scope reuses variables.

    Args:
      shape: fully defined; may be left out if `initializer` is a value.
      initializer: an initializer such as tf.zeros_initializer(), a function of (shape, dtype), or a value.
    Raises:
      ValueError: if it exists and is not to be reused, or the other way round.
    """
    refuse("get_variable", caching_device=caching_device)
    if not validate_shape:
        refuse("get_variable", validate_shape="False")
    _check_enumerations(synchronization, aggregation)
    if _is_traced_eagerly():
        with init_scope():
            return get_variable(
                name, shape, dtype, initializer, regularizer, trainable, collections, caching_device, partitioner,
                validate_shape, use_resource, custom_getter, constraint, synchronization, aggregation,
            )  # fmt: skip
    getter = custom_getter or _custom_getter()
    arguments = dict(
        dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable, collections=collections,
        partitioner=partitioner, use_resource=use_resource, constraint=constraint,
    )  # fmt: skip
    if getter is None:
        return _get_variable(name, shape, **arguments)
    scope = _core.current_variable_scope().name
    full_name = f"{scope}/{name}" if scope else name

    def true_getter(name: str, shape: Any = None, **kwargs: Any) -> Any:
        prefix = scope + "/"
        inner = name[len(prefix) :] if scope and name.startswith(prefix) else name
        return _get_variable(inner, shape, **{k: v for k, v in kwargs.items() if k in arguments})

    return getter(true_getter, full_name, shape=shape, **arguments)


def _get_variable(name: str, shape: Any = None, constraint: Any = None, **options: Any) -> Any:
    if constraint is not None and not callable(constraint):
        raise ValueError("The `constraint` argument must be a callable.")
    initializer = options.pop("initializer", None)
    trainable = options.pop("trainable", None)
    if isinstance(initializer, type):
        initializer = initializer()
    if initializer is not None and not callable(initializer):
        value = initializer if isinstance(initializer, Tensor) else _core.to_numpy(initializer, options["dtype"])
        if shape is not None:
            raise ValueError("If initializer is a constant, do not specify shape.")
        shape = TensorShape(value.shape)
        options["dtype"] = options["dtype"] or dtypes.as_dtype(value.dtype).base_dtype
        initializer = (lambda *_, **__: value) if isinstance(value, Tensor) else _core.value_initializer(value)
    elif initializer is not None and not hasattr(initializer, "_native"):
        initializer = _called_flexibly(initializer)
    if shape is None:  # of one that exists, or an error
        return _core.get_variable(name, None, trainable=trainable is not False, **options)
    if not TensorShape(shape).is_fully_defined():
        raise ValueError(
            f"Shape of a new variable ({name}) must be fully defined, but instead was {TensorShape(shape)}."
        )
    variable = _core.get_variable(
        name, TensorShape(shape), initializer=initializer, trainable=trainable is not False, constraint=constraint,
        **options,
    )  # fmt: skip
    if constraint is not None:
        variable.constraint = constraint
    return _remembered(variable)


def _called_flexibly(initializer: Callable) -> Callable:
    """1.15 calls initializers as f(shape, dtype=…, partition_info=…); many users' functions take less."""
    import inspect

    try:
        parameters = inspect.signature(initializer).parameters
    except (TypeError, ValueError):
        return initializer
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if takes_any or "dtype" in parameters:
        return lambda shape, dtype: initializer(shape.as_list(), dtype=dtype)
    return (lambda shape, dtype: initializer(shape.as_list())) if parameters else lambda shape, dtype: initializer()


# ------------------------------------------------------------------------------------------------------------- scopes


class VariableScope:
    """What is in force inside a `tf.variable_scope` block; can be passed to variable_scope() to enter it again."""

    def __init__(self, state: Any, custom_getter: Any = None) -> None:
        self._state = state
        self._custom_getter = custom_getter

    name = property(lambda self: self._state.name)
    original_name_scope = property(lambda self: self._state.original_name_scope)
    reuse = property(lambda self: self._current().reuse)
    dtype = property(lambda self: self._state.dtype)
    use_resource = property(lambda self: self._state.use_resource)
    custom_getter = property(lambda self: self._custom_getter)

    def _current(self) -> Any:
        current = _core.current_variable_scope()
        return current if current.name == self._state.name else self._state

    def _change(self, **options: Any) -> None:
        _core.change_variable_scope(**options)
        self._state = _core.current_variable_scope()

    def reuse_variables(self) -> None:
        """From here on, get_variable returns the existing variables of this scope."""
        self._change(reuse=True)

    def set_initializer(self, initializer: Any) -> None:
        self._change(initializer=initializer)

    def set_regularizer(self, regularizer: Any) -> None:
        self._change(regularizer=regularizer)

    def set_partitioner(self, partitioner: Any) -> None:
        self._change(partitioner=partitioner)

    def set_dtype(self, dtype: Any) -> None:
        self._change(dtype=dtype)

    def set_use_resource(self, use_resource: bool) -> None:
        self._change(use_resource=use_resource)

    def set_custom_getter(self, custom_getter: Any) -> None:
        self._custom_getter = custom_getter
        _getters().append(custom_getter)

    def get_variable(self, *args: Any, **kwargs: Any) -> Any:
        return get_variable(*args, **kwargs)

    def get_collection(self, name: str) -> list[Any]:
        return get_default_graph().get_collection(name, self.name + "/" if self.name else "")

    def global_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def trainable_variables(self) -> list[Any]:
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)


def _getters() -> list[Any]:
    """The custom getters in force on the current graph, innermost last."""
    return get_default_graph()._state.setdefault("custom_getters", [])


def _custom_getter() -> Any:
    getters = _getters()
    return getters[-1] if getters else None


class variable_scope:  # noqa: N801
    """A `with` block that puts variables under a name, and says whether get_variable shares existing ones.

    Args:
      name_or_scope: a name, a VariableScope to enter again, or None with `default_name` for a fresh unique name.
      reuse: True shares, tf.AUTO_REUSE shares what exists, None or False inherits.
    """

    def __init__(
        self, name_or_scope: Any, default_name: str | None = None, values: Any = None, initializer: Any = None,
        regularizer: Any = None, caching_device: Any = None, partitioner: Any = None, custom_getter: Any = None,
        reuse: Any = None, dtype: Any = None, use_resource: bool | None = None, constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:  # fmt: skip
        if name_or_scope is None and default_name is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if reuse not in (None, True, False, AUTO_REUSE):
            raise ValueError(f"The reuse parameter must be True or False or None, got {reuse!r}")
        self._name, self._default_name = name_or_scope, default_name
        self._getter = custom_getter
        self._options = dict(
            initializer=initializer, regularizer=regularizer, partitioner=partitioner, reuse=reuse, dtype=dtype,
            use_resource=use_resource, name_scope=auxiliary_name_scope,
        )  # fmt: skip

    def __enter__(self) -> VariableScope:
        getter = self._getter
        if isinstance(self._name, VariableScope):
            self._context = _core.variable_scope_again(self._name._state, **self._options)
            getter = getter or self._name.custom_getter
        elif self._name is None:
            if self._options["reuse"]:
                raise ValueError("reuse=True cannot be used without a name_or_scope")
            self._context = _core.variable_scope_unique(self._default_name, **self._options)
        else:
            self._context = _core.variable_scope_by_name(self._name, **self._options)
        state = self._context.__enter__()
        self._graph_getters = _getters()
        self._depth = len(self._graph_getters)
        if getter is not None:
            outer = self._graph_getters[-1] if self._graph_getters else None
            self._graph_getters.append(getter if outer is None else _chained(getter, outer))
        return VariableScope(state, getter)

    def __exit__(self, *error: object) -> None:
        del self._graph_getters[self._depth :]
        self._context.__exit__(*error)


def _chained(inner: Callable, outer: Callable) -> Callable:
    return lambda getter, *args, **kwargs: inner(lambda *a, **k: outer(getter, *a, **k), *args, **kwargs)


def get_variable_scope() -> VariableScope:
    return VariableScope(_core.current_variable_scope(), _custom_getter())


def no_regularizer(_: Any) -> None:
    """Says that a variable has no regularizer although its scope has one."""


# -------------------------------------------------------------------------------------------------------- collections


def _collection(key: str, doc: str) -> Any:
    def variables(scope: str | None = None) -> list[Any]:
        return get_default_graph().get_collection(key, scope)

    variables.__name__ = key
    variables.__doc__ = doc
    return variables


global_variables = _collection(GraphKeys.GLOBAL_VARIABLES, "The graph's variables that are saved.")
local_variables = _collection(GraphKeys.LOCAL_VARIABLES, "The variables of this process alone, which are not saved.")
trainable_variables = _collection(GraphKeys.TRAINABLE_VARIABLES, "The variables that optimizers change.")
model_variables = _collection(GraphKeys.MODEL_VARIABLES, "The variables that inference needs.")
moving_average_variables = _collection(GraphKeys.MOVING_AVERAGE_VARIABLES, "Variables with a moving average.")
all_variables = global_variables


def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """An operation that gives these variables their initial values."""
    return group(*[v.initializer for v in var_list], name=name)


initialize_variables = variables_initializer


def global_variables_initializer() -> Any:
    return variables_initializer(global_variables())


def local_variables_initializer() -> Any:
    return variables_initializer(local_variables())


initialize_all_variables = global_variables_initializer


def is_variable_initialized(variable: Any) -> Tensor:
    if variable._is_resource:
        return _ops.var_is_initialized_op(variable.handle)
    return _ops.is_variable_initialized(variable)


def report_uninitialized_variables(var_list: Any = None, name: str = "report_uninitialized_variables") -> Tensor:
    """The names of the variables that have no value yet, a string vector."""
    from headrace.arrays import boolean_mask
    from headrace.framework import constant
    from headrace.math import stack

    if var_list is None:
        var_list = global_variables() + local_variables()
    with name_scope(name):
        if not var_list:
            return constant([], dtypes.string)
        missing = _ops.logical_not(stack([is_variable_initialized(v) for v in var_list]))
        return boolean_mask(constant([v.name[:-2] for v in var_list]), missing)


def _fixed(parts: int, axis: int) -> Callable:
    def partition(shape: Any, dtype: Any = None) -> list[int]:
        sizes = [1] * len(shape)
        sizes[axis] = parts
        return sizes

    return partition


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Callable:
    return _fixed(num_shards, axis)


def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Callable:
    """Parts of at least `min_slice_size` bytes, at most `max_partitions` of them, along one axis."""

    def partition(shape: Any, dtype: Any) -> list[int]:
        element = bytes_per_string_element if dtype == dtypes.string else dtype.size
        sizes = [1] * len(shape)
        total = TensorShape(shape).num_elements() * element
        sizes[axis] = max(1, min(max_partitions, int(shape[axis]), total // min_slice_size))
        return sizes

    return partition


def disable_resource_variables() -> None:
    """From here on, get_variable makes reference variables, as it does by default."""
    _core.change_variable_scope(use_resource=False)


def enable_resource_variables() -> None:
    """From here on, get_variable makes resource variables in the current graph."""
    _core.change_variable_scope(use_resource=True)


def resource_variables_enabled() -> bool:
    return _core.current_variable_scope().use_resource


def tables_initializer(name: str = "init_all_tables") -> Any:
    """An operation that fills the graph's lookup tables."""
    return group(*get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS), name=name)
