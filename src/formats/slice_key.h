// The key under which a part of a partitioned variable stands in a checkpoint's index: an encoding of (name, box) that
// sorts as the tuple does (docs/formats/checkpoint.md).
#pragma once

#include <string>

namespace headrace::wire {
class TensorSliceProto;
}

namespace headrace {

std::string SliceKey(const std::string& name, const wire::TensorSliceProto& slice);

}  // namespace headrace
