"""tf.cond, tf.case and tf.while_loop: what their functions take and give is any structure, C++ sees flat lists."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from headrace import _core, _ops, dtypes, structure, tf_logging
from headrace.control_flow import Assert
from headrace.framework import (
    IndexedSlices,
    Operation,
    SparseTensor,
    Tensor,
    control_dependencies,
    convert_to_tensor,
    executing_eagerly,
    name_scope,
)
from headrace.shapes import TensorShape, as_shape
from headrace.tensor_array import TensorArray


def _flat(value: Any) -> list[Any]:
    return structure.flatten(value, expand_composites=True)


def _tensor(item: Any) -> Tensor:
    """What stands for one result: an array's flow; for an operation, a tensor that waits for it."""
    if isinstance(item, TensorArray):
        return item.flow
    if isinstance(item, Operation):
        with control_dependencies([item]):
            return _ops.identity(_core.control_pivot())
    return convert_to_tensor(item)


def _packed(like: Any, tensors: list[Tensor]) -> Any:
    """The tensors in the structure of `like`, whose arrays get them as their flow."""
    items = [
        item._with_flow(tensor) if isinstance(item, TensorArray) else tensor
        for item, tensor in zip(_flat(like), tensors)
    ]
    return structure.pack_sequence_as(like, items, expand_composites=True)


def _unpack_singleton(value: Any) -> Any:
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def cond(
    pred: Any, true_fn: Callable | None = None, false_fn: Callable | None = None, strict: bool = False,
    name: str | None = None, fn1: Callable | None = None, fn2: Callable | None = None,
) -> Any:  # fmt: skip
    """true_fn() if `pred` holds when the graph runs, else false_fn(). Both are called now and build a branch each.

    Only ops that are made inside a branch wait for it to be taken; what a branch uses from outside runs in any case.

    Args:
      pred: a bool scalar tensor.
      true_fn, false_fn: give the same structure of tensors, operations or arrays, of the same dtypes.
      strict: a list or tuple of one result stays one.

    Raises:
      TypeError: if a function is missing or not callable, pred is a Python bool, or the structures' types differ.
      ValueError: if the structures or dtypes differ, or a function returns None.
    """
    for old, new in ((fn1, true_fn), (fn2, false_fn)):
        if old is not None and new is not None:
            which = ("true_fn", "fn1") if old is fn1 else ("false_fn", "fn2")
            raise TypeError(f"cond(): {which[0]} and {which[1]} may not be set simultaneously.")
    true_fn = fn1 if true_fn is None else true_fn
    false_fn = fn2 if false_fn is None else false_fn
    if true_fn is None or false_fn is None:
        raise TypeError(f"cond(): {'true_fn' if true_fn is None else 'false_fn'} argument required")
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError(f"{'false_fn' if callable(true_fn) else 'true_fn'} must be callable.")
    if executing_eagerly():
        with name_scope(name, "cond", [pred]):
            result = true_fn() if pred else false_fn()
        return result if strict else _unpack_singleton(result)
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    results: list[Any] = []

    def branch(function: Callable, which: str) -> Callable[[], list[Tensor]]:
        def build() -> list[Tensor]:
            result = function()
            if result is None:
                raise ValueError(f"{which} must have a return value.")
            tensors = [_tensor(item) for item in _flat(result)]
            results.append(result if strict else _unpack_singleton(result))
            if len(results) == 2:
                _same_results(*results)
                if not tensors:
                    raise ValueError("true_fn and false_fn must return at least one result.")
            return tensors

        return build

    with name_scope(name, "cond", [pred]) as scope:
        merged = _core.cond(convert_to_tensor(pred), branch(true_fn, "true_fn"), branch(false_fn, "false_fn"), scope)
    return _packed(results[0], merged)


def _same_results(a: Any, b: Any) -> None:
    try:
        structure.assert_same_structure(a, b, expand_composites=True)
    except TypeError as error:
        raise TypeError(f"Incompatible return types of true_fn and false_fn: {error}") from None
    except ValueError as error:
        raise ValueError(f"Incompatible return values of true_fn and false_fn: {error}") from None


# -------------------------------------------------------------------------------------------------------------- case


def _at_most(predicates: Any, n: int, message: str) -> Operation:
    """An operation that fails if more than n of the predicates hold."""
    from headrace.arrays import stack
    from headrace.math import cast, reduce_sum

    stacked = stack(list(predicates), name="preds_c")
    count = reduce_sum(cast(stacked, dtypes.int32), name="num_true_conds")
    fine = _ops.less_equal(count, n)
    names = ", ".join(getattr(p, "name", str(p)) for p in predicates)
    what = "exactly" if n == 0 else "at most"
    data = [f"{message}: more than {n} conditions ({names}) evaluated as True ({what} {n} allowed):", stacked]
    return Assert(fine, data, summarize=len(predicates))


def case(
    pred_fn_pairs: Any, default: Callable | None = None, exclusive: bool = False, strict: bool = False,
    name: str = "case",
) -> Any:  # fmt: skip
    """What the function of the first predicate that holds gives; that of `default` if none does.

    Args:
      pred_fn_pairs: a list of (bool scalar tensor, callable), or a dict of them.
      default: without one, it is an error of the run if no predicate holds.
      exclusive: it is an error of the run if more than one holds.
    """
    if not isinstance(pred_fn_pairs, (list, tuple, dict)):
        raise TypeError("fns must be a list, tuple, or dict")
    if isinstance(pred_fn_pairs, OrderedDict):
        pred_fn_pairs = list(pred_fn_pairs.items())
    elif isinstance(pred_fn_pairs, dict):
        pred_fn_pairs = sorted(pred_fn_pairs.items(), key=lambda item: item[0].name)
        if not exclusive:
            tf_logging.warn(
                "%s: An unordered dictionary of predicate/fn pairs was provided, but exclusive=False. The order of "
                "conditional tests is deterministic but not guaranteed.", name,
            )  # fmt: skip
    for pair in pred_fn_pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("Each entry in pred_fn_pairs must be a 2-tuple")
        predicate, function = pair
        if not isinstance(predicate, Tensor):
            raise TypeError(f"pred must be a Tensor, got: {predicate}")
        if predicate.dtype != dtypes.bool_:
            raise TypeError(f"pred must be Tensor of type bool: {predicate.name}")
        if not callable(function):
            raise TypeError(f"fn for pred {predicate.name} must be callable.")
    predicates, functions = [list(part) for part in zip(*pred_fn_pairs)]
    with name_scope(name, "case", predicates):
        build = default
        if build is None:
            build, predicates, functions = _last_as_default(predicates, functions)
        for predicate, function in reversed(list(zip(predicates, functions))):
            build = functools.partial(cond, predicate, true_fn=function, false_fn=build, strict=strict)
        if not exclusive:
            return build()
        with control_dependencies([_at_most([p for p, _ in pred_fn_pairs], 1, "Input error: exclusive=True")]):
            return build()


def _last_as_default(predicates: list[Any], functions: list[Callable]) -> tuple[Callable, list[Any], list[Callable]]:
    from headrace.arrays import stack

    *others, last = predicates

    def default() -> Any:
        failed = ("Input error: None of conditions evaluated as True:", stack(predicates, name="preds_c"))
        checks = [Assert(last, failed, summarize=len(predicates))]
        with control_dependencies(checks):
            return functions[-1]()

    return default, others, functions[:-1]


# -------------------------------------------------------------------------------------------------------------- while


def _shape_of_spec(item: Any, shape: Any) -> list[Any]:
    """The invariants of one variable's components: `shape` is a TensorShape, or a spec that has one."""
    if isinstance(item, SparseTensor):
        rank = as_shape(getattr(shape, "shape", shape)).ndims
        return [TensorShape([None, rank]), TensorShape([None]), TensorShape([rank])]
    if isinstance(item, IndexedSlices):
        whole = as_shape(getattr(shape, "shape", shape))
        rest = whole[1:] if whole.ndims is not None else TensorShape(None)
        values = TensorShape([None]).concatenate(rest) if whole.ndims is not None else TensorShape(None)
        shapes = [values, TensorShape([None])]
        return shapes if item.dense_shape is None else [*shapes, TensorShape([whole.ndims])]
    if isinstance(item, TensorArray):
        return [TensorShape([])]
    if not isinstance(shape, TensorShape) and not hasattr(shape, "shape"):
        raise ValueError("`shapes` must be a (possibly nested) list of shapes.")
    return [as_shape(getattr(shape, "shape", shape))]


def _default_invariants(item: Any) -> list[Any]:
    """The shape a variable starts with; what a sparse one's values may vary in."""
    if isinstance(item, SparseTensor):
        return _shape_of_spec(item, item.shape)
    if isinstance(item, IndexedSlices):
        values = item.values.shape
        rest = values[1:] if values.ndims is not None else TensorShape(None)
        varying = TensorShape([None]).concatenate(rest) if values.ndims is not None else TensorShape(None)
        shapes = [varying, TensorShape([None])]
        return shapes if item.dense_shape is None else [*shapes, item.dense_shape.shape]
    if isinstance(item, TensorArray):
        return [TensorShape([])]
    return [item.shape]


def _as_variable(item: Any) -> Any:
    if isinstance(item, (TensorArray, SparseTensor, IndexedSlices)):
        return item
    return convert_to_tensor(item)


def while_loop(
    cond: Callable, body: Callable, loop_vars: Any, shape_invariants: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, name: str | None = None, maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:  # fmt: skip
    """loop_vars = body(*loop_vars) as long as cond(*loop_vars) holds; gives the last ones.

    Args:
      cond: takes the variables, gives a bool scalar.
      body: takes the variables, gives as many in the same structure.
      loop_vars: a list or tuple of tensors, arrays, sparse tensors, or structures of them.
      shape_invariants: in the structure of loop_vars, the shapes that the variables keep; those that they start with
        if not given.
      parallel_iterations: kept in the graph; a positive int.
      back_prop: False if no gradient will be asked for.
      maximum_iterations: an integer scalar.
      return_same_structure: False gives a single variable as such, not in a list.

    Raises:
      TypeError: if cond or body is not callable. ValueError: without loop_vars, for a body that returns another
        structure, or for shapes that change but for the invariants.
    """
    if not callable(cond):
        raise TypeError("cond must be callable.")
    if not callable(body):
        raise TypeError("body must be callable.")
    if parallel_iterations < 1:
        raise TypeError("parallel_iterations must be a positive integer.")
    if not loop_vars:
        raise ValueError("No loop variables provided")
    if executing_eagerly():
        return _run_loop(cond, body, loop_vars, maximum_iterations, return_same_structure)
    if shape_invariants is not None:
        structure.assert_same_structure(loop_vars, shape_invariants, expand_composites=False)
    with name_scope(name, "while", _flat(loop_vars)) as scope:
        if maximum_iterations is not None:
            maximum_iterations = convert_to_tensor(maximum_iterations, name="maximum_iterations")
        variables = structure.map_structure(_as_variable, loop_vars)
    leaves = structure.flatten(variables)
    if shape_invariants is None:
        invariants = [shape for item in leaves for shape in _default_invariants(item)]
    else:
        given = structure.flatten_up_to(variables, shape_invariants)
        invariants = [shape for item, spec in zip(leaves, given) for shape in _shape_of_spec(item, spec)]
    tensors = [_tensor(item) for item in _flat(variables)]
    last: list[Any] = []
    single = len(loop_vars) == 1 and maximum_iterations is not None and not return_same_structure

    def more(values: list[Tensor]) -> Any:
        return cond(*_packed(variables, values))

    def step(values: list[Tensor]) -> list[Tensor]:
        packed = _packed(variables, values)
        result = body(*packed)
        if single or not structure.is_sequence_or_composite(result):
            result = [result]
        structure.assert_same_structure(list(packed), list(result), expand_composites=True)
        last.append(result)
        return [_tensor(item) for item in _flat(result)]

    exits = _core.while_loop(
        more, step, tensors, invariants, parallel_iterations, back_prop, swap_memory, maximum_iterations, scope
    )
    result = _packed(last[0], exits)
    return result[0] if single or (len(exits) == 1 and not return_same_structure) else result


def _run_loop(cond: Callable, body: Callable, loop_vars: Any, most: Any, same_structure: bool) -> Any:
    """The loop at once, when executing eagerly."""
    single = len(loop_vars) == 1 and not same_structure
    count, packed = 0, False
    while (most is None or count < int(most)) and cond(*loop_vars):
        loop_vars = body(*loop_vars)
        if single and not isinstance(loop_vars, (list, tuple)):
            packed, loop_vars = True, (loop_vars,)
        count += 1
    loop_vars = structure.map_structure(
        lambda x: x if isinstance(x, TensorArray) else convert_to_tensor(x), loop_vars, expand_composites=True
    )
    return loop_vars[0] if packed else loop_vars
