"""tf.function and tensorflow.python.eager.function.defun: Python functions that are traced into graphs, one for each
signature of their arguments, and called as one step.

Inside another graph the Python function is called again, so that its ops join that graph.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from headrace import _core, structure
from headrace.framework import IndexedSlices, Operation, SparseTensor, Tensor, convert_to_tensor, init_scope
from headrace.shapes import TensorShape
from headrace.type_specs import TensorSpec


def _is_variable(value: Any) -> bool:
    return isinstance(value, _core.Variable)


def _traces_values(value: Any) -> bool:
    """Whether an argument becomes a placeholder; all other Python values are part of the signature."""
    return isinstance(value, (Tensor, np.ndarray, np.generic)) or (
        hasattr(value, "__array__") and not _is_variable(value) and not isinstance(value, (SparseTensor, IndexedSlices))
    )


def _key(value: Any) -> Any:
    if isinstance(value, Tensor):
        return ("tensor", value.dtype.as_datatype_enum, tuple(value.shape.as_list()))
    if _is_variable(value) or not _hashable(value):
        return ("object", id(value))
    return (type(value), value)


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


class ConcreteFunction:
    """One trace: takes the tensors of a signature, gives what the Python function returned."""

    def __init__(self, python_function: Callable, name: str, template: Any, specs: list[Any]) -> None:
        self._template, self._python_function = template, python_function
        self._structure: Any = None
        self.structured_input_signature = template
        self._specs = specs
        self._native = _core.TracedFunction(name, specs, self._trace)
        self._kept = template  # what the trace saw stays alive, since its identity is the signature's

    def _trace(self, placeholders: list[Tensor]) -> list[Tensor]:
        for placeholder, (_, shape) in zip(placeholders, self._specs):
            placeholder.set_shape(shape)
        args, kwargs = _filled(self._template, placeholders)
        result = self._python_function(*args, **kwargs)
        self._structure = structure.map_structure(lambda t: None if _is_nothing(t) else _Result(), result)
        tensors = [t for t in structure.flatten(result) if not _is_nothing(t)]
        return [convert_to_tensor(t) for t in tensors]

    name = property(lambda self: self._native.name)
    graph = property(lambda self: self._native.graph)
    inputs = property(lambda self: list(self._native.inputs))
    outputs = property(lambda self: list(self._native.outputs))
    captured_inputs = property(lambda self: list(self._native.captures))
    output_dtypes = property(lambda self: self._like([t.dtype for t in self.outputs]))
    output_shapes = property(lambda self: self._like([t.shape for t in self.outputs]))

    def _like(self, values: list[Any]) -> Any:
        remaining = iter(values)
        flat = [next(remaining) if isinstance(leaf, _Result) else None for leaf in structure.flatten(self._structure)]
        return structure.pack_sequence_as(self._structure, flat)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = [a for a in structure.flatten((args, kwargs)) if _traces_values(a) or isinstance(a, (int, float, bool))]
        return self._call_flat(given)

    def _call_flat(self, tensors: list[Any]) -> Any:
        if len(tensors) != len(self._specs):
            raise TypeError(f"{self.name} takes {len(self._specs)} tensors, got {len(tensors)}")
        if not _core.executing_eagerly():
            args, kwargs = _filled(self._template, tensors)
            return self._python_function(*args, **kwargs)
        tensors = [convert_to_tensor(t, dtype) for t, (dtype, _) in zip(tensors, self._specs)]
        return self._like(self._native.call(tensors))


class _Result:
    """A place in the structure of results that a tensor takes."""


class _Slot:
    """A place in the structure of arguments that a tensor takes."""


def _is_nothing(value: Any) -> bool:
    return value is None or isinstance(value, Operation)


def _filled(template: Any, tensors: list[Any]) -> Any:
    remaining = iter(tensors)
    flat = [next(remaining) if isinstance(leaf, _Slot) else leaf for leaf in structure.flatten(template)]
    return structure.pack_sequence_as(template, flat)


class Function:
    """A Python function that is traced when it is called with a signature for the first time."""

    def __init__(
        self, python_function: Callable, name: str | None = None, input_signature: Any = None, autograph: bool = True,
        experimental_relax_shapes: bool = False,
    ) -> None:  # fmt: skip
        self._python_function = self.python_function = python_function
        self._name = name or getattr(python_function, "__name__", "function")
        self._input_signature = None if input_signature is None else tuple(input_signature)
        self._relax = experimental_relax_shapes
        self._traces: dict[Any, ConcreteFunction] = {}
        self._bound: dict[int, Function] = {}
        for leaf in structure.flatten(self._input_signature or ()):
            if not isinstance(leaf, TensorSpec):
                raise TypeError(f"Invalid input_signature {input_signature}; input_signature must be a possibly nested "
                                f"sequence of TensorSpec objects.")  # fmt: skip
        functools.update_wrapper(self, python_function)

    input_signature = property(lambda self: self._input_signature)

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        name = f"_traced_{self._name}_{id(self)}"
        bound = instance.__dict__.get(name) if hasattr(instance, "__dict__") else None
        if bound is None:
            bound = Function(
                functools.partial(self._python_function, instance), self._name, self._input_signature,
                experimental_relax_shapes=self._relax,
            )  # fmt: skip
            instance.__dict__[name] = bound
        return bound

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not _core.executing_eagerly():
            return self._python_function(*args, **kwargs)
        concrete, tensors = self._lookup(args, kwargs)
        return concrete._call_flat(tensors)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for these arguments, tensors or TensorSpecs; made if there is none yet."""
        if self._input_signature is not None and not args and not kwargs:
            args = self._input_signature
        with init_scope():
            return self._lookup(args, kwargs)[0]

    def _canonical(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Arguments by position where they have one, with defaults, so that a call has one spelling."""
        try:
            signature = inspect.signature(self._python_function)
            bound = signature.bind(*args, **kwargs)
        except ValueError:
            return args, kwargs
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def _lookup(self, args: tuple, kwargs: dict) -> tuple[ConcreteFunction, list[Any]]:
        args, kwargs = self._canonical(args, kwargs)
        if self._input_signature is not None:
            args = self._by_signature(args)
        flat = [convert_to_tensor(a) if _traces_values(a) else a for a in structure.flatten((args, kwargs))]
        tensors, keys, specs, leaves = [], [], [], []
        signature = structure.flatten(self._input_signature or ())
        for i, leaf in enumerate(flat):
            if not isinstance(leaf, (Tensor, TensorSpec)):
                keys.append(_key(leaf))
                leaves.append(leaf)
                continue
            spec = signature[i] if i < len(signature) else leaf
            shape = TensorShape(spec.shape)
            if not isinstance(leaf, TensorSpec):
                tensors.append(leaf)
            keys.append((spec.dtype.as_datatype_enum, None if shape.ndims is None else tuple(shape.as_list())))
            specs.append((spec.dtype, shape))
            leaves.append(_Slot())
        template = structure.pack_sequence_as((args, kwargs), leaves)
        key = (str(structure.map_structure(lambda _: 0, template)), tuple(keys))
        found = self._traces.get(key)
        if found is None:
            found = self._traces[key] = self._trace(template, specs)
        return found, tensors

    def _trace(self, template: Any, specs: list[Any]) -> ConcreteFunction:
        if self._relax:
            for known in self._traces.values():
                if [(d, s.ndims) for d, s in known._specs] == [(d, s.ndims) for d, s in specs]:
                    specs = [(d, _common(s, t)) for (d, s), (_, t) in zip(known._specs, specs)]
        return ConcreteFunction(self._python_function, self._name, template, specs)

    def _by_signature(self, args: tuple) -> tuple:
        signature = self._input_signature
        if len(args) != len(signature):
            raise TypeError(f"{self._name} has an input_signature of {len(signature)} arguments, got {len(args)}")
        try:
            structure.assert_same_structure(list(signature), list(args))
        except (ValueError, TypeError):
            raise ValueError("Structure of Python function inputs does not match input_signature.") from None

        def fit(spec: TensorSpec, value: Any) -> Any:
            if isinstance(value, TensorSpec):
                return value
            tensor = convert_to_tensor(value, spec.dtype if isinstance(value, (int, float, bool)) else None)
            if tensor.dtype.base_dtype != spec.dtype or not TensorShape(spec.shape).is_compatible_with(tensor.shape):
                raise ValueError(
                    f"Python inputs incompatible with input_signature: inputs: ({value}), input_signature: ({spec})"
                )
            return tensor

        flat = [fit(s, v) for s, v in zip(structure.flatten(list(signature)), structure.flatten(list(args)))]
        return tuple(structure.pack_sequence_as(list(args), flat))


def _common(a: TensorShape, b: TensorShape) -> TensorShape:
    if a.ndims is None or b.ndims is None:
        return TensorShape(None)
    return TensorShape([x if x == y else None for x, y in zip(a.as_list(), b.as_list())])


def function(
    func: Any = None, input_signature: Any = None, autograph: bool = True, experimental_autograph_options: Any = None,
    experimental_relax_shapes: bool = False, experimental_compile: Any = None,
) -> Any:  # fmt: skip
    """Traces a function into a graph when it is called, once a signature: dtypes and shapes of tensors, Python values.

    >>> import tensorflow as tf
    >>> from tensorflow.python.eager import context
    >>> @tf.function
    ... def area(a, b):
    ...     return a * b
    >>> with context.eager_mode():
    ...     area(tf.constant(2.0), tf.constant(3.0)).numpy()
    6.0

    Python's `if` and `for` run while the function is traced, not when it is called; use tf.cond and tf.while_loop.

    Args:
      input_signature: a sequence of tf.TensorSpec for a single trace that serves all calls.
      experimental_relax_shapes: whether further shapes lead to a trace of unknown sizes.
    """
    if func is None:
        return functools.partial(
            function, input_signature=input_signature, autograph=autograph,
            experimental_relax_shapes=experimental_relax_shapes,
        )  # fmt: skip
    return Function(func, None, input_signature, autograph, experimental_relax_shapes)


def defun(
    func: Any = None, input_signature: Any = None, autograph: bool = True, experimental_autograph_options: Any = None,
    experimental_relax_shapes: bool = False,
) -> Any:  # fmt: skip
    """As tf.function."""
    return function(
        func, input_signature=input_signature, autograph=autograph, experimental_relax_shapes=experimental_relax_shapes
    )


def defun_with_attributes(func: Any = None, input_signature: Any = None, attributes: Any = None, **kwargs: Any) -> Any:
    """As defun; the attributes are hints that change nothing here."""
    if func is None:
        return functools.partial(defun_with_attributes, input_signature=input_signature, attributes=attributes)
    return defun(func, input_signature=input_signature)
