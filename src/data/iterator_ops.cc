// The iterator ops. An iterator is a resource under (container, shared name or node name).
#include "data/iterator.h"
#include "declare/declare.h"

namespace headrace::data {
namespace {

std::shared_ptr<IteratorResource> LookupOrCreate(KernelContext& c) {
  const Node& node = c.node();
  const auto& shared_name = node.attr<std::string>("shared_name");
  const std::string& name = shared_name.empty() ? node.name() : shared_name;
  const auto& container = node.attr<std::string>("container");
  return c.resources().LookupOrCreate<IteratorResource>(container, name, [&] {
    return std::make_shared<IteratorResource>(container, name, node.attr<std::vector<DType>>("output_types"),
                                              node.attr<std::vector<PartialShape>>("output_shapes"));
  });
}

// An iterator as text, "container:name": how programs choose among iterators by what they feed.
std::string HandleText(const std::string& container, const std::string& name) {
  return container + ":" + name;
}

std::shared_ptr<IteratorResource> FindByText(const ResourceManager& resources, const std::string& text) {
  const size_t colon = text.find(':');
  std::shared_ptr<Object> found;
  if (colon != std::string::npos) found = resources.Lookup(text.substr(0, colon), text.substr(colon + 1));
  auto iterator = std::dynamic_pointer_cast<IteratorResource>(found);
  if (!iterator) throw InvalidArgument("string_handle '", text, "' is not the handle of an iterator of this session");
  return iterator;
}

void SetComponentShapes(ShapeContext& c) {
  const auto& shapes = c.attr<std::vector<PartialShape>>("output_shapes");
  for (size_t i = 0; i < shapes.size(); ++i) c.set_output(static_cast<int>(i), shapes[i]);
}

// The dataset is made by a function, the first time that the op runs.
DEFINE_OP("OneShotIterator")
    .Output("handle: resource")
    .Attr("dataset_factory: func")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("container: string = ''")
    .Attr("shared_name: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      auto iterator = LookupOrCreate(c);
      if (!iterator->has_dataset()) {
        const auto& factory = c.node().attr<FunctionRef>("dataset_factory");
        const Tensor dataset = c.functions().Call(factory, {}, c.cancellation()).at(0);
        iterator->SetDataset(DatasetOf(dataset), c.resources(), c.functions().NewScope(), c.cancellation());
      }
      c.set_output(0, Tensor::Resource(iterator));
    });

DEFINE_OP("Iterator")
    .Output("handle: resource")
    .Attr("shared_name: string")
    .Attr("container: string")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Shape(ScalarShape())
    .Stateful()
    .NoGradient()
    .Kernel([](KernelContext& c) { c.set_output(0, Tensor::Resource(LookupOrCreate(c))); });

DEFINE_OP("IteratorV2").SameSignatureAs("Iterator").Stateful().NoGradient().Kernel([](KernelContext& c) {
  c.set_output(0, Tensor::Resource(LookupOrCreate(c)));
});

DEFINE_OP("MakeIterator")
    .Input("dataset: variant")
    .Input("iterator: resource")
    .Stateful()
    .Keep()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      c.resource<IteratorResource>(1)->SetDataset(DatasetOf(c.input(0)), c.resources(), c.functions().NewScope(),
                                                  c.cancellation());
    });

DEFINE_OP("IteratorToStringHandle")
    .Input("resource_handle: resource")
    .Output("string_handle: string")
    .Shape(ScalarShape())
    .Stateful()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const auto iterator = c.resource<IteratorResource>(0);
      c.set_output(0, Tensor::Scalar(HandleText(iterator->container(), iterator->name())));
    });

DEFINE_OP("IteratorFromStringHandleV2")
    .Input("string_handle: string")
    .Output("resource_handle: resource")
    .Attr("output_types: list(type) >= 0 = []")
    .Attr("output_shapes: list(shape) >= 0 = []")
    .Shape(ScalarShape())
    .Stateful()
    .NoGradient()
    .Kernel([](const Node& node) -> Kernel {
      return [dtypes = node.attr<std::vector<DType>>("output_types")](KernelContext& c) {
        auto iterator = FindByText(c.resources(), c.input(0).scalar<std::string>());
        if (!dtypes.empty() && dtypes != iterator->dtypes()) {
          throw InvalidArgument("iterator '", iterator->name(), "' has elements of other types than expected");
        }
        c.set_output(0, Tensor::Resource(std::move(iterator)));
      };
    });

DEFINE_OP("IteratorGetNext")
    .Input("iterator: resource")
    .Output("components: output_types")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Shape(SetComponentShapes)
    .Stateful()
    .Blocking()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Needed needed(static_cast<size_t>(c.num_outputs()));
      for (int i = 0; i < c.num_outputs(); ++i) needed[i] = c.output_needed(i);
      Element element = c.resource<IteratorResource>(0)->GetNext(needed, c.cancellation());
      for (int i = 0; i < c.num_outputs(); ++i) {
        if (needed[i]) c.set_output(i, std::move(element[i]));
      }
    });

}  // namespace
}  // namespace headrace::data
