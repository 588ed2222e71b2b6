// A graph to its protocol buffer; the strings of formats/graph_def.h are made from it.
#pragma once

#include "formats/graph_def.h"

namespace headrace::wire {
class GraphDef;
}

namespace headrace {

void GraphToProto(const Graph& graph, const GraphDefOptions& options, wire::GraphDef* proto);

}  // namespace headrace
