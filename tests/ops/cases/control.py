"""Assertions."""

from make_op_cases import Case, of, ramp

CASES = [
    Case("Assert", of("bool", True), [ramp(2)]),
    Case("Assert", of("bool", False), [ramp(2), of("string", "said")], name="fails"),
    Case("NoOp"),
]
