// What the generated op builders are made of.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/graph.h"

namespace headrace::internal {

Node* Build(std::string_view op, const std::vector<OpArgument>& arguments,
            std::initializer_list<std::pair<const char*, AttrValue>> attrs, std::string_view name);
// The outputs that belong to the op's output argument of this position.
std::vector<Output> OutputList(Node* node, int argument);

}  // namespace headrace::internal
