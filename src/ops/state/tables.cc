// Lookup tables: keys to values, filled once, then read.
#include <charconv>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <unordered_map>

#include "declare/declare.h"
#include "headrace/file_system.h"

namespace headrace {
namespace {

// Keys and values are strings or int64s; those of the other type stay empty. Thread-safe.
class LookupTable final : public Object {
 public:
  LookupTable(std::string name, DType key_dtype, DType value_dtype)
      : name_(std::move(name)), key_dtype_(key_dtype), value_dtype_(value_dtype) {}
  std::string DebugString() const override { return "LookupTable(" + name_ + ")"; }

  // Errors: FailedPrecondition if it holds a key with another value already.
  void Fill(const Tensor& keys, const Tensor& values) {
    Check(keys, key_dtype_, "keys");
    Check(values, value_dtype_, "values");
    if (keys.num_elements() != values.num_elements()) {
      throw InvalidArgument("Number of elements must match: ", keys.num_elements(), " keys, ", values.num_elements(),
                            " values for table ", name_);
    }
    const std::unique_lock lock(mutex_);
    for (int64_t i = 0; i < keys.num_elements(); ++i) Insert(KeyOf(keys, i), values.Slice(i, i + 1).Reshaped({}));
    filled_ = true;
  }

  void Find(const Tensor& keys, const Tensor& default_value, Tensor* out) const {
    Check(keys, key_dtype_, "keys");
    Check(default_value, value_dtype_, "a default value");
    const std::shared_lock lock(mutex_);
    if (!filled_) throw FailedPrecondition("Table not initialized: ", name_);
    for (int64_t i = 0; i < keys.num_elements(); ++i) {
      const auto found = values_.find(KeyOf(keys, i));
      const Tensor& value = found == values_.end() ? default_value : found->second;
      if (value_dtype_ == DType::kString) {
        out->data<std::string>()[i] = value.scalar<std::string>();
      } else {
        VisitNumeric(value_dtype_, "LookupTableFindV2", [&]<class T>(T) { out->data<T>()[i] = value.scalar<T>(); });
      }
    }
  }

  int64_t size() const {
    const std::shared_lock lock(mutex_);
    return static_cast<int64_t>(values_.size());
  }
  DType key_dtype() const { return key_dtype_; }
  bool filled() const {
    const std::shared_lock lock(mutex_);
    return filled_;
  }

 private:
  void Check(const Tensor& tensor, DType dtype, const char* what) const {
    if (tensor.dtype() == dtype) return;
    throw InvalidArgument("table ", name_, " takes ", what, " of type ", dtype, ", got ", tensor.dtype());
  }
  static std::string KeyOf(const Tensor& keys, int64_t i) {
    if (keys.dtype() == DType::kString) return std::string(keys.string(i));
    const int64_t key = keys.AsInt64(i);
    return {reinterpret_cast<const char*>(&key), sizeof(key)};
  }
  void Insert(std::string key, Tensor value) {
    const auto [at, inserted] = values_.try_emplace(std::move(key), value);
    if (!inserted && at->second.ToString() != value.ToString()) {
      throw FailedPrecondition("HashTable has different value for same key. Table ", name_, " has ",
                               at->second.ToString(), " and is to get ", value.ToString());
    }
  }

  const std::string name_;
  const DType key_dtype_, value_dtype_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Tensor> values_;
  bool filled_ = false;
};

// The lines of a vocabulary, at most `limit` of them unless that is negative, without the carriage returns of Windows'
// line ends. Errors: InvalidArgument for an empty line, and for fewer lines than the limit.
std::vector<std::string> LinesOf(const std::string& text, const std::string& path, int64_t offset, int64_t limit) {
  std::vector<std::string> lines;
  for (size_t at = offset > 0 ? static_cast<size_t>(offset) : 0; at < text.size();) {
    if (limit >= 0 && static_cast<int64_t>(lines.size()) == limit) return lines;
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    std::erase(line, '\r');
    if (line.empty())
      throw InvalidArgument("Invalid content in ", path, ": empty line found at position ", end + 1, ".");
    lines.push_back(std::move(line));
    at = end + 1;
  }
  if (limit >= 0 && static_cast<int64_t>(lines.size()) < limit) {
    throw InvalidArgument("Invalid vocab_size in ", path, ": expected ", limit, " but got ", lines.size(), ".");
  }
  return lines;
}

// Lines as a table's keys. Errors: InvalidArgument for one that is no number, where keys are numbers.
Tensor KeysOf(const std::vector<std::string>& lines, DType dtype, const std::string& path) {
  if (dtype == DType::kString) return Tensor::Vector(lines);
  std::vector<int64_t> numbers;
  for (const std::string& line : lines) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc() || end != line.data() + line.size()) {
      throw InvalidArgument("Field ", line, " in line ", numbers.size(), " of ", path, " is not a valid int64.");
    }
    numbers.push_back(number);
  }
  return Tensor::Vector(numbers);
}

void FillFromPair(KernelContext& c) {
  c.resource<LookupTable>(0)->Fill(c.input(1), c.input(2));
}

DEFINE_OP("HashTableV2")
    .Output("table_handle: resource")
    .Attr("container: string = ''")
    .Attr("shared_name: string = ''")
    .Attr("use_node_name_sharing: bool = false")
    .Attr("key_dtype: type")
    .Attr("value_dtype: type")
    .Shape(ScalarShape())
    .Stateful()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const Node& node = c.node();
      const auto& shared = node.attr<std::string>("shared_name");
      const std::string& name = shared.empty() ? node.name() : shared;
      c.set_output(
          0, Tensor::Resource(c.resources().LookupOrCreate<LookupTable>(node.attr<std::string>("container"), name, [&] {
            return std::make_shared<LookupTable>(name, node.attr<DType>("key_dtype"), node.attr<DType>("value_dtype"));
          })));
    });

DEFINE_OP("LookupTableImportV2")
    .Input("table_handle: resource")
    .Input("keys: Tin")
    .Input("values: Tout")
    .Attr("Tin: type")
    .Attr("Tout: type")
    .Stateful()
    .Keep()
    .NoGradient()
    .Kernel(FillFromPair);

DEFINE_OP("InitializeTableV2")
    .Input("table_handle: resource")
    .Input("keys: Tkey")
    .Input("values: Tval")
    .Attr("Tkey: type")
    .Attr("Tval: type")
    .Stateful()
    .Keep()
    .NoGradient()
    .Kernel(FillFromPair);

// A line is a key or a value itself (index -2), its number (-1), or has fields by position.
DEFINE_OP("InitializeTableFromTextFileV2")
    .Input("table_handle: resource")
    .Input("filename: string")
    .Attr("key_index: int >= -2")
    .Attr("value_index: int >= -2")
    .Attr("vocab_size: int >= -1 = -1")
    .Attr("delimiter: string = '\t'")
    .Attr("offset: int = 0")
    .Stateful()
    .Keep()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const Node& node = c.node();
      const std::string path = c.input(1).scalar<std::string>();
      if (node.attr<int64_t>("key_index") != -2 || node.attr<int64_t>("value_index") != -1) {
        throw Unimplemented("table '", node.name(), "' from ", path,
                            ": only a file with a key a line, whose value is the line's number, is supported");
      }
      const auto table = c.resource<LookupTable>(0);
      const auto keys = LinesOf(ReadFile(path), path, node.attr<int64_t>("offset"), node.attr<int64_t>("vocab_size"));
      std::vector<int64_t> numbers(keys.size());
      std::iota(numbers.begin(), numbers.end(), int64_t{0});
      if (!table->filled()) table->Fill(KeysOf(keys, table->key_dtype(), path), Tensor::Vector(numbers));
    });

DEFINE_OP("LookupTableFindV2")
    .Input("table_handle: resource")
    .Input("keys: Tin")
    .Input("default_value: Tout")
    .Output("values: Tout")
    .Attr("Tin: type")
    .Attr("Tout: type")
    .Shape(SameAsInput(1))
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Tensor& out = c.AllocateOutput(0, c.input(1).shape());
      c.resource<LookupTable>(0)->Find(c.input(1), c.input(2), &out);
    });

DEFINE_OP("LookupTableSizeV2")
    .Input("table_handle: resource")
    .Output("size: int64")
    .Shape(ScalarShape())
    .Stateful()
    .NoGradient()
    .Kernel([](KernelContext& c) { *c.AllocateOutput(0, {}).data<int64_t>() = c.resource<LookupTable>(0)->size(); });

}  // namespace
}  // namespace headrace
