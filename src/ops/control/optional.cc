// Optionals: variants that hold the components of an element, or nothing. The branches of a conditional hand each other
// what only one of them computes.
#include <memory>

#include "declare/declare.h"

namespace headrace {
namespace {

class Optional final : public Object {
 public:
  explicit Optional(std::vector<Tensor> components) : components(std::move(components)) {}
  std::string DebugString() const override {
    return components.empty() ? "Optional(None)" : internal::Concat("Optional(", components.size(), " components)");
  }
  const std::vector<Tensor> components;  // none: the optional has no value
};

const Optional& OptionalOf(const Tensor& tensor) {
  const auto* optional = dynamic_cast<const Optional*>(tensor.object().get());
  if (!optional) throw InvalidArgument("expected an optional, got a ", tensor.object()->DebugString());
  return *optional;
}

DEFINE_OP("OptionalFromValue")
    .Input("components: Toutput_types")
    .Output("optional: variant")
    .Attr("Toutput_types: list(type) >= 1")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& c) {
      std::vector<Tensor> components;
      for (int i = 0; i < c.num_inputs(); ++i) components.push_back(c.input(i));
      c.set_output(0, Tensor::Variant(std::make_shared<Optional>(std::move(components))));
    })
    .NoGradient();

DEFINE_OP("OptionalNone")
    .Output("optional: variant")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& c) {
      c.set_output(0, Tensor::Variant(std::make_shared<Optional>(std::vector<Tensor>())));
    })
    .NoGradient();

DEFINE_OP("OptionalHasValue")
    .Input("optional: variant")
    .Output("has_value: bool")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& c) { c.set_output(0, Tensor::Scalar(!OptionalOf(c.input(0)).components.empty())); })
    .NoGradient();

DEFINE_OP("OptionalGetValue")
    .Input("optional: variant")
    .Output("components: output_types")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Shape([](ShapeContext& c) {
      const auto& shapes = c.attr<std::vector<PartialShape>>("output_shapes");
      for (size_t i = 0; i < shapes.size(); ++i) c.set_output(static_cast<int>(i), shapes[i]);
    })
    .Kernel([](const Node& node) -> Kernel {
      return [dtypes = node.attr<std::vector<DType>>("output_types"),
              shapes = node.attr<std::vector<PartialShape>>("output_shapes")](KernelContext& c) {
        const auto& components = OptionalOf(c.input(0)).components;
        if (components.empty()) throw InvalidArgument("The given optional does not have a value.");
        if (components.size() != dtypes.size()) {
          throw InvalidArgument("the optional has ", components.size(), " components, expected ", dtypes.size());
        }
        for (size_t i = 0; i < components.size(); ++i) {
          if (components[i].dtype() != dtypes[i] || !shapes.at(i).IsCompatibleWith(components[i].shape())) {
            throw InvalidArgument("component ", i, " of the optional is ", components[i].dtype(), components[i].shape(),
                                  ", expected ", dtypes[i], shapes.at(i));
          }
          c.set_output(static_cast<int>(i), components[i]);
        }
      };
    })
    .NoGradient();

}  // namespace
}  // namespace headrace
