// Graphs as TensorFlow's GraphDef, binary and text. Nodes carry their attributes in full; functions go with the graph.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

struct GraphDefOptions {
  bool add_shapes = false;           // each node gets _output_shapes
  bool strip_default_attrs = false;  // leaves out attributes that have the op's default value
};

std::string SerializeGraph(const Graph& graph, const GraphDefOptions& options = {});
std::string GraphToText(const Graph& graph, const GraphDefOptions& options = {});

std::string SerializeNode(const Node& node);  // a NodeDef
std::string SerializeOpDef(const OpDef& op);  // an OpDef, without documentation

// Errors: InvalidArgument for bytes or text that are no GraphDef, or a graph that breaks an op's declaration; NotFound
// for ops that Headrace lacks, naming all of them.
Graph ParseGraph(std::string_view bytes);
Graph ParseGraphText(std::string_view text);
std::string GraphDefBytesToText(std::string_view bytes);
std::string GraphDefTextToBytes(std::string_view text);

struct ImportOptions {
  std::string prefix;                        // of all node names; made unique; "" for none
  std::map<std::string, Output> input_map;   // names of tensors in the GraphDef ("x:0") -> what to use in their stead
  std::vector<std::string> return_elements;  // names of tensors ("y:0") in the GraphDef to return
  std::vector<std::string> needed;           // if any: only these nodes or tensors, and what they depend on, are added
};
// Adds a GraphDef's nodes and functions to a graph. Returns the outputs asked for.
std::vector<Output> ImportGraphDef(Graph& graph, std::string_view bytes, const ImportOptions& options = {});

}  // namespace headrace
