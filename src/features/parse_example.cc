// ParseExample: tf.train.Examples into features, as a spec of columns asks for them.
#include "features/transforms.h"

namespace headrace {

FeatureTensors ParseExample(Output serialized, const ParseExampleSpec& spec) {
  std::vector<std::string> dense_keys, sparse_keys;
  std::vector<DType> dense_types, sparse_types;
  std::vector<PartialShape> dense_shapes;
  OpArgument defaults;
  const NameScope scope("ParseExample");
  for (const auto& [key, feature] : spec) {
    if (const auto* fixed = std::get_if<FixedLenFeature>(&feature)) {
      dense_keys.push_back(key);
      dense_types.push_back(fixed->dtype);
      dense_shapes.push_back(fixed->shape);
      defaults.push_back(Constant(fixed->default_value.value_or(Tensor(fixed->dtype, {0})), "default"));
    } else {
      sparse_keys.push_back(key);
      sparse_types.push_back(std::get<VarLenFeature>(feature).dtype);
    }
  }
  const auto names = [](const std::vector<std::string>& values, const char* name) {
    return OpArgument{Constant(Tensor::Vector(values), name)};
  };
  const auto num_sparse = static_cast<int>(sparse_keys.size());
  Node* parsed = Graph::Current().Apply("ParseExampleV2",
                                        {{serialized},
                                         names({}, "names"),
                                         names(sparse_keys, "sparse_keys"),
                                         names(dense_keys, "dense_keys"),
                                         names({}, "ragged_keys"),
                                         defaults},
                                        {{"Tdense", dense_types},
                                         {"num_sparse", static_cast<int64_t>(num_sparse)},
                                         {"sparse_types", sparse_types},
                                         {"ragged_value_types", std::vector<DType>{}},
                                         {"ragged_split_types", std::vector<DType>{}},
                                         {"dense_shapes", dense_shapes}},
                                        "ParseExampleV2");
  FeatureTensors features;
  for (int i = 0; i < num_sparse; ++i) {
    features[sparse_keys[i]] =
        SparseTensor{parsed->output(i), parsed->output(num_sparse + i), parsed->output(2 * num_sparse + i)};
  }
  for (size_t i = 0; i < dense_keys.size(); ++i) {
    features[dense_keys[i]] = parsed->output(3 * num_sparse + static_cast<int>(i));
  }
  return features;
}

}  // namespace headrace
