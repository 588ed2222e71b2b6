// Clipping of values and of norms.
#include "headrace/clipping.h"

#include <limits>

#include "nn/filled.h"

namespace headrace {
namespace {

Output Binary(const char* op, Output x, Output y, std::string_view name = {}) {
  return ApplyOp(op, {{x}, {y}}, {}, name);
}

Gradient WithValues(const Gradient& like, Output values) {
  return like.sparse() ? Gradient(values, like.indices, like.dense_shape) : Gradient(values);
}

}  // namespace

Output nn::ClipByValue(Output x, Output low, Output high, std::string_view name) {
  NameScope scope(name);
  return Binary("Maximum", Binary("Minimum", x, high), low, scope.name());
}

Gradient ClipByNorm(const Gradient& x, Output norm, const Axes& axes, std::string_view name) {
  NameScope scope(name);
  const Output values = x.values;
  const Output squares = Reduce("Sum", Binary("Mul", values, values), axes, true);
  // The square root only of what is positive, so that its gradient at 0 is no NaN.
  const Output positive = Binary("Greater", squares, ScalarConstant(values.dtype(), 0, "Greater/y"));
  const Output safe = ApplyOp("Select", {{positive}, {squares}, {ApplyOp("OnesLike", {{squares}})}});
  const Output length = ApplyOp("Select", {{positive}, {ApplyOp("Sqrt", {{safe}})}, {squares}});
  const Output scaled = Binary("Mul", values, norm);
  if (values.shape().has_rank() && !values.shape().IsCompatibleWith(scaled.shape())) {
    throw InvalidArgument("clip_norm of shape ", norm.shape(), " changes the shape ", values.shape(), " of ",
                          values.name());
  }
  const Output clipped = Binary("RealDiv", scaled, Binary("Maximum", length, norm));
  return WithValues(x, ApplyOp("Identity", {{clipped}}, {}, scope.name()));
}

Output ClipByAverageNorm(Output x, Output norm, std::string_view name) {
  NameScope scope(name);
  const Output elements = ApplyOp("Cast", {{ApplyOp("Size", {{x}})}}, {{"DstT", x.dtype()}});
  const Output length_inverse = ApplyOp("Rsqrt", {{SumAll(Binary("Mul", x, x))}});
  const Output inverse = Binary("Mul", elements, length_inverse);
  const Output bound = Binary("RealDiv", ScalarConstant(x.dtype(), 1), norm);
  const Output scaled = Binary("Mul", Binary("Mul", x, norm), Binary("Minimum", inverse, bound));
  return ApplyOp("Identity", {{scaled}}, {}, scope.name());
}

Output GlobalNorm(const std::vector<Gradient>& tensors, std::string_view name) {
  NameScope scope(name);
  OpArgument halves;
  for (const Gradient& tensor : tensors) {
    if (tensor) halves.push_back(ApplyOp("L2Loss", {{tensor.values}}));
  }
  if (halves.empty()) throw InvalidArgument("the global norm of no tensors is not defined: all are absent");
  const Output sum = SumAll(ApplyOp("Pack", {halves}));
  return ApplyOp("Sqrt", {{Binary("Mul", sum, ScalarConstant(sum.dtype(), 2))}}, {}, "global_norm");
}

ClippedGradients ClipByGlobalNorm(const std::vector<Gradient>& tensors, Output norm, Output use_norm,
                                  std::string_view name) {
  ClippedGradients result;
  result.norm = use_norm ? use_norm : GlobalNorm(tensors);
  NameScope scope(name);
  const DType dtype = result.norm.dtype();
  const Output one = ScalarConstant(dtype, 1);
  const Output inverse = Binary("RealDiv", one, result.norm);
  const Output factor = Binary("Mul", norm, Binary("Minimum", inverse, Binary("RealDiv", one, norm)));
  const Output not_a_number = ScalarConstant(dtype, std::numeric_limits<double>::quiet_NaN());
  const Output scale = ApplyOp("Select", {{ApplyOp("IsFinite", {{result.norm}})}, {factor}, {not_a_number}});
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i]) {
      result.clipped.emplace_back();
      continue;
    }
    const std::string part = "clip_by_global_norm_" + std::to_string(i);
    result.clipped.push_back(
        WithValues(tensors[i], ApplyOp("Identity", {{Binary("Mul", tensors[i].values, scale)}}, {}, part)));
  }
  return result;
}

}  // namespace headrace
