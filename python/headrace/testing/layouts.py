"""Images' layouts: NHWC to NCHW and to NCHW_VECT_C (groups of four channels last), and back; shapes likewise."""

from __future__ import annotations

from typing import Any

from headrace import arrays, framework


def _permuted(value: Any, orders: dict[int, list[int]]) -> Any:
    """A tensor transposed, or a shape reordered, by the order for its rank."""
    if isinstance(value, framework.Tensor):
        return arrays.transpose(value, orders[value.shape.ndims])
    return [value[i] for i in orders[len(value)]]


def NHWCToNCHW(input_tensor: Any) -> Any:  # noqa: N802
    """[N, H, W, C] to [N, C, H, W]; [N, D, H, W, C] to [N, C, D, H, W]."""
    return _permuted(input_tensor, {4: [0, 3, 1, 2], 5: [0, 4, 1, 2, 3]})


def NCHWToNHWC(input_tensor: Any) -> Any:  # noqa: N802
    """[N, C, H, W] to [N, H, W, C]; [N, C, D, H, W] to [N, D, H, W, C]."""
    return _permuted(input_tensor, {4: [0, 2, 3, 1], 5: [0, 2, 3, 4, 1]})


def NHWCToNCHW_VECT_C(input_shape_or_tensor: Any) -> Any:  # noqa: N802
    """[N, H, W, C] to [N, C / 4, H, W, 4]. Raises ValueError unless C is a multiple of 4."""
    is_tensor = isinstance(input_shape_or_tensor, framework.Tensor)
    shape = input_shape_or_tensor.shape.as_list() if is_tensor else list(input_shape_or_tensor)
    if shape[-1] % 4:
        raise ValueError(
            f"Last dimension of input must be evenly divisible by 4 to convert to NCHW_VECT_C, got {shape}"
        )
    grouped = [*shape[:-1], shape[-1] // 4, 4]
    if is_tensor:
        return arrays.transpose(arrays.reshape(input_shape_or_tensor, grouped), [0, 3, 1, 2, 4])
    return [grouped[i] for i in (0, 3, 1, 2, 4)]


def NCHW_VECT_CToNHWC(input_shape_or_tensor: Any) -> Any:  # noqa: N802
    """[N, C / 4, H, W, 4] to [N, H, W, C]."""
    is_tensor = isinstance(input_shape_or_tensor, framework.Tensor)
    shape = input_shape_or_tensor.shape.as_list() if is_tensor else list(input_shape_or_tensor)
    nhwc = [shape[0], shape[2], shape[3], shape[1] * shape[4]]
    if is_tensor:
        return arrays.reshape(arrays.transpose(input_shape_or_tensor, [0, 2, 3, 1, 4]), nhwc)
    return nhwc
