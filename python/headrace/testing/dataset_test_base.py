"""The base class of TensorFlow's tests of tf.data."""

from __future__ import annotations

import re
from typing import Any

from headrace import arrays, data, data_structure, dtypes, errors, framework
from headrace.testing import combinations
from headrace.testing.test_case import TensorFlowTestCase


def default_test_combinations() -> Any:
    return combinations.combine(tf_api_version=[1, 2], mode=["eager", "graph"])


class DatasetTestBase(TensorFlowTestCase):
    """A test case with assertions about the elements of datasets."""

    def assert_op_cancelled(self, op: Any) -> None:
        with self.assertRaises(errors.CancelledError):
            self.evaluate(op)

    def assertValuesEqual(self, expected: Any, actual: Any) -> None:  # noqa: N802
        if isinstance(expected, (framework.SparseTensor, framework.SparseTensorValue)):
            for part in ("indices", "values", "dense_shape"):
                self.assertAllEqual(getattr(expected, part), getattr(actual, part))
        else:
            self.assertAllEqual(expected, actual)

    def getNext(self, dataset: Any, requires_initialization: bool = False, shared_name: str | None = None) -> Any:  # noqa: N802
        """A function whose result, when evaluated, is the next element."""
        if framework.executing_eagerly() or framework.get_default_graph().building_function:
            iterator = iter(dataset)
            return getattr(iterator, "_next_internal", iterator.__next__)
        if requires_initialization:
            iterator = data.make_initializable_iterator(dataset, shared_name)
            self.evaluate(iterator.initializer)
        else:
            iterator = data.make_one_shot_iterator(dataset)
        element = iterator.get_next()
        return lambda: element.stack() if hasattr(element, "stack") else element

    def _compareOutputToExpected(self, result_values: Any, expected_values: Any, assert_items_equal: bool) -> None:  # noqa: N802
        if assert_items_equal:
            self.assertCountEqual(result_values, expected_values)
            return
        for result, expected in zip(result_values, expected_values):
            data_structure.assert_same_structure(result, expected)
            for ours, theirs in zip(data_structure.flatten(result), data_structure.flatten(expected)):
                self.assertValuesEqual(theirs, ours)

    def assertDatasetProduces(  # noqa: N802
        self, dataset: Any, expected_output: Any = None, expected_shapes: Any = None, expected_error: Any = None,
        requires_initialization: bool = False, num_test_iterations: int = 1, assert_items_equal: bool = False,
        expected_error_iter: int = 1,
    ) -> None:  # fmt: skip
        """A dataset gives these elements and then ends, or raises an error.

        Args:
          expected_error: the error's class, and a pattern or function for its message.
          assert_items_equal: whether the order is left open.
          expected_error_iter: with which element the error comes.
        """
        self.assertTrue(
            (expected_error is None) != (expected_output is None),
            "Exactly one of expected_output or expected error should be provided.",
        )
        if expected_error:
            with self.assertRaisesWithPredicateMatch(*expected_error):
                get_next = self.getNext(dataset, requires_initialization)
                for _ in range(expected_error_iter):
                    self.evaluate(get_next())
            return
        if expected_shapes:
            self.assertEqual(expected_shapes, data.get_output_shapes(dataset))
        self.assertGreater(num_test_iterations, 0)
        for _ in range(num_test_iterations):
            get_next = self.getNext(dataset, requires_initialization)
            results = [self.evaluate(get_next()) for _ in range(len(expected_output))]
            self._compareOutputToExpected(results, expected_output, assert_items_equal)
            for _ in range(2):
                with self.assertRaises(errors.OutOfRangeError):
                    self.evaluate(get_next())

    def assertDatasetsEqual(self, dataset1: Any, dataset2: Any) -> None:  # noqa: N802
        """Two datasets have the same types and give the same elements."""
        self.assertEqual(data.get_output_types(dataset1), data.get_output_types(dataset2))
        types = data_structure.flatten(data.get_output_types(dataset1))
        next1, next2 = self.getNext(dataset1), self.getNext(dataset2)
        while True:
            try:
                first = self.evaluate(next1())
            except errors.OutOfRangeError:
                with self.assertRaises(errors.OutOfRangeError):
                    self.evaluate(next2())
                return
            pairs = list(zip(data_structure.flatten(first), data_structure.flatten(self.evaluate(next2()))))
            self.assertEqual(len(pairs), len(types))
            for kind, (ours, theirs) in zip(types, pairs):
                if kind == dtypes.string or isinstance(ours, framework.SparseTensorValue):
                    self.assertValuesEqual(ours, theirs)
                else:
                    self.assertAllClose(ours, theirs)

    def assertDatasetsRaiseSameError(  # noqa: N802
        self, dataset1: Any, dataset2: Any, exception_class: Any, replacements: Any = None
    ) -> None:
        """The first element of both raises the error, with the same message."""
        next1, next2 = self.getNext(dataset1), self.getNext(dataset2)
        with self.assertRaises(exception_class) as raised:
            self.evaluate(next1())
        message = raised.exception.message
        for old, new, count in replacements or []:
            message = message.replace(old, new, count)
        with self.assertRaisesRegex(exception_class, re.escape(message)):
            self.evaluate(next2())

    def structuredDataset(self, dataset_structure: Any, shape: Any = None, dtype: Any = dtypes.int64) -> Any:  # noqa: N802
        """A dataset of one element of zeros, nested as the structure of None is."""
        if dataset_structure is None:
            return data.Dataset.from_tensors(arrays.zeros(shape or [], dtype=dtype))
        return data.Dataset.zip(tuple(self.structuredDataset(part, shape, dtype) for part in dataset_structure))

    def structuredElement(self, element_structure: Any, shape: Any = None, dtype: Any = dtypes.int64) -> Any:  # noqa: N802
        if element_structure is None:
            return arrays.zeros(shape or [], dtype=dtype)
        return tuple(self.structuredElement(part, shape, dtype) for part in element_structure)
