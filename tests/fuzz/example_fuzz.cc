// tf.train.Example: fixed, variable and ragged features of each type, one example and a batch of them.
#include "fuzz.h"
#include "headrace/resource.h"
#include "headrace/session.h"
#include "wire/example.pb.h"

namespace headrace::fuzz {

std::vector<std::string> Seeds() {
  headrace::wire::Example example;
  auto& features = *example.mutable_features()->mutable_feature();
  features["f"].mutable_float_list()->add_value(1.5f);
  features["f"].mutable_float_list()->add_value(2.5f);
  features["i"].mutable_int64_list()->add_value(-1);
  features["i"].mutable_int64_list()->add_value(300);
  features["s"].mutable_bytes_list()->add_value("ab");
  features["other"];
  return {example.SerializeAsString()};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  const std::string example(fuzz::View(data, size));
  const std::vector<std::string> sparse_keys{"f", "i", "s"}, dense_keys{"f", "i", "s", "f", "i", "s"};
  const std::vector<DType> dtypes{DType::kFloat, DType::kInt64, DType::kString};
  const std::vector<DType> dense_types{DType::kFloat, DType::kInt64, DType::kString,
                                       DType::kFloat, DType::kInt64, DType::kString};
  // Two of each with defaults, and as many as there are.
  const std::vector<PartialShape> shapes{{2}, {2}, {2}, {-1}, {-1, 2}, {-1}};
  const std::vector<Tensor> defaults{Tensor::Zeros(DType::kFloat, {2}), Tensor::Zeros(DType::kInt64, {2}),
                                     Tensor(DType::kString, {2}),       Tensor::Zeros(DType::kFloat, {1}),
                                     Tensor::Zeros(DType::kInt64, {1}), Tensor(DType::kString, {1})};
  static ResourceManager resources;
  for (const bool batch : {false, true}) {
    // Each feature by itself, so that what one of them lacks does not hide the others.
    for (size_t i = 0; i < dense_keys.size(); ++i) {
      const Tensor input =
          batch ? Tensor::Vector(std::vector<std::string>{example, "", example}) : Tensor::Scalar(example);
      const bool sparse = i < sparse_keys.size();
      fuzz::Succeeds([&] {
        Execute("ParseExampleV2",
                {{input},
                 {Tensor(DType::kString, {0})},
                 {Tensor::Vector(sparse ? std::vector{sparse_keys[i]} : std::vector<std::string>())},
                 {Tensor::Vector(std::vector{dense_keys[i]})},
                 {Tensor(DType::kString, {0})},
                 {defaults[i]}},
                {{"Tdense", std::vector{dense_types[i]}},
                 {"num_sparse", sparse ? 1 : 0},
                 {"sparse_types", sparse ? std::vector{dtypes[i]} : std::vector<DType>()},
                 {"ragged_value_types", std::vector<DType>()},
                 {"ragged_split_types", std::vector<DType>()},
                 {"dense_shapes", std::vector{shapes[i]}}},
                resources);
      });
    }
  }
  return 0;
}
