"""The bits of integers."""

from make_op_cases import Case, each, of

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")

CASES = [
    [each(op, INTEGERS, [0, 5, 3, 127, 14], [0, 3, 5, 1, 11]) for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")],
    [each(op, SIGNED, [-1, -5, 3, -128], [1, 3, -5, 127]) for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")],
    each("Invert", INTEGERS, [0, 5, 3, 127, 14]),
    each("Invert", SIGNED, [-1, -128, 7]),
    [each(op, INTEGERS, [0, 5, 3, 127, 14], [0, 3, 5, 1, 2]) for op in ("LeftShift", "RightShift")],
    [each(op, SIGNED, [-1, -5, -128, 64], [1, 2, 7, 1]) for op in ("LeftShift", "RightShift")],
    Case("RightShift", of("uint64", [2**64 - 1]), of("uint64", [63]), name="the highest bit"),
    Case("BitwiseXor", of("int32", [[1], [2]]), of("int32", [3, 4, 5]), name="broadcast"),
    Case("BitwiseAnd", of("int32", [1, 2]), of("int32", [1, 2, 3]), name="wrong shapes"),
]
