"""Bias."""

from make_op_cases import Case, ramp

CASES = [
    Case("BiasAdd", ramp(3, 4), ramp(4, start=5.0)),
    Case("BiasAdd", ramp(2, 3, 3, 2), ramp(2, start=5.0), name="images"),
    Case("BiasAdd", ramp(2, 2, 3, 3), ramp(2, start=5.0), data_format="NCHW", name="channels first"),
    Case("BiasAdd", ramp(3, 4, dtype="float64"), ramp(4, start=5.0, dtype="float64"), name="float64"),
    Case("BiasAdd", ramp(3, 4, dtype="int32", step=1), ramp(4, start=5, step=1, dtype="int32"), name="int32"),
    Case("BiasAdd", ramp(3, 4), ramp(3), name="wrong size"),
    Case("BiasAdd", ramp(4), ramp(4), name="wrong rank"),
    Case("BiasAddV1", ramp(3, 4), ramp(4, start=5.0)),
    Case("BiasAddGrad", ramp(3, 4)),
    Case("BiasAddGrad", ramp(2, 2, 3, 3), data_format="NCHW", name="channels first", gradients=False),
]
