// A graph's collections to and from a MetaGraphDef.
#pragma once

#include <string>

#include "headrace/graph.h"

namespace headrace::wire {
class MetaGraphDef;
}

namespace headrace {

void CollectionsToProto(const Graph& graph, wire::MetaGraphDef* proto);
// Items whose nodes the graph lacks are left out; `whole_graph` says that it has all of the MetaGraphDef's.
void CollectionsFromProto(Graph& graph, const wire::MetaGraphDef& proto, const std::string& prefix,
                          bool whole_graph = true);

}  // namespace headrace
