// The ops of TensorArrays. Their flow, a float scalar without meaning, puts writes before the reads that need them.
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/control.h"
#include "headrace/ops/math.h"
#include "ops/control/elements.h"
#include "ops/control/tensor_array.h"

namespace headrace {
namespace {

Tensor NoFlow() {
  return Tensor::Scalar(0.0f);
}

// ------------------------------------------------------------------------------------------------------------ kernels

Kernel MakeArray(const Node& node) {
  TensorArray::Options options{.name = node.attr<std::string>("tensor_array_name"),
                               .dtype = node.attr<DType>("dtype"),
                               .element_shape = node.attr<PartialShape>("element_shape"),
                               .dynamic_size = node.attr<bool>("dynamic_size"),
                               .clear_after_read = node.attr<bool>("clear_after_read"),
                               .identical_element_shapes = node.attr<bool>("identical_element_shapes")};
  if (options.name.empty()) options.name = node.name();
  return [options](KernelContext& c) {
    if (c.input(0).rank() != 0) {
      throw InvalidArgument("TensorArray size must be scalar, but had shape: ", c.input(0).shape());
    }
    TensorArray::Options sized = options;
    sized.size = c.input(0).AsInt64();
    c.set_output(0, Tensor::Resource(std::make_shared<TensorArray>(std::move(sized))));
    c.set_output(1, NoFlow());
  };
}

Kernel MakeGradient(const Node& node) {
  return [source = node.attr<std::string>("source")](KernelContext& c) {
    const PartialShape prepended = c.num_inputs() > 2 ? ShapeFromTensor(c.input(2)) : PartialShape(Shape());
    c.set_output(0, Tensor::Resource(c.resource<TensorArray>(0)->Gradient(source, prepended)));
    c.set_output(1, c.input(1));
  };
}

void Write(KernelContext& c) {
  c.resource<TensorArray>(0)->Write(c.input(1).AsInt64(), c.input(2));
  c.set_output(0, c.input(3));
}

Kernel Read(const Node& node) {
  return [dtype = node.attr<DType>("dtype")](KernelContext& c) {
    c.set_output(0, c.resource<TensorArray>(0)->Read(c.input(1).AsInt64(), dtype));
  };
}

std::vector<Tensor> ReadAll(TensorArray& array, const std::vector<int64_t>& indices, DType dtype) {
  std::vector<Tensor> elements;
  elements.reserve(indices.size());
  for (const int64_t index : indices) elements.push_back(array.Read(index, dtype));
  return elements;
}

Kernel Gather(const Node& node) {
  return [dtype = node.attr<DType>("dtype"), shape = node.attr<PartialShape>("element_shape")](KernelContext& c) {
    const auto array = c.resource<TensorArray>(0);
    const std::vector<Tensor> elements = ReadAll(*array, c.input(1).AsInt64s(), dtype);
    const PartialShape known = shape.MergeWith(array->options().element_shape);
    if (elements.empty() && !known.IsFullyDefined()) {
      throw Unimplemented("TensorArray has size zero, but element shape ", known,
                          " is not fully defined. Currently only static shapes are supported when packing zero-size "
                          "TensorArrays.");
    }
    StackElements(c, 0, dtype, elements, ElementShape(elements, known, "TensorArrayGather"));
  };
}

void Scatter(KernelContext& c) {
  const auto array = c.resource<TensorArray>(0);
  const Tensor &indices = c.input(1), &value = c.input(2);
  if (indices.rank() != 1)
    throw InvalidArgument("Expected indices to be a vector, but received shape: ", indices.shape());
  if (value.rank() < 1) {
    throw InvalidArgument("Input value for unpack must be at least a vector, but received shape: ", value.shape());
  }
  if (indices.dim(0) != value.dim(0)) {
    throw InvalidArgument("Expected len(indices) == values.shape[0], but saw: ", indices.dim(0), " vs. ", value.dim(0));
  }
  for (int64_t i = 0; i < indices.dim(0); ++i) array->Write(indices.AsInt64(i), RowOf(value, i));
  c.set_output(0, c.input(3));
}

Kernel Join(const Node& node) {
  return [dtype = node.attr<DType>("dtype"),
          except0 = node.attr<PartialShape>("element_shape_except0")](KernelContext& c) {
    const auto array = c.resource<TensorArray>(0);
    std::vector<int64_t> indices(static_cast<size_t>(array->size()));
    for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int64_t>(i);
    const std::vector<Tensor> elements = ReadAll(*array, indices, dtype);
    Tensor& lengths = c.AllocateOutput(1, {static_cast<int64_t>(elements.size())});
    if (elements.empty()) {
      if (!except0.IsFullyDefined()) {
        throw Unimplemented("TensorArray has size zero, but element_shape_except0 ", except0,
                            " is not fully defined. Currently only static shapes are supported when concatenating "
                            "zero-size TensorArrays.");
      }
      Shape empty{0};
      for (const int64_t size : except0.dims()) empty.Append(size);
      c.AllocateOutput(0, empty);
      return;
    }
    for (size_t i = 0; i < elements.size(); ++i) {
      const Shape& shape = elements[i].shape();
      if (shape.rank() < 1) {
        throw InvalidArgument("Concat saw a scalar shape at index ", i,
                              " but requires at least vectors.  Did you mean "
                              "to call pack?");
      }
      bool fits = shape.rank() == elements[0].rank();
      for (int axis = 1; fits && axis < shape.rank(); ++axis) fits = shape[axis] == elements[0].dim(axis);
      if (!fits) {
        throw InvalidArgument("TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) shape: ",
                              elements[0].shape(), " but index ", i, " has (excepting dimension 0) shape: ", shape);
      }
      lengths.data<int64_t>()[i] = shape[0];
    }
    JoinElements(c, 0, dtype, elements);
  };
}

void Split(KernelContext& c) {
  const auto array = c.resource<TensorArray>(0);
  const Tensor &value = c.input(1), &lengths = c.input(2);
  if (lengths.rank() != 1) throw InvalidArgument("Expected lengths to be a vector, received shape: ", lengths.shape());
  const std::vector<int64_t> sizes = lengths.AsInt64s();
  const std::vector<Tensor> parts = SplitElements(value, sizes, "TensorArraySplit");
  const auto count = static_cast<int64_t>(parts.size());
  if (array->options().dynamic_size) array->Resize(count);
  if (array->size() != count) {
    throw InvalidArgument("TensorArray's size is not equal to the size of lengths (", array->size(), " vs. ", count,
                          "), and the TensorArray is not marked as dynamically resizeable");
  }
  for (int64_t i = 0; i < count; ++i) array->Write(i, parts[static_cast<size_t>(i)]);
  c.set_output(0, c.input(3));
}

// ---------------------------------------------------------------------------------------------------------- gradients

// The call of tf.gradients that is being built: gradients of one array that belong to different calls must not mix.
std::string SourceOf(Output gradient) {
  const std::string& name = gradient.node->name();
  size_t end = 0;
  for (size_t begin = 0; begin < name.size();) {
    const size_t slash = std::min(name.find('/', begin), name.size());
    if (std::string_view(name).substr(begin).starts_with("gradients")) end = slash;
    begin = slash + 1;
  }
  if (end == 0) {
    throw InvalidArgument("Expected op/tensor name to start with gradients (excluding scope), got: ", gradient.name(),
                          ". This means that a tf.gradients op with this op in its dependency path has a custom name "
                          "that does not start with 'gradients'. Please make sure all calls to tf.gradients that have "
                          "non-empty 'name' arguments use names that start with 'gradients'.");
  }
  return name.substr(0, end);
}

struct GradientArray {
  Output handle, flow;
};

// The array of gradients, and its flow: behind `flow`, and once the array exists.
GradientArray GradientOf(Output handle, Output flow, const std::string& source) {
  const NameScope scope("TensorArrayGrad");
  Node* made = Graph::Current().Apply("TensorArrayGradV3", {{handle}, {flow}}, {{"source", source}});
  const ControlDependencies after({made});
  return {made->output(0), ApplyOp("Identity", {{flow}}, {}, "gradient_flow")};
}

// What was written to the gradient's array is the gradient of what was read, and the other way about.
void ReadGradient(Backward& b) {
  const Output dy = b.dy();
  const GradientArray g = GradientOf(b.x(0), b.x(2), SourceOf(dy));
  const Output flow = ApplyOp("TensorArrayWriteV3", {{g.handle}, {b.x(1)}, {dy}, {g.flow}});
  b.Return(Gradient(), Gradient(), flow);
}

void WriteGradient(Backward& b) {
  const Output flow = b.dy();
  const GradientArray g = GradientOf(b.x(0), flow, SourceOf(flow));
  const Output value = ApplyOp("TensorArrayReadV3", {{g.handle}, {b.x(1)}, {g.flow}}, {{"dtype", b.attr<DType>("T")}});
  if (b.x(2).shape().has_rank()) value.node->set_output_shape(0, b.x(2).shape());
  b.Return(Gradient(), Gradient(), value, flow);
}

void GatherGradient(Backward& b) {
  const Output dy = b.dy();
  const GradientArray g = GradientOf(b.x(0), b.x(2), SourceOf(dy));
  b.Return(Gradient(), Gradient(), ApplyOp("TensorArrayScatterV3", {{g.handle}, {b.x(1)}, {dy}, {g.flow}}));
}

void ScatterGradient(Backward& b) {
  const Output flow = b.dy();
  const GradientArray g = GradientOf(b.x(0), flow, SourceOf(flow));
  const Output value =
      ApplyOp("TensorArrayGatherV3", {{g.handle}, {b.x(1)}, {g.flow}}, {{"dtype", b.attr<DType>("T")}});
  if (b.x(2).shape().has_rank()) value.node->set_output_shape(0, b.x(2).shape());
  b.Return(Gradient(), Gradient(), value, flow);
}

void JoinGradient(Backward& b) {
  const Output dy = b.dy(0);
  const GradientArray g = GradientOf(b.x(0), b.x(1), SourceOf(dy));
  b.Return(Gradient(), ApplyOp("TensorArraySplitV3", {{g.handle}, {dy}, {b.y(1)}, {g.flow}}));
}

void SplitGradient(Backward& b) {
  const Output flow = b.dy();
  const GradientArray g = GradientOf(b.x(0), flow, SourceOf(flow));
  const Output value = ApplyOp("TensorArrayConcatV3", {{g.handle}, {g.flow}}, {{"dtype", b.attr<DType>("T")}});
  b.Return(Gradient(), value, Gradient(), flow);
}

// ------------------------------------------------------------------------------------------------------- declarations

DEFINE_OP("TensorArrayV3")
    .Input("size: int32")
    .Output("handle: resource")
    .Output("flow: float")
    .Attr("dtype: type")
    .Attr("element_shape: shape = { unknown_rank: true }")
    .Attr("dynamic_size: bool = false")
    .Attr("clear_after_read: bool = true")
    .Attr("identical_element_shapes: bool = false")
    .Attr("tensor_array_name: string = ''")
    .Shape(ScalarShape())
    .Kernel(MakeArray)
    .Stateful()
    .NoGradient();

DEFINE_OP("TensorArrayGradV3")
    .Input("handle: resource")
    .Input("flow_in: float")
    .Output("grad_handle: resource")
    .Output("flow_out: float")
    .Attr("source: string")
    .Shape(ScalarShape())
    .Kernel(MakeGradient)
    .Stateful()
    .NoGradient();

DEFINE_OP("TensorArrayGradWithShape")
    .Input("handle: resource")
    .Input("flow_in: float")
    .Input("shape_to_prepend: int32")
    .Output("grad_handle: resource")
    .Output("flow_out: float")
    .Attr("source: string")
    .Shape(ScalarShape())
    .Kernel(MakeGradient)
    .Stateful()
    .NoGradient();

DEFINE_OP("TensorArrayWriteV3")
    .Input("handle: resource")
    .Input("index: int32")
    .Input("value: T")
    .Input("flow_in: float")
    .Output("flow_out: float")
    .Attr("T: type")
    .Shape(ScalarShape())
    .Kernel(Write)
    .Stateful()
    .Gradient(WriteGradient);

DEFINE_OP("TensorArrayReadV3")
    .Input("handle: resource")
    .Input("index: int32")
    .Input("flow_in: float")
    .Output("value: dtype")
    .Attr("dtype: type")
    .Kernel(Read)
    .Stateful()
    .Gradient(ReadGradient);

DEFINE_OP("TensorArrayGatherV3")
    .Input("handle: resource")
    .Input("indices: int32")
    .Input("flow_in: float")
    .Output("value: dtype")
    .Attr("dtype: type")
    .Attr("element_shape: shape = { unknown_rank: true }")
    .Kernel(Gather)
    .Stateful()
    .Gradient(GatherGradient);

DEFINE_OP("TensorArrayScatterV3")
    .Input("handle: resource")
    .Input("indices: int32")
    .Input("value: T")
    .Input("flow_in: float")
    .Output("flow_out: float")
    .Attr("T: type")
    .Shape(ScalarShape())
    .Kernel(Scatter)
    .Stateful()
    .Gradient(ScatterGradient);

DEFINE_OP("TensorArrayConcatV3")
    .Input("handle: resource")
    .Input("flow_in: float")
    .Output("value: dtype")
    .Output("lengths: int64")
    .Attr("dtype: type")
    .Attr("element_shape_except0: shape = { unknown_rank: true }")
    .Shape([](ShapeContext& c) { c.set_output(1, PartialShape::UnknownOfRank(1)); })
    .Kernel(Join)
    .Stateful()
    .Gradient(JoinGradient);

DEFINE_OP("TensorArraySplitV3")
    .Input("handle: resource")
    .Input("value: T")
    .Input("lengths: int64")
    .Input("flow_in: float")
    .Output("flow_out: float")
    .Attr("T: type")
    .Shape(ScalarShape())
    .Kernel(Split)
    .Stateful()
    .Gradient(SplitGradient);

DEFINE_OP("TensorArraySizeV3")
    .Input("handle: resource")
    .Input("flow_in: float")
    .Output("size: int32")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& c) {
      c.set_output(0, Tensor::Scalar(static_cast<int32_t>(c.resource<TensorArray>(0)->size())));
    })
    .Stateful()
    .NoGradient();

DEFINE_OP("TensorArrayCloseV3")
    .Input("handle: resource")
    .Kernel([](KernelContext& c) { c.resource<TensorArray>(0)->Close(); })
    .Stateful()
    .Keep()
    .NoGradient();

}  // namespace
}  // namespace headrace
