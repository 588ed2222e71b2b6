"""tf.graph_util: GraphDefs cut down and frozen."""

from __future__ import annotations

import copy
from typing import Any

from headrace import tensors

_VARIABLES = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp", "ReadVariableOp")


def _node_name(name: str) -> str:
    """ "^a", "a:1" and "a" name the node a."""
    return name.removeprefix("^").partition(":")[0]


def _reachable(graph_def: Any, names: list[str]) -> set[str]:
    inputs = {node.name: [_node_name(i) for i in node.input] for node in graph_def.node}
    found, waiting = set(names), list(names)
    while waiting:
        for name in inputs[waiting.pop()]:
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def extract_sub_graph(graph_def: Any, dest_nodes: list[str]) -> Any:
    """The nodes that `dest_nodes` need, themselves included.

    Raises:
      TypeError: if graph_def is no GraphDef. AssertionError: if a node is not in it.
    """
    from headrace.protos import graph_pb2

    if not isinstance(graph_def, graph_pb2.GraphDef):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto.")
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    known = {node.name for node in graph_def.node}
    for name in dest_nodes:
        if name not in known:
            raise AssertionError(f"{name} is not in graph")
    kept = _reachable(graph_def, list(dest_nodes))
    out = graph_pb2.GraphDef(library=graph_def.library, versions=graph_def.versions)
    out.node.extend(node for node in graph_def.node if node.name in kept)
    return out


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> Any:
    """The static shape of a tensor named "node" or "node:1"."""
    return graph.get_tensor_by_name(input_name if ":" in input_name else input_name + ":0").get_shape()


def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Whether a node (or Operation) has values that live in a CPU's memory: strings, and variables if asked for."""
    node_def = node if hasattr(node, "op") and isinstance(node.op, str) else node.node_def
    if pin_variables_on_cpu and node_def.op in _VARIABLES:
        return True
    key = "dtype" if node_def.op == "Const" else "DstT"
    from headrace.protos import tensor_pb2

    return key in node_def.attr and node_def.attr[key].type == tensor_pb2.DT_STRING


def convert_variables_to_constants(
    sess: Any, input_graph_def: Any, output_node_names: list[str], variable_names_whitelist: Any = None,
    variable_names_blacklist: Any = None,
) -> Any:  # fmt: skip
    """A GraphDef in which variables have become constants of the values that they have in the session."""
    from headrace.protos import graph_pb2

    graph_def = extract_sub_graph(input_graph_def, output_node_names)
    nodes = {node.name: node for node in graph_def.node}

    def handle_of(node: Any) -> str:
        """The variable behind a chain of Identity nodes."""
        source = nodes[_node_name(node.input[0])]
        while source.op == "Identity":
            source = nodes[_node_name(source.input[0])]
        return source.name

    def is_frozen(name: str) -> bool:
        chosen = variable_names_whitelist is None or name in variable_names_whitelist
        return chosen and name not in (variable_names_blacklist or ())

    kinds = ("Variable", "VariableV2", "VarHandleOp")
    frozen = [n.name for n in graph_def.node if n.op in kinds and is_frozen(n.name)]
    read = {
        name: f"{name}/Read/ReadVariableOp:0" if nodes[name].op == "VarHandleOp" else f"{name}:0" for name in frozen
    }  # fmt: skip
    values = dict(zip(frozen, sess.run([read[name] for name in frozen]))) if frozen else {}
    out = graph_pb2.GraphDef(library=graph_def.library)
    for node in graph_def.node:
        made = out.node.add()
        if node.name in values:
            made.name, made.op = node.name, "Const"
            value = tensors.make_tensor_proto(values[node.name], node.attr["dtype"].type, values[node.name].shape)
            made.attr["dtype"].CopyFrom(node.attr["dtype"])
            made.attr["value"].tensor.CopyFrom(value)
        elif node.op == "ReadVariableOp" and handle_of(node) in values:
            made.name, made.op = node.name, "Identity"
            made.input.append(node.input[0])
            made.attr["T"].CopyFrom(node.attr["dtype"])
        elif node.op == "ResourceGather" and handle_of(node) in values:
            _gather_of_constant(out, made, node)
        elif node.op == "Identity" and node.attr["T"].type == 20 and handle_of(node) in values:
            made.CopyFrom(node)
            made.attr["T"].CopyFrom(nodes[handle_of(node)].attr["dtype"])
        else:
            made.CopyFrom(node)
    return out


def _gather_of_constant(out: Any, made: Any, node: Any) -> None:
    """A gather from what was a variable: GatherV2, whose axis is a constant of its own."""
    axis = out.node.add(name=node.name + "/axis", op="Const")
    axis.attr["dtype"].type = 3
    axis.attr["value"].tensor.CopyFrom(tensors.make_tensor_proto(int(node.attr["batch_dims"].i), "int32"))
    made.name, made.op = node.name, "GatherV2"
    made.input.extend([node.input[0], node.input[1], axis.name])
    made.attr["Tparams"].CopyFrom(node.attr["dtype"])
    made.attr["Tindices"].CopyFrom(node.attr["Tindices"])
    made.attr["Taxis"].type = 3
    if "batch_dims" in node.attr:
        made.attr["batch_dims"].CopyFrom(node.attr["batch_dims"])


def remove_training_nodes(input_graph: Any, protected_nodes: Any = None) -> Any:
    """A GraphDef without what only training needs: CheckNumerics, and Identity nodes that nothing depends on."""
    from headrace.protos import graph_pb2

    protected = set(protected_nodes or [])
    checks = {"CheckNumerics": True}
    controlled = {_node_name(i) for node in input_graph.node for i in node.input if i.startswith("^")}
    first = [node for node in input_graph.node if not (checks.get(node.op) and node.name not in protected)]
    skipped = {n.name: list(n.input) for n in input_graph.node if n.op in checks and n.name not in protected}

    def relinked(nodes: list[Any], gone: dict[str, list[str]]) -> list[Any]:
        kept = []
        for node in nodes:
            made = graph_pb2.NodeDef()
            made.CopyFrom(node)
            del made.input[:]
            for name in node.input:
                while not name.startswith("^") and _node_name(name) in gone:
                    name = gone[_node_name(name)][0]
                made.input.append(name)
            kept.append(made)
        return kept

    nodes = relinked(first, skipped)
    identities = {}
    for node in nodes:
        alone = len(node.input) == 1 and not node.input[0].startswith("^") and ":" not in node.input[0]
        if node.op == "Identity" and alone and node.name not in protected and node.name not in controlled:
            identities[node.name] = list(node.input)
    nodes = relinked([node for node in nodes if node.name not in identities], identities)
    out = graph_pb2.GraphDef(library=copy.deepcopy(input_graph.library), versions=input_graph.versions)
    out.node.extend(nodes)
    return out
