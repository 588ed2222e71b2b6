"""The assertions of tf.test.TestCase that compare values; tensors given to them are evaluated first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from headrace.testing import values


class ArrayAssertions:
    """A mix-in of unittest.TestCase; `evaluate` gives the values of tensors."""

    def _GetNdArray(self, a: Any) -> Any:  # noqa: N802
        return values.as_array(self, a)

    # ------------------------------------------------------------------------------------------------------- near

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:  # noqa: N802
        near = f1 == f2 or math.fabs(f1 - f2) <= err
        self.assertTrue(near, f"{f1!r} != {f2!r} +/- {err!r}" + (f" ({msg})" if msg else ""))

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:  # noqa: N802
        self.assertEqual(len(farray1), len(farray2), msg)
        for first, second in zip(farray1, farray2):
            self.assertNear(float(first), float(second), err, msg)

    def assertNDArrayNear(self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None) -> None:  # noqa: N802
        distance = np.linalg.norm(np.asarray(ndarray1) - np.asarray(ndarray2))
        self.assertTrue(distance < err, f"The arrays are {distance} apart, more than {err}. {msg or ''}")

    # ------------------------------------------------------------------------------------------------------ close

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None) -> None:  # noqa: N802
        """Equal structures whose numbers satisfy |a - b| <= atol + rtol * |b|; NaNs are equal to NaNs."""
        if _ragged(a) or _ragged(b):
            a, b = _as_list(self, a), _as_list(self, b)
        self._all_close(a, b, rtol, atol, msg, "")

    def _all_close(self, a: Any, b: Any, rtol: float, atol: float, msg: Any, path: str) -> None:
        first, second = values.mapping_of(a), values.mapping_of(b)
        if (first is None) != (second is None):
            raise ValueError(f"Can't compare a {type(a).__name__} with a {type(b).__name__}{_at(path)}. {msg or ''}")
        if first is not None:
            self.assertCountEqual(first.keys(), second.keys(), f"Mismatched keys{_at(path)}. {msg or ''}")
            for key in first:
                self._all_close(first[key], second[key], rtol, atol, msg, f"{path}[{key}]")
            return
        if values.is_nest(a) and values.is_nest(b):
            try:
                self._arrays_close(self._GetNdArray(a), self._GetNdArray(b), rtol, atol, msg, path)
            except (ValueError, TypeError, NotImplementedError):  # not a rectangular list of numbers
                self.assertEqual(len(a), len(b), f"Mismatched length{_at(path)}. {msg or ''}")
                for i, (x, y) in enumerate(zip(a, b)):
                    self._all_close(x, y, rtol, atol, msg, f"{path}[{i}]")
            return
        self._arrays_close(self._GetNdArray(a), self._GetNdArray(b), rtol, atol, msg, path)

    def _arrays_close(self, a: Any, b: Any, rtol: float, atol: float, msg: Any, path: str) -> None:
        where = f"{_at(path)}. {msg or ''}"
        if isinstance(a, tuple) or isinstance(b, tuple):  # sparse tensors and slices
            for x, y in zip(a, b):
                self._arrays_close(np.asarray(x), np.asarray(y), rtol, atol, msg, path)
            return
        self.assertEqual(a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}{where}")
        a, b = values.comparable(a), values.comparable(b)
        if a.dtype == object or b.dtype == object:
            raise ValueError("not an array of numbers")
        if np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
            return
        apart = np.abs(np.asarray(a) - np.asarray(b)) > atol + rtol * np.abs(b)
        apart = np.logical_or(apart, np.isnan(a) != np.isnan(b))
        if a.ndim == 0:
            raise AssertionError(f"{a} is not close to {b} (rtol {rtol}, atol {atol}){where}")
        places = np.where(apart)
        lines = [
            f"not close where = {places}", f"not close lhs = {a[places]}", f"not close rhs = {b[places]}",
            f"not close dif = {np.abs(a[places] - b[places])}", f"dtype = {a.dtype}, shape = {a.shape}",
            f"Mismatched value: a is different from b (rtol {rtol}, atol {atol}){where}",
        ]  # fmt: skip
        raise AssertionError("\n".join(lines))

    def assertAllCloseAccordingToType(  # noqa: N802
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, float_rtol: float = 1e-6,
        float_atol: float = 1e-6, half_rtol: float = 1e-3, half_atol: float = 1e-3, bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2, msg: Any = None,
    ) -> None:  # fmt: skip
        """assertAllClose, with the tolerance of the less precise of both dtypes."""
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        kinds = (a.dtype, b.dtype)
        if np.float32 in kinds or np.complex64 in kinds:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if np.float16 in kinds:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        if values.is_bfloat16(a) or values.is_bfloat16(b):
            rtol, atol = max(rtol, bfloat16_rtol), max(atol, bfloat16_atol)
        self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)

    def assertNotAllClose(self, a: Any, b: Any, **kwargs: Any) -> None:  # noqa: N802
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements")

    # ------------------------------------------------------------------------------------------------------ equal

    def assertAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:  # noqa: N802
        """Equal shapes and equal elements; NaNs are equal to NaNs."""
        if _ragged(a) or _ragged(b):
            self.assertEqual(_as_list(self, a), _as_list(self, b), msg)
            return
        a, b = self._GetNdArray(a), self._GetNdArray(b)
        if isinstance(a, tuple) or isinstance(b, tuple):  # sparse tensors and slices
            for x, y in zip(a, b):
                self.assertAllEqual(x, y, msg)
            return
        if b.ndim <= 3 or b.size < 500:
            self.assertEqual(a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}. {msg or ''}")
        else:
            self.assertEqual(a.shape, b.shape, f"Shape mismatch. {msg or ''}")
        a, b = values.comparable(a), values.comparable(b)
        same = np.asarray(a == b)
        if _numeric(a) and _numeric(b):
            same = np.logical_or(same, np.logical_and(np.isnan(a), np.isnan(b)))
        if np.all(same):
            return
        if a.ndim == 0:
            raise AssertionError(f"{a!r} is not {b!r}. {msg or ''}")
        places = np.where(np.logical_not(same))
        lines = [f"not equal where = {places}", f"not equal lhs = {a[places]!r}", f"not equal rhs = {b[places]!r}"]
        raise AssertionError("\n".join([*lines, str(msg or "")]))

    def assertNotAllEqual(self, a: Any, b: Any, msg: Any = None) -> None:  # noqa: N802
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}")

    # ------------------------------------------------------------------------------------------------------ order

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        self.assertGreater(np.min(self._GetNdArray(a)), comparison_target)

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        self.assertLess(np.max(self._GetNdArray(a)), comparison_target)

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        self.assertGreaterEqual(np.min(self._GetNdArray(a)), comparison_target)

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:  # noqa: N802
        self.assertLessEqual(np.max(self._GetNdArray(a)), comparison_target)

    def assertAllInRange(  # noqa: N802
        self, target: Any, lower_bound: Any, upper_bound: Any, open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:  # fmt: skip
        """Every element lies between the bounds, which belong to the range unless they are open; NaN never does."""
        target = self._GetNdArray(target)
        if not np.issubdtype(target.dtype, np.number):
            raise AssertionError(f"The value has dtype {target.dtype}, which has no order to compare by")
        below = target <= lower_bound if open_lower_bound else target < lower_bound
        above = target >= upper_bound if open_upper_bound else target > upper_bound
        outside = np.logical_or(np.logical_or(below, above), np.isnan(target) if _numeric(target) else False)
        if np.any(outside):
            bounds = f"{'(' if open_lower_bound else '['}{lower_bound}, {upper_bound}{')' if open_upper_bound else ']'}"
            lines = values.subscripts(np.where(outside), target)
            raise AssertionError(
                "\n".join([f"{np.sum(outside)} of {outside.size} elements are not in {bounds}:", *lines])
            )

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:  # noqa: N802
        target = self._GetNdArray(target)
        odd = np.setdiff1d(target, list(expected_set))
        if odd.size:
            raise AssertionError(f"{odd.size} values are not in {expected_set}: {odd}")


def _numeric(array: np.ndarray) -> bool:
    return array.dtype.kind in "fc"


def _at(path: str) -> str:
    return f" at {path}" if path else ""


def _ragged(value: Any) -> bool:
    return type(value).__name__ in ("RaggedTensor", "RaggedTensorValue")


def _as_list(test: Any, value: Any) -> Any:
    if type(value).__name__ == "RaggedTensor":
        value = test.evaluate(value)
    return value.to_list() if hasattr(value, "to_list") else np.asarray(values.as_array(test, value)).tolist()
