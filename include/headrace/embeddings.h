// Rows of tables by their ids (tf.nn.embedding_lookup).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/variables.h"

namespace headrace {

enum class PartitionStrategy {
  kMod,  // row i of the table is row i / n of part i % n
  kDiv,  // the parts follow one another
};

struct EmbeddingLookupOptions {
  PartitionStrategy strategy = PartitionStrategy::kMod;
  Output max_norm = {};  // rows are scaled to at most this L2 norm
  std::string_view name = "embedding_lookup";
};

// The rows of a table [n, …] at ids […], which are int32 or int64; several parts are one table. Errors when run:
// InvalidArgument for ids outside.
Output EmbeddingLookup(const std::vector<Output>& parts, Output ids, const EmbeddingLookupOptions& options = {});
// The same for a variable; gradients of a resource variable are sparse.
Output EmbeddingLookup(const Variable& table, Output ids, const EmbeddingLookupOptions& options = {});

}  // namespace headrace
