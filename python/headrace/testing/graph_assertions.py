"""What tests ask of GraphDefs and MetaGraphDefs: that they are equal, that they hold certain ops."""

from __future__ import annotations

from typing import Any


def assert_ops_in_graph(expected_ops: dict[str, str], graph: Any) -> dict[str, Any]:
    """The nodes of the names given, which are of the op types given.

    Raises:
      ValueError: where one is missing or of another type.
    """
    found = {}
    for node in graph.as_graph_def().node:
        if node.name in expected_ops:
            if node.op != expected_ops[node.name]:
                raise ValueError(
                    f"Expected op for node {node.name} is different. {expected_ops[node.name]} vs {node.op}"
                )
            found[node.name] = node
    if set(found) != set(expected_ops):
        raise ValueError(f"Not all expected ops are present. Expected {set(expected_ops)}, found {set(found)}")
    return found


def _nodes(graph_def: Any, checkpoint_v2: bool, hash_table_shared_name: bool) -> dict[str, Any]:
    """The nodes by name, without what differs from run to run."""
    nodes = {}
    for original in graph_def.node:
        node = type(original)()
        node.CopyFrom(original)
        if checkpoint_v2 and node.op == "Const" and "_temp" in str(node.attr["value"].tensor.string_val):
            del node.attr["value"].tensor.string_val[:]
        if hash_table_shared_name and node.op == "HashTableV2":
            node.attr["shared_name"].s = b""
        # Data inputs keep their order, control inputs have none.
        controls = sorted(i for i in node.input if i.startswith("^"))
        data = [i for i in node.input if not i.startswith("^")]
        del node.input[:]
        node.input.extend(data + controls)
        nodes[node.name] = node
    return nodes


def _assert_equal(actual: Any, expected: Any, checkpoint_v2: bool, hash_table_shared_name: bool) -> None:
    for graph_def in (actual, expected):
        if not hasattr(graph_def, "node"):
            raise TypeError(f"Expected a GraphDef, got {type(graph_def).__name__}")
    ours, theirs = (_nodes(g, checkpoint_v2, hash_table_shared_name) for g in (actual, expected))
    differing = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
    if differing:
        name = differing[0]
        raise AssertionError(
            f"{len(differing)} nodes differ, the first is {name!r}:\n{ours.get(name)}\nexpected:\n{theirs.get(name)}"
        )


def assert_equal_graph_def_v1(
    actual: Any, expected: Any, checkpoint_v2: bool = False, hash_table_shared_name: bool = False
) -> None:
    """Two GraphDefs have the same nodes, in whatever order. Raises AssertionError with the first that differs."""
    _assert_equal(actual, expected, checkpoint_v2, hash_table_shared_name)


def assert_equal_graph_def_v2(expected: Any, actual: Any) -> None:
    _assert_equal(actual, expected, True, True)


def assert_meta_graph_protos_equal(tester: Any, a: Any, b: Any) -> None:
    """Two MetaGraphDefs are equal; the messages in collections are compared by value, the graphs by nodes."""
    tester.assertEqual(set(a.collection_def), set(b.collection_def))
    for key, collection in a.collection_def.items():
        tester.assertEqual(
            sorted(collection.bytes_list.value) or collection, sorted(b.collection_def[key].bytes_list.value)
            or b.collection_def[key],
        )  # fmt: skip
    assert_equal_graph_def_v1(a.graph_def, b.graph_def)
    ours, theirs = (type(a).FromString(m.SerializeToString()) for m in (a, b))
    for m in (ours, theirs):
        m.ClearField("collection_def")
        m.ClearField("graph_def")
        m.meta_info_def.ClearField("stripped_op_list")
    tester.assertProtoEquals(ours, theirs)


def get_node_def_from_graph(node_name: str, graph_def: Any) -> Any:
    """The node of this name, None if there is none."""
    return next((node for node in graph_def.node if node.name == node_name), None)


def set_producer_version(graph: Any, producer_version: int) -> None:
    """Marks a graph as made by the given version of TensorFlow."""
    from headrace import importing
    from headrace.protos import graph_pb2

    with graph.as_default():
        graph_def = graph_pb2.GraphDef()
        graph_def.versions.producer = producer_version
        importing.import_graph_def(graph_def)
    if graph.graph_def_versions.producer != producer_version:
        raise AssertionError(f"The graph's producer is {graph.graph_def_versions.producer}, not {producer_version}")
