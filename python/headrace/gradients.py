"""tf.gradients, and gradients that programs define: custom_gradient, RegisterGradient, Graph.gradient_override_map."""

from __future__ import annotations

import enum
import functools
import itertools
from collections.abc import Callable
from typing import Any

from headrace import _core, _ops, structure, tf_logging
from headrace.framework import Graph, Operation, Tensor, convert_to_tensor, get_default_graph


class UnconnectedGradients(enum.Enum):
    """What tf.gradients gives where ys do not depend on x."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How gradients that arrive at one tensor are summed. Headrace has one way, whatever is asked for."""

    ADD_N = DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def gradients(
    ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False, aggregation_method: Any = None, stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:  # fmt: skip
    """The gradients of sum(ys) by each of xs: a Tensor, an IndexedSlices, or None where ys don't depend on it.

    >>> import tensorflow as tf
    >>> x = tf.constant(3.0)
    >>> with tf.Session() as sess:
    ...     sess.run(tf.gradients(x * x, [x]))
    [6.0]

    Args:
      grad_ys: the gradients of ys, of their shapes; ones where None.
      colocate_gradients_with_ops: everything is on one device, so that this is always so.
      gate_gradients: no gradient of an operation is used before all of them are there.
      aggregation_method: one of AggregationMethod; the sums are the same.
      stop_gradients: tensors that nothing is passed through.
      unconnected_gradients: "none", or "zero" for zeros instead of None.

    Raises:
      LookupError: for an operation on the way that has no gradient.
      ValueError: for other arguments than these.
    """
    from headrace.arrays import zeros_like

    try:
        wanted = UnconnectedGradients(unconnected_gradients)
    except ValueError:
        raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}") from None
    if aggregation_method not in (None, 0, 1, 2):
        raise ValueError(f"Invalid aggregation_method specified {aggregation_method}.")
    ys, xs, grad_ys = _listed(ys), _listed(xs), _listed(grad_ys)
    if grad_ys and len(grad_ys) != len(ys):
        raise ValueError(f"Passed {len(grad_ys)} grad_ys for {len(ys)} ys")
    result = _core.gradients(ys, xs, grad_ys, _listed(stop_gradients), bool(gate_gradients), name or "gradients")
    if wanted is UnconnectedGradients.ZERO:
        result = [zeros_like(x) if gradient is None else gradient for gradient, x in zip(result, xs)]
    return result


def hessians(
    ys: Any, xs: Any, name: str = "hessians", colocate_gradients_with_ops: bool = False, gate_gradients: bool = False,
    aggregation_method: Any = None,
) -> list[Any]:  # fmt: skip
    """The second derivatives of sum(ys) by the elements of each x, of shape x.shape + x.shape."""
    from headrace.arrays import concat, reshape, shape
    from headrace.functional import map_fn
    from headrace.math import range as range_

    made = []
    for i, x in enumerate(_listed(xs)):
        (first,) = gradients(ys, x, name="gradients")
        flat = reshape(first, [-1])
        rows = map_fn(
            lambda j, flat=flat, x=x: gradients(flat[j], x)[0], range_(0, shape(flat)[0]), dtype=x.dtype
        )  # fmt: skip
        made.append(reshape(rows, concat([shape(x), shape(x)], 0), name=f"{name}_{i}"))
    return made


# ------------------------------------------------------------------------------------------------- defined by programs


class RegisterGradient:
    """Decorates the gradient function of an op, or one that Graph.gradient_override_map names.

    It is called with the operation and the gradient of each output, and returns one for each input, or None.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Callable) -> Callable:
        from headrace import errors

        try:
            _core.register_gradient(self._op_type, f)
        except errors.AlreadyExistsError:
            raise KeyError(f"Registering two gradient with name '{self._op_type}'!") from None
        return f


def NoGradient(op_type: str) -> None:  # noqa: N802
    """Declares that no gradient passes through ops of this type."""
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _core.register_gradient(op_type, lambda op, *grads: [None] * len(op.inputs))


_numbers = itertools.count()


def custom_gradient(f: Callable) -> Callable:
    """Decorates a function that returns its result and a function for the gradient.

    >>> import tensorflow as tf
    >>> @tf.custom_gradient
    ... def clip(x):
    ...     return x, lambda dy: tf.clip_by_value(dy, -1.0, 1.0)
    >>> x = tf.constant(2.0)
    >>> with tf.Session() as sess:
    ...     sess.run(tf.gradients(5.0 * clip(x), x))
    [1.0]

    The second function gets the gradient of each result and returns one for each argument; where f reads variables
    other than its arguments, it takes them as `variables` and returns a pair, theirs being the second.
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise ValueError(
                "The custom_gradient decorator currently supports keywords arguments only when eager execution is "
                "enabled."
            )
        graph = get_default_graph()
        inputs = [convert_to_tensor(x) for x in args]
        before = graph._last_id
        result, grad_fn = f(*inputs)
        results = [convert_to_tensor(x) for x in structure.flatten(result)]
        variables = _variables_read(graph, before, inputs)
        takes_variables = _takes_variables(grad_fn)
        if variables and not takes_variables:
            raise TypeError(
                "If using @custom_gradient with a function that uses variables, then grad_fn must accept a keyword "
                "argument 'variables'."
            )
        if takes_variables and not variables:
            tf_logging.warn(
                "@custom_gradient grad_fn has 'variables' in signature, but no ResourceVariables were used on the "
                "forward pass."
            )

        def gradient(op: Operation, *grads: Any) -> list[Any]:
            grads = grads[: len(results)]
            if variables:
                input_grads, variable_grads = grad_fn(*grads, variables=variables)
                if len(variable_grads) != len(variables):
                    raise ValueError("Must return gradient for each variable from @custom_gradient grad_fn.")
            else:
                input_grads, variable_grads = grad_fn(*grads), []
            return [*[None] * len(results), *structure.flatten(input_grads), *variable_grads]

        name = f"CustomGradient-{next(_numbers)}"
        RegisterGradient(name)(gradient)
        with graph.gradient_override_map({"IdentityN": name}):
            identities = _ops.identity_n([*results, *inputs, *[v.handle for v in variables]])
        return structure.pack_sequence_as(result, identities[: len(results)])

    return decorated


def _takes_variables(function: Callable) -> bool:
    import inspect

    parameters = inspect.signature(function).parameters.values()
    return any(p.name == "variables" or p.kind is p.VAR_KEYWORD for p in parameters)


def _variables_read(graph: Graph, since: int, inputs: list[Tensor]) -> list[Any]:
    """The resource variables that operations made since then take."""
    from headrace.variables import global_variables, local_variables

    known = {v.handle: v for v in [*global_variables(), *local_variables()] if v.handle.dtype.name == "resource"}
    found = []
    for operation in graph.get_operations():
        if operation._id < since:
            continue
        for tensor in operation.inputs:
            variable = known.get(tensor)
            if variable is not None and variable not in found and tensor not in inputs:
                found.append(variable)
    return found
