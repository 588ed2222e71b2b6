"""Diagonals and bands of matrices, and rotations along axes."""

from make_op_cases import Case, each, of, ramp

CASES = [
    each("Diag", ("float32", "float64", "int32", "int64"), [1, 2, 3]),
    Case("Diag", ramp(2, 3), name="of a matrix"),
    Case("Diag", ramp(0), name="empty"),
    Case("DiagPart", ramp(3, 3)),
    Case("DiagPart", ramp(2, 3, 2, 3), name="rank 4"),
    Case("DiagPart", ramp(2, 3), name="not square"),
    Case("DiagPart", ramp(3), name="odd rank"),
    Case("MatrixBandPart", ramp(4, 5, start=1.0), of("int64", 1), of("int64", 2)),
    Case("MatrixBandPart", ramp(2, 3, 3, start=1.0), of("int64", -1), of("int64", 0), name="lower triangles"),
    Case("MatrixBandPart", ramp(3, 3), of("int64", 4), of("int64", 0), name="too many"),
    Case("Roll", ramp(5), of("int32", 2), of("int32", 0)),
    Case("Roll", ramp(2, 5), of("int32", [1, -2]), of("int32", [0, 1]), name="two axes"),
    Case("Roll", ramp(2, 5), of("int32", [1, 6]), of("int32", [1, 1]), name="one axis twice"),
    Case("Roll", of("string", ["a", "b", "c"]), of("int64", -1), of("int64", -1), name="strings"),
    Case("Roll", ramp(5), of("int32", 2), of("int32", 1), name="wrong axis"),
]
