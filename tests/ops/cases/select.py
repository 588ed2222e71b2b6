"""Choices by condition."""

from make_op_cases import Case, of, ramp

CASES = [
    Case("SelectV2", of("bool", [1, 0, 1]), ramp(3), ramp(3, start=5.0)),
    Case("SelectV2", of("bool", [[1], [0]]), ramp(2, 3), 9.0, name="broadcast"),
    Case("SelectV2", of("bool", [1, 0]), of("string", ["a", "b"]), of("string", "c"), name="strings"),
    Case("SelectV2", of("bool", True), of("int64", [1, 2]), of("int64", [3, 4]), name="scalar"),
    Case("Select", of("bool", [[1, 0], [0, 1]]), ramp(2, 2), ramp(2, 2, start=5.0)),
    Case("Select", of("bool", [1, 0]), ramp(2, 3), ramp(2, 3, start=5.0), name="rows"),
    Case("Select", of("bool", False), ramp(2, 3), ramp(2, 3, start=5.0), name="scalar"),
    Case("Select", of("bool", [1, 0, 1]), ramp(2, 3), ramp(2, 3), name="wrong condition"),
]
