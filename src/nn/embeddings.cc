// Embedding lookups: a gather, after ids of a table in parts are turned into those of the parts joined.
#include "headrace/embeddings.h"

#include <numeric>

#include "headrace/clipping.h"
#include "nn/filled.h"

namespace headrace {
namespace {

Output Binary(const char* op, Output x, Output y) {
  return ApplyOp(op, {{x}, {y}});
}

// The position in the joined parts of each id: where its part begins, and id / n.
Output IdsInJoined(const std::vector<Output>& parts, Output ids) {
  OpArgument sizes;
  for (const Output& part : parts) {
    const auto index = [](int32_t i) { return Constant(Tensor::Vector(std::vector<int32_t>{i})); };
    const Output shape = ApplyOp("Shape", {{part}}, {{"out_type", ids.dtype()}});
    sizes.push_back(
        ApplyOp("StridedSlice", {{shape}, {index(0)}, {index(1)}, {index(1)}}, {{"shrink_axis_mask", int64_t{1}}}));
  }
  const Output count = ScalarConstant(ids.dtype(), static_cast<double>(parts.size()));
  const Output starts =
      ApplyOp("Cumsum", {{ApplyOp("Pack", {sizes})}, {ScalarConstant(DType::kInt32, 0)}}, {{"exclusive", true}});
  const Output start =
      ApplyOp("GatherV2", {{starts}, {Binary("FloorMod", ids, count)}, {ScalarConstant(DType::kInt32, 0)}});
  return Binary("AddV2", start, Binary("FloorDiv", ids, count));
}

// Rows scaled to at most the norm: along the axes that they have and the ids don't.
Output Clipped(Output rows, Output ids, Output max_norm) {
  if (!ids.shape().has_rank() || !rows.shape().has_rank()) {
    throw InvalidArgument("max_norm needs ids and a table of known rank");
  }
  std::vector<int> axes(static_cast<size_t>(rows.shape().rank() - ids.shape().rank()));
  std::iota(axes.begin(), axes.end(), ids.shape().rank());
  return ClipByNorm(rows, max_norm, axes).values;
}

}  // namespace

Output EmbeddingLookup(const std::vector<Output>& parts, Output ids, const EmbeddingLookupOptions& options) {
  if (parts.empty()) throw InvalidArgument("Need at least one param");
  if (!IsInteger(ids.dtype())) throw InvalidArgument("ids must be integers, got ", ids.dtype(), " in ", ids.name());
  NameScope scope(options.name);
  Output table = parts[0];
  const Output asked = ids;
  if (parts.size() > 1) {
    table = ApplyOp("ConcatV2", {parts, {ScalarConstant(DType::kInt32, 0)}});
    if (options.strategy == PartitionStrategy::kMod) ids = IdsInJoined(parts, ids);
  }
  const std::string_view name = options.max_norm ? std::string_view() : std::string_view(scope.name());
  const Output rows = ApplyOp("GatherV2", {{table}, {ids}, {ScalarConstant(DType::kInt32, 0, "axis")}}, {}, name);
  return options.max_norm ? Clipped(rows, asked, options.max_norm) : rows;
}

Output EmbeddingLookup(const Variable& table, Output ids, const EmbeddingLookupOptions& options) {
  if (!table.is_resource()) return EmbeddingLookup(std::vector<Output>{ReadVariable(table)}, ids, options);
  NameScope scope(options.name);
  const std::string_view name = options.max_norm ? std::string_view() : std::string_view(scope.name());
  const Output rows = ApplyOp("ResourceGather", {{table.handle}, {ids}}, {{"dtype", table.dtype()}}, name);
  return options.max_norm ? Clipped(rows, ids, options.max_norm) : rows;
}

}  // namespace headrace
