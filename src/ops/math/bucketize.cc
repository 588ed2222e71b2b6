// Ops that look values up: Bucketize.
#include <algorithm>

#include "declare/declare.h"

namespace headrace {
namespace {

template <class T>
void Bucketize(KernelContext& c, const std::vector<float>& boundaries) {
  const auto in = c.input(0).flat<T>();
  int32_t* out = c.AllocateOutput(0, c.input(0).shape()).template data<int32_t>();
  for (size_t i = 0; i < in.size(); ++i) {
    // How many boundaries the value has reached; NaN, which reaches none by comparison, counts as beyond them all.
    const auto end = std::upper_bound(boundaries.begin(), boundaries.end(), in[i], [](T value, float boundary) {
      return !(value >= static_cast<T>(boundary)) && value == value;
    });
    out[i] = static_cast<int32_t>(end - boundaries.begin());
  }
}

DEFINE_OP("Bucketize")
    .Input("input: T")
    .Output("output: int32")
    .Attr("T: {int32, int64, float, double}")
    .Attr("boundaries: list(float)")
    .Shape(SameAsInput(0))
    .Elementwise()
    .NoGradient()
    .Kernel([](const Node& node) -> Kernel {
      const auto& boundaries = node.attr<std::vector<float>>("boundaries");
      if (!std::is_sorted(boundaries.begin(), boundaries.end())) throw InvalidArgument("Expected sorted boundaries");
      switch (node.input(0).dtype()) {
        case DType::kFloat:
          return [boundaries](KernelContext& c) { Bucketize<float>(c, boundaries); };
        case DType::kDouble:
          return [boundaries](KernelContext& c) { Bucketize<double>(c, boundaries); };
        case DType::kInt32:
          return [boundaries](KernelContext& c) { Bucketize<int32_t>(c, boundaries); };
        default:
          return [boundaries](KernelContext& c) { Bucketize<int64_t>(c, boundaries); };
      }
    });

}  // namespace
}  // namespace headrace
