// SparseCross and its successors: the cross product of the features of several columns, record by record, hashed or
// joined as text. Each feature is hashed once, however many crosses it takes part in.
#include <algorithm>
#include <limits>

#include "declare/declare.h"
#include "kernels/fingerprint.h"
#include "ops/sparse/view.h"

namespace headrace {
namespace {

// The features of one column, by record: a dense matrix, or the values of a sparse one, whose records are in order.
class Column {
 public:
  static Column Dense(const Tensor& matrix) {
    if (matrix.rank() != 2) {
      throw InvalidArgument("Dense inputs should be a matrix but received shape ", matrix.shape());
    }
    Column column(matrix, matrix.dim(0));
    column.per_record_ = matrix.dim(1);
    return column;
  }
  static Column Sparse(const Tensor& indices, const Tensor& values, const Tensor& shape) {
    const SparseView view = ViewSparse(indices, &values, shape);
    if (view.rank != 2) throw InvalidArgument("crossed sparse tensors should be 2-D, got rank ", view.rank);
    Column column(values, view.shape[0]);
    column.starts_.assign(static_cast<size_t>(column.records_) + 1, 0);
    for (int64_t i = 0; i < view.count; ++i) {
      const int64_t record = *view.Index(i);
      if (record < 0 || record >= column.records_) {
        throw InvalidArgument("index ", record, " of entry ", i, " is not in [0, ", column.records_, ")");
      }
      ++column.starts_[static_cast<size_t>(record) + 1];
    }
    for (size_t i = 1; i < column.starts_.size(); ++i) column.starts_[i] += column.starts_[i - 1];
    return column;
  }

  int64_t records() const { return records_; }
  const Tensor& values() const { return values_; }
  int64_t Begin(int64_t record) const { return starts_.empty() ? record * per_record_ : starts_[record]; }
  int64_t Count(int64_t record) const { return starts_.empty() ? per_record_ : starts_[record + 1] - starts_[record]; }
  void AppendText(int64_t i, std::string* text) const {
    if (values_.dtype() == DType::kString) {
      text->append(values_.string(i));
    } else {
      text->append(std::to_string(values_.data<int64_t>()[i]));
    }
  }

 private:
  Column(const Tensor& values, int64_t records) : values_(values), records_(records) {}
  Tensor values_;
  int64_t records_ = 0, per_record_ = 0;
  std::vector<int64_t> starts_;  // of sparse columns
};

// The columns of one op: the sparse ones first.
std::vector<Column> ColumnsOf(KernelContext& c) {
  const Node& node = c.node();
  const int indices = node.InputRange("indices").first, values = node.InputRange("values").first;
  const int shapes = node.InputRange("shapes").first;
  const auto [dense_begin, dense_end] = node.InputRange("dense_inputs");
  std::vector<Column> columns;
  for (int i = 0; indices + i < values; ++i) {
    columns.push_back(Column::Sparse(c.input(indices + i), c.input(values + i), c.input(shapes + i)));
  }
  for (int i = dense_begin; i < dense_end; ++i) columns.push_back(Column::Dense(c.input(i)));
  for (size_t i = 1; i < columns.size(); ++i) {
    if (columns[i].records() != columns[0].records()) {
      throw InvalidArgument("Expected batch size ", columns[0].records(), " but got ", columns[i].records(),
                            " for column ", i);
    }
  }
  return columns;
}

// How many crosses a record has.
int64_t CountCrosses(const std::vector<Column>& columns, int64_t record) {
  int64_t count = 1;
  for (const Column& column : columns) {
    if (__builtin_mul_overflow(count, column.Count(record), &count)) {
      throw InvalidArgument("record ", record, " has too many crosses");
    }
  }
  return count;
}

// Outputs 0 and 2, where the crosses are and the shape of the whole. Returns the number of crosses.
int64_t OutputPlaces(KernelContext& c, const std::vector<Column>& columns) {
  const int64_t records = columns.empty() ? 0 : columns[0].records();
  std::vector<int64_t> counts(static_cast<size_t>(records));
  int64_t total = 0, widest = 0;
  for (int64_t record = 0; record < records; ++record) {
    const int64_t count = counts[static_cast<size_t>(record)] = CountCrosses(columns, record);
    if (__builtin_add_overflow(total, count, &total)) throw InvalidArgument("there are too many crosses");
    widest = std::max(widest, count);
  }
  int64_t* indices = c.AllocateOutput(0, {total, 2}).data<int64_t>();
  for (int64_t record = 0; record < records; ++record) {
    for (int64_t i = 0; i < counts[static_cast<size_t>(record)]; ++i) {
      *indices++ = record;
      *indices++ = i;
    }
  }
  int64_t* shape = c.AllocateOutput(2, {2}).data<int64_t>();
  shape[0] = records;
  shape[1] = widest;
  return total;
}

// Calls f(positions) for each combination of one feature a column, record by record; the last column varies fastest.
template <class F>
void ForEachCross(const std::vector<Column>& columns, F f) {
  const size_t n = columns.size();
  std::vector<int64_t> positions(n);
  const int64_t records = columns.empty() ? 0 : columns[0].records();
  for (int64_t record = 0; record < records; ++record) {
    if (std::any_of(columns.begin(), columns.end(), [&](const Column& column) { return column.Count(record) == 0; })) {
      continue;
    }
    for (size_t k = 0; k < n; ++k) positions[k] = columns[k].Begin(record);
    for (size_t k = n; k > 0;) {
      f(positions);
      for (k = n; k > 0 && ++positions[k - 1] == columns[k - 1].Begin(record) + columns[k - 1].Count(record); --k) {
        positions[k - 1] = columns[k - 1].Begin(record);
      }
    }
  }
}

void JoinCrosses(KernelContext& c, std::string_view separator) {
  const std::vector<Column> columns = ColumnsOf(c);
  std::string* joined = c.AllocateOutput(1, {OutputPlaces(c, columns)}).data<std::string>();
  ForEachCross(columns, [&](const std::vector<int64_t>& cross) {
    joined->clear();
    for (size_t k = 0; k < cross.size(); ++k) {
      if (k > 0) joined->append(separator);
      columns[k].AppendText(cross[k], joined);
    }
    ++joined;
  });
}

// hash_text(text) and hash_number(number) hash a feature; `first(hash)` begins a cross.
template <class HashText, class HashNumber, class First>
void HashCrosses(KernelContext& c, int64_t num_buckets, HashText hash_text, HashNumber hash_number, First first) {
  const std::vector<Column> columns = ColumnsOf(c);
  std::vector<std::vector<uint64_t>> hashes;
  for (const Column& column : columns) {
    auto& of_column = hashes.emplace_back();
    of_column.reserve(static_cast<size_t>(column.values().num_elements()));
    if (column.values().dtype() == DType::kString) {
      for (const std::string& text : column.values().flat<std::string>()) of_column.push_back(hash_text(text));
    } else {
      for (const int64_t number : column.values().flat<int64_t>()) of_column.push_back(hash_number(number));
    }
  }
  const auto buckets = static_cast<uint64_t>(num_buckets > 0 ? num_buckets : std::numeric_limits<int64_t>::max());
  int64_t* to = c.AllocateOutput(1, {OutputPlaces(c, columns)}).data<int64_t>();
  ForEachCross(columns, [&](const std::vector<int64_t>& cross) {
    uint64_t hash = first(hashes[0][static_cast<size_t>(cross[0])]);
    for (size_t k = 1; k < cross.size(); ++k) {
      hash = CombineFingerprints(hash, hashes[k][static_cast<size_t>(cross[k])]);
    }
    *to++ = static_cast<int64_t>(hash % buckets);
  });
}

void CrossShape(ShapeContext& c) {
  c.set_output(0, PartialShape{-1, 2});
  c.set_output(1, PartialShape{-1});
  c.set_output(2, Shape{2});
}

uint64_t NumberAsHash(int64_t number) {
  return static_cast<uint64_t>(number);
}

// TensorFlow wants integers declared: nothing else follows from the internal type.
void CheckInternalType(const Node& node) {
  if (node.attr<DType>("internal_type") == DType::kInt64) return;
  for (const char* name : {"sparse_types", "dense_types"}) {
    for (const DType given : node.attr<std::vector<DType>>(name)) {
      if (given != DType::kString) {
        throw InvalidArgument("inputs should be of the internal type ", DType::kString, " but ", name, " has ", given);
      }
    }
  }
}

DEFINE_OP("SparseCross")
    .Input("indices: N * int64")
    .Input("values: sparse_types")
    .Input("shapes: N * int64")
    .Input("dense_inputs: dense_types")
    .Output("output_indices: int64")
    .Output("output_values: out_type")
    .Output("output_shape: int64")
    .Attr("N: int >= 0")
    .Attr("hashed_output: bool")
    .Attr("num_buckets: int >= 0")
    .Attr("hash_key: int")
    .Attr("sparse_types: list({int64, string}) >= 0")
    .Attr("dense_types: list({int64, string}) >= 0")
    .Attr("out_type: {int64, string}")
    .Attr("internal_type: {int64, string}")
    .Shape(CrossShape)
    .NoGradient()
    .Kernel([](const Node& node) -> Kernel {
      CheckInternalType(node);
      if (!node.attr<bool>("hashed_output")) return [](KernelContext& c) { JoinCrosses(c, "_X_"); };
      return [buckets = node.attr<int64_t>("num_buckets"), key = node.attr<int64_t>("hash_key")](KernelContext& c) {
        HashCrosses(c, buckets, Fingerprint64, NumberAsHash,
                    [&](uint64_t hash) { return CombineFingerprints(static_cast<uint64_t>(key), hash); });
      };
    });

DEFINE_OP("SparseCrossV2")
    .Input("indices: N * int64")
    .Input("values: sparse_types")
    .Input("shapes: N * int64")
    .Input("dense_inputs: dense_types")
    .Input("sep: string")
    .Output("output_indices: int64")
    .Output("output_values: string")
    .Output("output_shape: int64")
    .Attr("N: int >= 0")
    .Attr("sparse_types: list({int64, string}) >= 0")
    .Attr("dense_types: list({int64, string}) >= 0")
    .Shape(CrossShape)
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const Tensor& separator = c.input(c.num_inputs() - 1);
      if (separator.rank() != 0) throw InvalidArgument("sep should be a scalar, got shape ", separator.shape());
      JoinCrosses(c, separator.string());
    });

DEFINE_OP("SparseCrossHashed")
    .Input("indices: N * int64")
    .Input("values: sparse_types")
    .Input("shapes: N * int64")
    .Input("dense_inputs: dense_types")
    .Input("num_buckets: int64")
    .Input("strong_hash: bool")
    .Input("salt: int64")
    .Output("output_indices: int64")
    .Output("output_values: int64")
    .Output("output_shape: int64")
    .Attr("N: int >= 0")
    .Attr("sparse_types: list({int64, string}) >= 0")
    .Attr("dense_types: list({int64, string}) >= 0")
    .Shape(CrossShape)
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const Tensor& salt = c.input(c.num_inputs() - 1);
      const int64_t buckets = c.input(c.num_inputs() - 3).scalar<int64_t>();
      const bool strong = c.input(c.num_inputs() - 2).scalar<bool>();
      if (salt.num_elements() != 2) throw InvalidArgument("salt must have 2 elements, got shape ", salt.shape());
      const auto alone = [](uint64_t hash) { return hash; };
      if (!strong) return HashCrosses(c, buckets, Fingerprint64, NumberAsHash, alone);
      const HashKey key = {static_cast<uint64_t>(salt.AsInt64(0)), static_cast<uint64_t>(salt.AsInt64(1))};
      HashCrosses(
          c, buckets, [&](std::string_view text) { return KeyedHash64(key, text); },
          // Of a number TensorFlow hashes the lower four bytes.
          [&](int64_t number) {
            return KeyedHash64(key, {reinterpret_cast<const char*>(&number), sizeof(int32_t)});
          },
          alone);
    });

}  // namespace
}  // namespace headrace
