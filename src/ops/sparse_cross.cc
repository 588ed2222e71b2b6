// SparseCross: the cross product of the features of several columns, record by record, hashed or joined as text.
#include "kernels/fingerprint.h"
#include "ops/declare.h"

namespace headrace {
namespace {

// The features of one column, by record: a dense matrix, or the values of a sparse one.
class Column {
 public:
  static Column Dense(const Tensor& matrix) {
    if (matrix.rank() != 2)
      throw InvalidArgument("Dense inputs should be a matrix but received shape ", matrix.shape());
    Column column(matrix);
    column.per_record_ = matrix.dim(1);
    return column;
  }
  static Column Sparse(const Tensor& indices, const Tensor& values, int64_t records) {
    if (indices.rank() != 2 || indices.dim(0) != values.num_elements()) {
      throw InvalidArgument("Input indices should be a matrix with a row for each value, got ", indices.shape(),
                            " and ", values.shape());
    }
    Column column(values);
    column.starts_.assign(static_cast<size_t>(records) + 1, 0);
    const int64_t* index = indices.data<int64_t>();
    for (int64_t i = 0; i < indices.dim(0); ++i) {
      const int64_t record = index[i * indices.dim(1)];
      if (record < 0 || record >= records) throw InvalidArgument("index ", record, " is not in [0, ", records, ")");
      ++column.starts_[static_cast<size_t>(record) + 1];
    }
    for (size_t i = 1; i < column.starts_.size(); ++i) column.starts_[i] += column.starts_[i - 1];
    return column;
  }

  int64_t Begin(int64_t record) const { return starts_.empty() ? record * per_record_ : starts_[record]; }
  int64_t Count(int64_t record) const { return starts_.empty() ? per_record_ : starts_[record + 1] - starts_[record]; }
  uint64_t Hash(int64_t i) const {
    return values_.dtype() == DType::kString ? Fingerprint64(values_.string(i))
                                             : static_cast<uint64_t>(values_.data<int64_t>()[i]);
  }
  std::string Text(int64_t i) const {
    return values_.dtype() == DType::kString ? std::string(values_.string(i))
                                             : std::to_string(values_.data<int64_t>()[i]);
  }

 private:
  explicit Column(const Tensor& values) : values_(values) {}
  Tensor values_;
  int64_t per_record_ = 0;
  std::vector<int64_t> starts_;  // of sparse columns
};

std::vector<Column> ColumnsOf(KernelContext& c, int64_t* records) {
  const Node& node = c.node();
  const int indices = node.InputRange("indices").first, values = node.InputRange("values").first;
  const int shapes = node.InputRange("shapes").first;
  const auto [dense_begin, dense_end] = node.InputRange("dense_inputs");
  *records = dense_begin < dense_end ? c.input(dense_begin).dim(0) : c.input(shapes).AsInt64(0);
  std::vector<Column> columns;
  for (int i = 0; indices + i < values; ++i) {
    if (c.input(shapes + i).AsInt64(0) != *records) {
      throw InvalidArgument("Expected batch size ", *records, " but got ", c.input(shapes + i).AsInt64(0));
    }
    columns.push_back(Column::Sparse(c.input(indices + i), c.input(values + i), *records));
  }
  for (int i = dense_begin; i < dense_end; ++i) {
    if (c.input(i).dim(0) != *records) {
      throw InvalidArgument("Expected batch size ", *records, " but got ", c.input(i).dim(0));
    }
    columns.push_back(Column::Dense(c.input(i)));
  }
  return columns;
}

// Calls f(positions) for each combination of one feature a column; the last column varies fastest.
template <class F>
void ForEachCross(const std::vector<Column>& columns, int64_t record, std::vector<int64_t>* positions, F f) {
  const size_t n = columns.size();
  for (size_t k = 0; k < n; ++k) {
    if (columns[k].Count(record) == 0) return;
    (*positions)[k] = columns[k].Begin(record);
  }
  for (;;) {
    f(*positions);
    size_t k = n;
    while (k > 0 && ++(*positions)[k - 1] == columns[k - 1].Begin(record) + columns[k - 1].Count(record)) {
      (*positions)[k - 1] = columns[k - 1].Begin(record);
      --k;
    }
    if (k == 0) return;
  }
}

void Cross(KernelContext& c) {
  int64_t records = 0;
  const std::vector<Column> columns = ColumnsOf(c, &records);
  int64_t total = 0, widest = 0;
  std::vector<int64_t> counts(static_cast<size_t>(records), 1);
  for (int64_t record = 0; record < records; ++record) {
    for (const Column& column : columns) counts[record] *= column.Count(record);
    total += counts[record];
    widest = std::max(widest, counts[record]);
  }
  int64_t* indices = c.AllocateOutput(0, {total, 2}).data<int64_t>();
  Tensor& values = c.AllocateOutput(1, {total});
  int64_t* shape = c.AllocateOutput(2, {2}).data<int64_t>();
  shape[0] = records;
  shape[1] = widest;
  for (int64_t record = 0; record < records; ++record) {
    for (int64_t i = 0; i < counts[record]; ++i) {
      *indices++ = record;
      *indices++ = i;
    }
  }
  const auto buckets = static_cast<uint64_t>(c.node().attr<int64_t>("num_buckets"));
  const auto key = static_cast<uint64_t>(c.node().attr<int64_t>("hash_key"));
  const bool hashed = c.node().attr<bool>("hashed_output");
  constexpr uint64_t kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  std::vector<int64_t> positions(columns.size());
  int64_t at = 0;
  for (int64_t record = 0; record < records; ++record) {
    ForEachCross(columns, record, &positions, [&](const std::vector<int64_t>& cross) {
      if (hashed) {
        uint64_t hash = key;
        for (size_t k = 0; k < cross.size(); ++k) hash = CombineFingerprints(hash, columns[k].Hash(cross[k]));
        values.data<int64_t>()[at++] = static_cast<int64_t>(hash % (buckets > 0 ? buckets : kLargest));
      } else {
        std::string joined;
        for (size_t k = 0; k < cross.size(); ++k) joined += (k > 0 ? "_X_" : "") + columns[k].Text(cross[k]);
        values.data<std::string>()[at++] = std::move(joined);
      }
    });
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
    .Shape([](ShapeContext& c) {
      c.set_output(0, PartialShape{-1, 2});
      c.set_output(1, PartialShape{-1});
      c.set_output(2, Shape{2});
    })
    .NoGradient()
    .Kernel(Cross);

}  // namespace
}  // namespace headrace
