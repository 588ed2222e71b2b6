// What input functions give: datasets become tensors of an iterator that the session initialises.
#include "headrace/estimator.h"

namespace headrace {
namespace {

Features FeaturesOf(const ElementTensors& element) {
  if (element.layout().kind == ElementLayout::Kind::kFeatures) return element.features();
  return Features{{"", element.tensor()}};
}

ElementTensors NextOf(const Dataset& dataset) {
  const DatasetIterator iterator = dataset.InitializableIterator();
  if (iterator.initializer) {
    iterator.resource.graph()->collection(keys::kTableInitializers).emplace_back(iterator.initializer);
  }
  return iterator.GetNext();
}

}  // namespace

Input::Input(const Dataset& dataset) : Input(NextOf(dataset)) {}

Input::Input(const ElementTensors& element) {
  if (element.layout().kind != ElementLayout::Kind::kTuple) {
    features = FeaturesOf(element);
    return;
  }
  const std::vector<ElementTensors> parts = element.parts();
  if (parts.empty() || parts.size() > 2) {
    throw InvalidArgument("input_fn should return features or (features, labels); it gave a tuple of ", parts.size());
  }
  features = FeaturesOf(parts[0]);
  if (parts.size() == 2) labels = FeaturesOf(parts[1]);
}

Output Input::label() const {
  if (labels.size() != 1) throw InvalidArgument("expected one label, got ", labels.size());
  return labels.begin()->second;
}

ServingInputFn RawServingInput(const std::vector<std::string>& features, DType dtype) {
  return [features, dtype] {
    ServingInput input;
    for (const std::string& name : features) {
      input.features.Set(name, ApplyOp("Placeholder", {}, {{"dtype", dtype}, {"shape", PartialShape{-1}}}));
    }
    input.receiver_tensors = input.features;
    return input;
  };
}

}  // namespace headrace
