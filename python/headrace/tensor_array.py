"""tf.TensorArray: an array of tensors that loops write and read, an element an iteration."""

from __future__ import annotations

from typing import Any

from headrace import _ops, dtypes
from headrace.framework import (
    Tensor,
    constant_value,
    control_dependencies,
    convert_to_tensor,
    name_scope,
)
from headrace.shapes import TensorShape, as_shape


class TensorArray:
    """An array whose elements are written once each and read; writes give the array to use from there on.

    The order of writes and reads follows from the arrays that are passed along (`flow`), so that one can be a variable
    of tf.while_loop, and gradients go through it.

    >>> import tensorflow as tf
    >>> array = tf.TensorArray(tf.float32, size=2).write(0, 1.0).write(1, 2.0)
    >>> with tf.Session() as sess:
    ...     sess.run(array.stack())
    array([1., 2.], dtype=float32)

    Args:
      dtype: of the elements.
      size: how many; an int or an int32 scalar tensor.
      dynamic_size: writes past the end make it larger.
      clear_after_read: an element that was read is gone (True).
      infer_shape: all elements have the shape of the first one that is written (True).
      element_shape: what is known of the elements' shape.
    """

    def __init__(
        self, dtype: Any, size: Any = None, dynamic_size: bool | None = None, clear_after_read: bool | None = None,
        tensor_array_name: str | None = None, handle: Any = None, flow: Any = None, infer_shape: bool = True,
        element_shape: Any = None, colocate_with_first_write_call: bool = True, name: str | None = None,
    ) -> None:  # fmt: skip
        if handle is not None and tensor_array_name:
            raise ValueError("Cannot construct with both handle and tensor_array_name")
        if handle is not None and not isinstance(handle, Tensor):
            raise TypeError("Handle must be a Tensor")
        if handle is None and size is None:
            raise ValueError("Size must be provided if handle is not provided")
        for given, what in ((size, "size"), (element_shape, "element_shape"), (dynamic_size, "dynamic_size"),
                            (clear_after_read, "clear_after_read")):  # fmt: skip
            if handle is not None and given is not None:
                raise ValueError(f"Cannot provide both a handle and {what} at the same time")
        self._dtype = dtypes.as_dtype(dtype).base_dtype
        self._dynamic_size = bool(dynamic_size)
        self._infer_shape = infer_shape
        self._shape = [as_shape(element_shape)]  # shared by all arrays that writes to this one give
        with name_scope(name, "TensorArray", [v for v in (handle, size, flow) if v is not None]) as scope:
            if handle is not None:
                if flow is None:
                    raise ValueError("flow must not be None if handle is not None.")
                self._handle, self._flow = handle, flow
                return
            self._handle, self._flow = _ops.tensor_array_v3(
                size, dtype=self._dtype, element_shape=element_shape, identical_element_shapes=infer_shape,
                dynamic_size=self._dynamic_size, clear_after_read=clear_after_read is None or clear_after_read,
                tensor_array_name=tensor_array_name or "", name=scope,
            )  # fmt: skip

    dtype = property(lambda self: self._dtype)
    handle = property(lambda self: self._handle)
    flow = property(lambda self: self._flow)
    element_shape = property(lambda self: self._shape[0])
    dynamic_size = property(lambda self: self._dynamic_size)

    def _with_flow(self, flow: Tensor) -> TensorArray:
        """The same array behind another flow."""
        other = TensorArray(self._dtype, handle=self._handle, flow=flow, infer_shape=self._infer_shape)
        other._dynamic_size, other._shape = self._dynamic_size, self._shape
        return other

    def _merge_shape(self, shape: TensorShape) -> None:
        if not shape.is_compatible_with(self.element_shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {self.element_shape} ")
        if self._infer_shape:
            self._shape[0] = self.element_shape.merge_with(shape)

    def _value(self, value: Any) -> Tensor:
        value = convert_to_tensor(value, name="value", preferred_dtype=self._dtype)
        if value.dtype.base_dtype != self._dtype:
            raise ValueError(
                f"TensorArray dtype is {self._dtype.name}, but Op is trying to write dtype "
                f"{value.dtype.base_dtype.name} "
            )
        return value

    def identity(self) -> TensorArray:
        """The same array; reads of it wait for the control dependencies in force."""
        return self._with_flow(_ops.identity(self._flow))

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> TensorArray:
        """The array that gathers the gradients of this one's elements, for one call of tf.gradients (`source`)."""
        flow = self._flow if flow is None else flow
        with name_scope(name, "TensorArrayGrad", [self._handle]):
            handle, _ = _ops.tensor_array_grad_v3(self._handle, flow, source=source, name=name)
            with control_dependencies([handle]):
                flow = _ops.identity(flow, name="gradient_flow")
            gradient = TensorArray(self._dtype, handle=handle, flow=flow, infer_shape=self._infer_shape)
            gradient._shape = self._shape
            return gradient

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element at `index`, an int32 scalar."""
        value = _ops.tensor_array_read_v3(self._handle, index, self._flow, dtype=self._dtype, name=name)
        if self.element_shape.ndims is not None:
            value.set_shape(self.element_shape)
        return value

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with `value` at `index`. Use what this returns from here on."""
        with name_scope(name, "TensorArrayWrite", [self._handle, index, value]):
            value = self._value(value)
            self._merge_shape(value.shape)
            return self._with_flow(_ops.tensor_array_write_v3(self._handle, index, value, self._flow, name=name))

    def stack(self, name: str | None = None) -> Tensor:
        """All elements, along a new first axis."""
        from headrace.math import range as range_

        with name_scope(name, "TensorArrayStack", [self._handle]):
            return self.gather(range_(0, self.size()), name=name)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at `indices`, an int32 vector, along a new first axis."""
        value = _ops.tensor_array_gather_v3(
            self._handle, indices, self._flow, dtype=self._dtype, element_shape=self.element_shape, name=name
        )
        if self.element_shape.ndims is not None:
            value.set_shape(TensorShape([None]).concatenate(self.element_shape))
        return value

    def concat(self, name: str | None = None) -> Tensor:
        """All elements joined along their first axis, in which they may differ."""
        known = self.element_shape
        value, _ = _ops.tensor_array_concat_v3(
            self._handle, self._flow, dtype=self._dtype, name=name,
            element_shape_except0=known[1:] if known.ndims is not None else None,
        )  # fmt: skip
        if known.ndims is not None:
            value.set_shape(TensorShape([None]).concatenate(known[1:]))
        return value

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array with the rows of `value` as its elements."""
        from headrace.arrays import shape as shape_of
        from headrace.math import range as range_

        with name_scope(name, "TensorArrayUnstack", [self._handle, value]):
            value = self._value(value)
            rows = shape_of(value)[0]
            return self.scatter(range_(0, rows), value, name=name)

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the rows of `value` at `indices`, an int32 vector."""
        with name_scope(name, "TensorArrayScatter", [self._handle, value, indices]):
            value = self._value(value)
            self._merge_shape(value.shape[1:] if value.shape.ndims is not None else TensorShape(None))
            return self._with_flow(_ops.tensor_array_scatter_v3(self._handle, indices, value, self._flow, name=name))

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array with pieces of `value`, of these lengths along the first axis, as its elements."""
        from headrace.math import cast

        with name_scope(name, "TensorArraySplit", [self._handle, value, lengths]):
            value = convert_to_tensor(value, self._dtype, "value")
            lengths = cast(convert_to_tensor(lengths), dtypes.int64)
            sizes = constant_value(lengths)
            if value.shape.ndims is not None and sizes is not None and sizes.size and sizes.max() == sizes.min():
                self._merge_shape(TensorShape([int(sizes[0])]).concatenate(value.shape[1:]))
            return self._with_flow(_ops.tensor_array_split_v3(self._handle, value, lengths, self._flow, name=name))

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements, an int32 scalar."""
        return _ops.tensor_array_size_v3(self._handle, self._flow, name=name)

    def close(self, name: str | None = None) -> Any:
        """An operation that lets go of the elements."""
        return _ops.tensor_array_close_v3(self._handle, name=name)
