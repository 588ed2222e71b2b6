"""tf.train.export_meta_graph and import_meta_graph: a graph with its collections, as a MetaGraphDef."""

from __future__ import annotations

import os
from typing import Any

from headrace import _core, framework, importing


def read_meta_graph_file(filename: Any) -> Any:
    """The MetaGraphDef in a file, binary or text.

    Raises:
      IOError: where there is no file, or no MetaGraphDef in it.
    """
    from google.protobuf import message, text_format

    from headrace import gfile
    from headrace.protos import saved_model_pb2

    name = os.fspath(filename)
    if not gfile.exists(name):
        raise OSError(f"File {name} does not exist.")
    with gfile.GFile(name, "rb") as file:
        data = file.read()
    meta_graph = saved_model_pb2.MetaGraphDef()
    try:
        meta_graph.ParseFromString(data)
        return meta_graph
    except message.DecodeError:
        pass
    try:
        return text_format.Parse(data.decode("utf-8"), saved_model_pb2.MetaGraphDef())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise OSError(f"Cannot parse file {name}: {error}.") from None


def create_meta_graph_def(
    meta_info_def: Any = None, graph_def: Any = None, saver_def: Any = None, collection_list: Any = None,
    graph: Any = None, export_scope: str | None = None, exclude_nodes: str = "", clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
) -> Any:  # fmt: skip
    """A MetaGraphDef of a graph (the default one) and its collections, or of those in `collection_list`."""
    from headrace.protos import saved_model_pb2

    if graph is not None and not isinstance(graph, framework.Graph):
        raise TypeError(f"graph must be of type Graph, not {type(graph)}")
    graph = graph or framework.get_default_graph()
    meta_graph = saved_model_pb2.MetaGraphDef.FromString(_core.serialize_meta_graph(graph, strip_default_attrs))
    if meta_info_def is not None:
        meta_graph.meta_info_def.MergeFrom(meta_info_def)
    if graph_def is not None:
        meta_graph.graph_def.CopyFrom(graph_def)
    if saver_def is not None:
        meta_graph.saver_def.CopyFrom(saver_def)
    if collection_list is not None:
        for key in [key for key in meta_graph.collection_def if key not in collection_list]:
            del meta_graph.collection_def[key]
    return meta_graph


def export_meta_graph(
    filename: Any = None, meta_info_def: Any = None, graph_def: Any = None, saver_def: Any = None,
    collection_list: Any = None, as_text: bool = False, graph: Any = None, export_scope: str | None = None,
    clear_devices: bool = False, clear_extraneous_savers: bool = False, strip_default_attrs: bool = False,
    save_debug_info: bool = False,
) -> Any:  # fmt: skip
    """The default graph (or `graph`) and its collections as a MetaGraphDef, which is also written to a file if one is
    named.

    Args:
      as_text: whether the file is text.
      clear_devices: whether the nodes ask for no device.
    """
    if export_scope is not None:
        raise NotImplementedError("the export of a part of a graph (export_scope) is not available yet")
    meta_graph = create_meta_graph_def(
        meta_info_def, graph_def, saver_def, collection_list, graph, strip_default_attrs=strip_default_attrs
    )
    if clear_devices:
        for node in meta_graph.graph_def.node:
            node.device = ""
    if filename:
        from google.protobuf import text_format

        from headrace import gfile

        data = text_format.MessageToString(meta_graph).encode() if as_text else meta_graph.SerializeToString()
        with gfile.GFile(os.fspath(filename), "wb") as file:
            file.write(data)
    return meta_graph


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Any:
    """Adds a MetaGraphDef's nodes and collections to the default graph; returns a Saver of its variables, or None.

    Args:
      meta_graph_or_file: the message, or the name of a file of it ("model.ckpt-5.meta").
      kwargs: arguments of the Saver.
    """
    meta_graph = meta_graph_or_file
    if isinstance(meta_graph, (str, bytes, os.PathLike)):
        meta_graph = read_meta_graph_file(os.fsdecode(meta_graph))
    if clear_devices:
        copied = type(meta_graph)()
        copied.CopyFrom(meta_graph)
        meta_graph = copied
        for node in meta_graph.graph_def.node:
            node.device = ""
    graph = framework.get_default_graph()
    before = set(graph.get_collection_ref(framework.GraphKeys.GLOBAL_VARIABLES))
    importing.import_graph_def(meta_graph.graph_def, name=import_scope or "")
    _core.import_collections(graph, meta_graph.SerializeToString(), import_scope or "")
    imported = [v for v in graph.get_collection(framework.GraphKeys.GLOBAL_VARIABLES) if v not in before]
    if not imported:
        return None
    from headrace.saver import Saver

    saver_def = meta_graph.saver_def if meta_graph.HasField("saver_def") else None
    if saver_def is not None and "max_to_keep" not in kwargs:
        kwargs["max_to_keep"] = saver_def.max_to_keep
    return Saver(imported, **kwargs)


def export_scoped_meta_graph(**kwargs: Any) -> tuple[Any, dict[str, Any]]:
    """export_meta_graph, and the graph's variables by name."""
    from headrace.variables import global_variables

    arguments = {"collection_list", "clear_devices", "strip_default_attrs", "graph", "filename", "as_text"}
    meta_graph = export_meta_graph(**{key: value for key, value in kwargs.items() if key in arguments})
    graph = kwargs.get("graph") or framework.get_default_graph()
    with graph.as_default():
        return meta_graph, {v.op.name: v for v in global_variables()}


def stripped_op_list_for_graph(graph_def: Any) -> Any:
    """The OpDefs of the ops that a GraphDef uses, an OpList, by name.

    Raises:
      ValueError: for ops that Headrace lacks.
    """
    from headrace.protos import graph_pb2

    ops: dict[str, Any] = {}
    with framework.Graph().as_default() as graph:
        importing.import_graph_def(graph_def, name="")
        for op in graph.get_operations():
            ops.setdefault(op.type, op.op_def)
    return graph_pb2.OpList(op=[ops[name] for name in sorted(ops)])
