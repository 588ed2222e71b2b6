// A protocol buffer's graph into a Graph; formats/graph_def.h has the interface for strings.
#pragma once

#include "formats/graph_def.h"

namespace headrace::wire {
class GraphDef;
}

namespace headrace {

std::vector<Output> GraphFromProto(Graph& graph, const wire::GraphDef& proto, const ImportOptions& options);

}  // namespace headrace
