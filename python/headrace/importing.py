"""tf.import_graph_def."""

from __future__ import annotations

from typing import Any

from headrace import _core
from headrace.framework import get_default_graph


def import_graph_def(
    graph_def: Any, input_map: dict[str, Any] | None = None, return_elements: Any = None, name: str | None = None,
    op_dict: Any = None, producer_op_list: Any = None,
) -> list[Any] | None:  # fmt: skip
    """Adds a GraphDef's nodes to the current graph under `name` ("import").

    Args:
      input_map: for names of tensors in the GraphDef, what stands in their stead.
      return_elements: names of operations and tensors ("y", "y:0"), which are returned.
    """
    from headrace.protos import graph_pb2

    if not isinstance(graph_def, graph_pb2.GraphDef):
        raise TypeError("graph_def must be a GraphDef proto.")
    if input_map is not None and not (
        isinstance(input_map, dict) and all(isinstance(k, (str, bytes)) for k in input_map)
    ):
        raise TypeError("input_map must be a dictionary mapping strings to Tensor objects.")
    names = [_element_name(n) for n in return_elements or []]
    input_map = {_element_name(key): value for key, value in (input_map or {}).items()}
    inputs = {key if ":" in key or key.startswith("^") else key + ":0": v for key, v in input_map.items()}
    for element in [*names, *inputs]:
        if element.count(":") > 1 or (":" in element and not element.rpartition(":")[2].isdigit()):
            raise ValueError(f"Cannot convert {element!r} to a tensor name.")
    graph = get_default_graph()
    prefix = "import" if name is None else name.rstrip("/")
    unique = graph.unique_name(prefix, mark_as_used=False) + "/" if prefix else ""
    found = _core.import_graph_def(graph_def.SerializeToString(), prefix, inputs, [n for n in names if ":" in n])
    if return_elements is None:
        return None
    tensors = iter(found)
    return [next(tensors) if ":" in n else graph.get_operation_by_name(unique + n) for n in names]


def _element_name(name: Any) -> str:
    if not isinstance(name, (str, bytes)):
        raise TypeError("return_elements must be a list of strings.")
    return name.decode() if isinstance(name, bytes) else name
