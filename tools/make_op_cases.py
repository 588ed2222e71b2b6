#!/usr/bin/env python3
"""Writes the case files of ops: what the real TensorFlow makes of given inputs.

    build/oracle/bin/python tools/make_op_cases.py [FAMILY ...]

tests/ops/cases/FAMILY.py lists cases; each is run in TensorFlow 2.15, and what came out (values, gradients, or the
error's code) is written to tests/ops/cases/FAMILY.json, which tests/ops/op_cases_test.cc checks against Headrace.
tests/ops/signatures.json is written too: the signature that TensorFlow registers for each op that src/ declares.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import math
import os
import pathlib
import sys
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import generate_ops

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "ops" / "cases"

FLOATS = ("float32", "float64", "float16", "bfloat16")
SIGNED = (*FLOATS, "int8", "int16", "int32", "int64")
REAL = (*SIGNED, "uint8", "uint16", "uint32", "uint64")

Value = Any  # what numpy makes an array of

# Arguments that tf.raw_ops knows by other names than the op's own.
RENAMED = {("Squeeze", "axis"): "squeeze_dims"}
RENAMED_INPUTS = {
    "reduction_indices": "axis", "split_dim": "axis", "dim": "axis", "input": "condition", "t": "x", "e": "y",
}  # fmt: skip


class Case:
    """One application of an op: inputs in the order of its arguments, a list for an argument that takes one."""

    def __init__(self, op: str, *inputs: Value, name: str = "", runs: int = 1, gradients: bool = True, **attrs: Any):
        self.op, self.name, self.runs, self.gradients, self.attrs = op, name, runs, gradients, attrs
        args = op_def_registry.get(op).input_arg
        if len(args) != len(inputs):
            raise SystemExit(f"{op} {name}: {len(inputs)} inputs given, it takes {[arg.name for arg in args]}")
        takes_list = [bool(arg.number_attr or arg.type_list_attr) for arg in args]
        self.inputs = [
            [array(v) for v in value] if is_list else value if isinstance(value, Var) else array(value)
            for value, is_list in zip(inputs, takes_list, strict=True)
        ]


class Var:
    """A variable of this initial value, for an argument that is a reference or a resource."""

    def __init__(self, value: Value):
        self.value = array(value)


def array(value: Value) -> np.ndarray:
    """An array; Python floats become float32 and ints int32, as in TensorFlow."""
    if isinstance(value, np.ndarray):
        return value
    made = np.array(value)
    return made.astype({"float64": np.float32, "int64": np.int32}.get(made.dtype.name, made.dtype))


def of(dtype: str, value: Value) -> np.ndarray:
    """An array of the dtype of this name."""
    if dtype == "string":
        return np.array(value, dtype=object)
    return np.array(value).astype(tf.as_dtype(dtype).as_numpy_dtype)


def vec(*values: Value, dtype: str = "float32") -> np.ndarray:
    return of(dtype, list(values))


def ramp(*shape: int, start: float = -1.0, step: float = 0.25, dtype: str = "float32") -> np.ndarray:
    """Evenly spaced values of this shape, all exact in binary."""
    n = math.prod(shape)
    return of(dtype, (start + step * np.arange(n)).reshape(shape))


def each(op: str, dtypes: Iterable[str], *inputs: Value, **kwargs: Any) -> list[Case]:
    """The same case in several dtypes."""
    return [Case(op, *(of(d, i) for i in inputs), name=d, **kwargs) for d in dtypes]


# ------------------------------------------------------------------------------------------------------ running them


def grad_y_of(y: np.ndarray) -> np.ndarray:
    """The gradient that is passed in: small, distinct, exact numbers."""
    values = np.arange(y.size) % 5 * 0.5 - 0.75
    return values.reshape(y.shape).astype(y.dtype)


def is_float(a: np.ndarray) -> bool:
    return tf.as_dtype(a.dtype).is_floating


def run_case(case: Case) -> dict[str, Any] | None:
    record: dict[str, Any] = {"op": case.op}
    if case.name:
        record["name"] = case.name
    record["inputs"] = [[encode(t) for t in i] if isinstance(i, list) else encode(i) for i in case.inputs]
    if case.attrs:
        record["attrs"] = {RENAMED.get((case.op, name), name): encode_attr(v) for name, v in case.attrs.items()}
    op_def = op_def_registry.get(case.op)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        feeds: dict[tf.Tensor, np.ndarray] = {}

        def feed(a: np.ndarray) -> tf.Tensor:
            placeholder = tf.compat.v1.placeholder(tf.as_dtype(a.dtype) if a.dtype != object else tf.string)
            feeds[placeholder] = a
            return placeholder

        variables: list[tf.Variable] = []

        def handle(v: Var, is_ref: bool) -> tf.Tensor:
            variables.append(tf.compat.v1.Variable(v.value, use_resource=not is_ref))
            return variables[-1]._ref() if is_ref else variables[-1].handle

        def argument(i: Any, arg: Any) -> Any:
            if isinstance(i, list):
                return [feed(t) for t in i]
            return handle(i, arg.is_ref) if isinstance(i, Var) else feed(i)

        xs = [argument(i, arg) for i, arg in zip(case.inputs, op_def.input_arg, strict=True)]
        parameters = inspect.signature(getattr(tf.raw_ops, case.op)).parameters
        names = [a.name if a.name in parameters else RENAMED_INPUTS[a.name] for a in op_def.input_arg]
        arguments = dict(zip(names, xs, strict=True))
        try:
            made = getattr(tf.raw_ops, case.op)(**arguments, **case.attrs)
            session.run(tf.compat.v1.global_variables_initializer())
            if variables:
                record["after_runs"] = run_on_variables(case, made, variables, feeds, session)
                return record
            ys = flatten(made)
            values, _ = session.run([ys, [] if ys else made], feeds)
            record["outputs"] = [encode(v) for v in values]
            if case.runs > 1:
                record["later_runs"] = [[encode(v) for v in session.run(ys, feeds)] for _ in range(case.runs - 1)]
        except tf.errors.OpError as error:
            if "OpKernel" in error.message:
                print(f"left out {case.op} {case.name}: TensorFlow has no kernel for it")
                return None
            record["error"] = error.error_code
            return record
        except TypeError as error:
            raise SystemExit(f"{case.op} {case.name}: {error}") from error
        except ValueError:
            record["error"] = tf.errors.INVALID_ARGUMENT
            return record
        add_gradients(case, record, xs, ys, values, feeds, session)
    return record


def run_on_variables(
    case: Case,
    made: Any,
    variables: list[tf.Variable],
    feeds: dict[tf.Tensor, np.ndarray],
    session: tf.compat.v1.Session,
) -> list[dict[str, Any]]:
    """What each run returns, if it is not a reference, and the values of the variables after it."""
    ys = [y for y in flatten(made) if not y.dtype._is_ref_dtype]
    operations = [y.op for y in flatten(made)] if flatten(made) else [made]
    after = []
    for _ in range(case.runs):
        values, _ = session.run([ys, operations], feeds)
        state = session.run([v.value() for v in variables])
        after.append({"outputs": [encode(v) for v in values], "variables": [encode(v) for v in state]})
    return after


def add_gradients(
    case: Case,
    record: dict[str, Any],
    xs: list[Any],
    ys: list[tf.Tensor],
    values: list[np.ndarray],
    feeds: dict[tf.Tensor, np.ndarray],
    session: tf.compat.v1.Session,
) -> None:
    flat_xs = [x for x in flatten(xs)]
    differentiable = [(y, v) for y, v in zip(ys, values, strict=True) if is_float(np.asarray(v))]
    if not case.gradients or not differentiable or not any(x.dtype.is_floating for x in flat_xs):
        return
    grad_ys = [grad_y_of(np.asarray(v)) for _, v in differentiable]
    wanted = [x for x in flat_xs if x.dtype.is_floating]
    try:
        found = tf.gradients([y for y, _ in differentiable], wanted, grad_ys=[tf.constant(g) for g in grad_ys])
    except LookupError:  # not differentiable
        return
    present = [tf.convert_to_tensor(g) for g in found if g is not None]
    if not present:
        return
    computed = iter(session.run(present, feeds))
    by_x = {id(x): None if g is None else encode(next(computed)) for x, g in zip(wanted, found, strict=True)}
    record["grad_ys"] = [encode(g) for g in grad_ys]
    record["gradients"] = [by_x.get(id(x)) for x in flat_xs]


def flatten(made: Any) -> list[Any]:
    if made is None or isinstance(made, tf.Operation):
        return []
    if isinstance(made, tf.Tensor):
        return [made]
    return [t for part in made for t in flatten(part)]


# ------------------------------------------------------------------------------------------------------------ writing


def encode(value: Any) -> dict[str, Any]:
    if isinstance(value, Var):
        return {"variable": encode(value.value)}
    a = np.asarray(value)
    dtype = "string" if a.dtype.kind in "OSU" else tf.as_dtype(a.dtype).name
    return {"dtype": dtype, "shape": list(a.shape), "values": [encode_scalar(v) for v in a.reshape(-1).tolist()]}


def encode_scalar(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # "nan", "inf", "-inf"
    return value


def encode_attr(value: Any) -> Any:
    if isinstance(value, tf.DType):
        return value.name
    if isinstance(value, (list, tuple)):
        return [encode_attr(v) for v in value]
    return value


def write_json(path: pathlib.Path, records: list[Any]) -> None:
    """A JSON array, one line a record's field, so that differences read well."""
    lines = []
    for record in records:
        fields = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in record.items()]
        lines.append("{\n" + ",\n".join(fields) + "\n}")
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{path.relative_to(ROOT)}: {len(records)}")


def declared_ops() -> list[str]:
    names = set()
    for path in sorted((ROOT / "src").glob("**/*.cc")):
        text = path.read_text()
        if "DEFINE_OP(" in text:
            names |= {op.name for op in generate_ops.parse_ops(text, path.stem)}
    return sorted(names)


def describe_arg(arg: Any) -> str:
    type_ = arg.type_attr or arg.type_list_attr or tf.as_dtype(arg.type).name
    type_ = f"Ref({type_})" if arg.is_ref else type_
    return f"{arg.name}: {arg.number_attr} * {type_}" if arg.number_attr else f"{arg.name}: {type_}"


def describe_default(attr: Any) -> Any:
    value = attr.default_value
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "type":
        return tf.as_dtype(value.type).name
    if kind == "list":
        items = value.list.i or value.list.f or value.list.b or value.list.s or value.list.type or value.list.shape
        return [i.decode() if isinstance(i, bytes) else tf.as_dtype(i).name if value.list.type else i for i in items]
    if kind == "shape":
        return "unknown" if value.shape.unknown_rank else [d.size for d in value.shape.dim]
    got = getattr(value, kind)
    return got.decode() if isinstance(got, bytes) else got


def signature(name: str) -> dict[str, Any]:
    op = op_def_registry.get(name)
    if op is None:
        return {"op": name, "own": True}
    return {
        "op": name,
        "inputs": [describe_arg(a) for a in op.input_arg],
        "outputs": [describe_arg(a) for a in op.output_arg],
        "attrs": [
            {
                "name": a.name,
                "type": a.type,
                "default": describe_default(a),
                "allowed_types": sorted(tf.as_dtype(t).name for t in a.allowed_values.list.type),
            }
            for a in op.attr
        ],
    }


def load_cases(path: pathlib.Path) -> list[Case]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("make_op_cases", sys.modules[__name__])
    spec.loader.exec_module(module)
    return list(flatten_cases(module.CASES))


def flatten_cases(entry: Case | list[Any]) -> Iterable[Case]:
    return [entry] if isinstance(entry, Case) else [case for part in entry for case in flatten_cases(part)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("families", nargs="*", help="case files to write, without .py; all of them by default")
    args = parser.parse_args()
    for path in sorted(CASES.glob("*.py")):
        if not args.families or path.stem in args.families:
            records = [run_case(case) for case in load_cases(path)]
            write_json(path.with_suffix(".json"), [record for record in records if record])
    write_json(ROOT / "tests" / "ops" / "signatures.json", [signature(name) for name in declared_ops()])


if __name__ == "__main__":
    main()
