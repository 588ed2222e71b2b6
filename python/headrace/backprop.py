"""tf.GradientTape and the functions of tensorflow.python.eager.backprop that return gradients of functions.

When ops run at once a C++ tape records them; while a graph is built, the graph itself is the record.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from headrace import _core, structure
from headrace.framework import IndexedSlices, Tensor, convert_to_tensor, executing_eagerly, get_default_graph
from headrace.gradients import UnconnectedGradients, gradients

_VARIABLES: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()  # by the number of their handle


def remember_variable(variable: Any) -> None:
    """Tapes that watch the handle of this variable of eager execution can name the variable."""
    _VARIABLES[variable.handle._id] = variable


def _is_variable(value: Any) -> bool:
    return isinstance(value, _core.Variable)


def _zeros_like(source: Any) -> Any:
    from headrace import arrays

    return arrays.zeros_like(source)


class GradientTape:
    """Records what is computed in its `with` block, to differentiate it.

    >>> import tensorflow as tf
    >>> from tensorflow.python.eager import context
    >>> with context.eager_mode():
    ...     x = tf.constant(3.0)
    ...     with tf.GradientTape() as tape:
    ...         tape.watch(x)
    ...         y = x * x
    ...     tape.gradient(y, x).numpy()
    6.0

    Args:
      persistent: whether `gradient` may be called more than once.
      watch_accessed_variables: whether trainable variables are watched when they are read.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent, self._watch_accessed = persistent, watch_accessed_variables
        self._tape: Any = None
        self._recording = False
        self._watched: list[Any] = []
        self._made_eagerly = executing_eagerly()

    def __enter__(self) -> GradientTape:
        self._push_tape()
        return self

    def __exit__(self, *error: object) -> None:
        if self._recording:
            self._pop_tape()

    def _push_tape(self) -> None:
        if self._recording:
            raise ValueError("Tape is already recording.")
        if self._tape is None:
            self._tape = _core.Tape(self._persistent, self._watch_accessed)
        else:
            self._tape.start()
        self._recording = True

    def _pop_tape(self) -> None:
        if not self._recording:
            raise ValueError("Tape is not recording.")
        self._tape.stop()
        self._recording = False

    def watch(self, tensor: Any) -> None:
        """Records what depends on `tensor`: a Tensor, a variable or a structure of them."""
        for t in structure.flatten(tensor):
            if not (isinstance(t, Tensor) or _is_variable(t)):
                raise ValueError(f"Passed in object of type {type(t)}, not tf.Tensor")
            if not t.dtype.base_dtype.is_floating and not t.dtype.base_dtype.is_complex:
                from headrace import tf_logging

                tf_logging.log_first_n(
                    tf_logging.WARN, "The dtype of the watched tensor must be floating (e.g. tf.float32), got %r", 5,
                    t.dtype.base_dtype,
                )  # fmt: skip
                continue
            if _is_variable(t):
                self._watched.append(t)
            if executing_eagerly():
                self._tape.watch(t)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """A block that is not recorded."""
        if self._tape is None or not self._recording:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        self._pop_tape()
        try:
            yield
        finally:
            self._push_tape()

    def reset(self) -> None:
        """Forgets what was recorded."""
        self._pop_tape()
        self._tape = None
        self._watched = []
        self._push_tape()

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables that were watched, in the order of their first use."""
        if self._tape is not None:
            numbers = self._tape.watched_ids()
            if not executing_eagerly() and self._watch_accessed:
                numbers += _core.trainable_variables_in(get_default_graph())
            found = [_VARIABLES.get(number) for number in numbers]
            self._watched = list(dict.fromkeys(v for v in [*found, *self._watched] if v is not None))
        return tuple(self._watched)

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:  # fmt: skip
        """The gradients of `target` for `sources`, in the structure of `sources`.

        Args:
          output_gradients: what to weigh each target's elements by; ones by default.
          unconnected_gradients: whether sources on which nothing depends get None or zeros.
        Raises:
          RuntimeError: for a second call on a tape that is not persistent.
        """
        if self._tape is None:
            raise RuntimeError(
                "GradientTape.gradient can only be called once on non-persistent tapes, and after its `with` block."
            )
        if self._recording and not self._persistent:
            self._pop_tape()
        flat_targets = [t for t in structure.flatten(target) if t is not None]
        flat_sources = structure.flatten(sources)
        for source in flat_sources:
            if source is not None and not isinstance(source, (Tensor, _core.Variable, IndexedSlices)):
                raise ValueError(f"Passed in object of type {type(source)}, not tf.Tensor")
        weights = [] if output_gradients is None else [
            None if g is None else convert_to_tensor(g) for g in structure.flatten(output_gradients)
        ]  # fmt: skip
        results = self._differentiate(flat_targets, flat_sources, weights)
        if not self._persistent:
            self.watched_variables()  # are still asked for afterwards
            self._tape = None
        if UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO:
            results = [_zeros_like(s) if g is None else g for g, s in zip(results, flat_sources)]
        return structure.pack_sequence_as(sources, results)

    def _differentiate(self, targets: list[Any], sources: list[Any], weights: list[Any]) -> list[Any]:
        differentiable = [i for i, t in enumerate(targets) if t.dtype.base_dtype.is_floating or t.dtype.is_complex]
        weights = [weights[i] for i in differentiable] if weights else []
        targets = [targets[i] for i in differentiable]
        if not targets:
            return [None] * len(sources)
        if executing_eagerly():
            return self._tape.gradient(targets, sources, weights)
        return gradients(targets, sources, weights or None)

    def jacobian(
        self, target: Any, sources: Any, unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None, experimental_use_pfor: bool = True,
    ) -> Any:  # fmt: skip
        """The derivative of each element of `target` for each of the sources; needs a persistent tape."""
        from headrace import arrays, math

        if not executing_eagerly():
            raise NotImplementedError("GradientTape.jacobian is not available while a graph is built yet")
        rows = arrays.reshape(target, [-1])
        count = int(rows.shape[0])
        per_row = []
        for i in range(count):
            weight = arrays.reshape(arrays.one_hot(i, count, dtype=target.dtype), target.shape)
            per_row.append(structure.flatten(self.gradient(target, sources, weight, unconnected_gradients)))
        jacobians = []
        for source, parts in zip(structure.flatten(sources), zip(*per_row)):
            if any(part is None for part in parts):
                jacobians.append(None)
                continue
            shape = target.shape.as_list() + source.shape.as_list()
            jacobians.append(arrays.reshape(math.stack(list(parts)), shape))
        return structure.pack_sequence_as(sources, jacobians)


# --------------------------------------------------------------------------------------------- gradients of functions


def _parameters(f: Callable, params: Any, count: int) -> list[int]:
    if params is None:
        return list(range(count))
    import inspect

    names = list(inspect.signature(f).parameters)
    return [names.index(p) if isinstance(p, str) else int(p) for p in params]


def _as_tensors(args: Iterable[Any]) -> list[Any]:
    return [a if _is_variable(a) else convert_to_tensor(a) for a in args]


def make_vjp(f: Callable, params: Any = None, persistent: bool = True) -> Callable:
    """A function that gives f(*args) and a function from the result's gradients to those of the arguments."""

    def decorated(*args: Any, **kwds: Any) -> tuple[Any, Callable]:
        chosen = _parameters(f, params, len(args))
        tensors = list(args)
        for i in chosen:
            tensors[i] = _as_tensors([args[i]])[0]
        tape = GradientTape(persistent)
        with tape:
            for i in chosen:
                tape.watch(tensors[i])
            result = f(*tensors, **kwds)
            if result is None:
                raise ValueError("Cannot differentiate a function that returns None; did you forget to return?")
            result = structure.map_structure(lambda t: convert_to_tensor(t), result)
        sources = [tensors[i] for i in chosen]

        def vjp(dy: Any = None) -> list[Any]:
            return tape.gradient(result, sources, dy)

        return result, vjp

    return decorated


def val_and_grad_function(f: Callable, params: Any = None) -> Callable:
    """A function that gives f(*args) and its gradients for the chosen arguments (all by default)."""

    def decorated(*args: Any, **kwds: Any) -> tuple[Any, list[Any]]:
        dy = kwds.pop("dy", None)
        result, vjp = make_vjp(f, params)(*args, **kwds)
        return result, vjp(dy)

    return decorated


def gradients_function(f: Callable, params: Any = None) -> Callable:
    """A function that gives the gradients of f(*args) for the chosen arguments (all by default)."""
    both = val_and_grad_function(f, params)

    def decorated(*args: Any, **kwds: Any) -> list[Any]:
        return both(*args, **kwds)[1]

    return decorated


value_and_gradients_function = val_and_grad_function


def implicit_val_and_grad(f: Callable) -> Callable:
    """A function that gives f(*args) and (gradient, variable) for each variable that f read."""

    @functools.wraps(f)
    def decorated(*args: Any, **kwds: Any) -> tuple[Any, list[tuple[Any, Any]]]:
        with GradientTape() as tape:
            value = f(*args, **kwds)
            if value is None:
                raise ValueError(
                    f"Cannot differentiate a function that returns None; did you forget to return a value from "
                    f"{f.__name__}?"
                )
        variables = tape.watched_variables()
        if not variables:
            raise ValueError("No trainable variables were accessed while the function was being computed.")
        return value, list(zip(tape.gradient(value, list(variables)), variables))

    return decorated


def implicit_grad(f: Callable) -> Callable:
    """A function that gives (gradient, variable) for each variable that f(*args) read."""
    both = implicit_val_and_grad(f)

    @functools.wraps(f)
    def decorated(*args: Any, **kwds: Any) -> list[tuple[Any, Any]]:
        return both(*args, **kwds)[1]

    return decorated
