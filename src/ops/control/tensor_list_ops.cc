// The ops of TensorLists. A list is a scalar variant; every op makes a new list, sharing what it can.
#include <algorithm>

#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/control.h"
#include "ops/control/elements.h"
#include "ops/control/tensor_list.h"

namespace headrace {
namespace {

Tensor Holding(std::shared_ptr<TensorList> list) {
  return Tensor::Variant(std::move(list));
}

const TensorList& ListOf(const KernelContext& c, int input, DType dtype) {
  const TensorList& list = TensorListOf(c.input(input));
  if (list.dtype() != dtype) {
    throw InvalidArgument("Invalid data types; op elements ", dtype, " but list elements ", list.dtype());
  }
  return list;
}

void CheckElement(const TensorList& list, const Tensor& element) {
  if (!list.element_shape().IsCompatibleWith(element.shape())) {
    throw InvalidArgument("Tried to append a tensor with incompatible shape to a list. Op element shape: ",
                          element.shape(), " list shape: ", list.element_shape());
  }
}

void CheckIndex(const TensorList& list, int64_t index) {
  if (index >= 0 && index < list.size()) return;
  throw InvalidArgument("Trying to access element ", index, " in a list with ", list.size(), " elements.");
}

// An element; one that was never set is zeros, if its shape is known.
Tensor ElementOf(const TensorList& list, int64_t index, const Tensor& shape_tensor) {
  CheckIndex(list, index);
  const Tensor& element = list.at(index);
  if (element.defined()) return element;
  PartialShape shape = list.element_shape().MergeWith(ShapeFromTensor(shape_tensor));
  for (int64_t i = 0; i < list.size() && !shape.IsFullyDefined(); ++i) {
    if (list.at(i).defined()) shape = shape.MergeWith(list.at(i).shape());
  }
  if (!shape.IsFullyDefined()) {
    throw InvalidArgument("Trying to read an uninitialized tensor but element_shape is not fully defined: ", shape);
  }
  return Tensor::Zeros(list.dtype(), shape.ToShape());
}

template <class F>
KernelFactory WithDType(F run) {
  return [run](const Node& node) -> Kernel {
    return [run, dtype = node.attr<DType>("element_dtype")](KernelContext& c) { run(c, dtype); };
  };
}

// The element shape that an input describes; a scalar says nothing.
PartialShape ElementShapeInput(const ShapeContext& c, int i) {
  return c.input(i).rank() == 1 ? c.ShapeFromInput(i) : PartialShape();
}

Output DimensionsOf(Output x) {
  return ApplyOp("Shape", {{x}}, {{"out_type", DType::kInt32}});
}
Output ElementShapeOf(Output list) {
  return ApplyOp("TensorListElementShape", {{list}}, {{"shape_type", DType::kInt32}});
}
Output LengthOf(Output list) {
  return ApplyOp("TensorListLength", {{list}});
}
// The shape of a tensor's rows.
Output RowShapeOf(Output x) {
  const auto vector = [](int32_t value) { return Constant(Tensor::Vector(std::vector<int32_t>{value})); };
  return ApplyOp("Slice", {{DimensionsOf(x)}, {vector(1)}, {vector(-1)}});
}
AttrMap ElementType(DType dtype) {
  return {{"element_dtype", dtype}};
}
// The gradient of a list that nobody asked for: a list of nothing.
Output ListGradient(Backward& b, int i) {
  if (b.gradient(i)) return b.gradient(i).values;
  return ApplyOp("ZerosLike", {{b.y(i)}});
}

DEFINE_OP("EmptyTensorList")
    .Input("element_shape: shape_type")
    .Input("max_num_elements: int32")
    .Output("handle: variant")
    .Attr("element_dtype: type")
    .Attr("shape_type: {int32, int64}")
    .Shape(ScalarShape())
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      c.set_output(0, Holding(std::make_shared<TensorList>(dtype, ShapeFromTensor(c.input(0)), std::vector<Tensor>(),
                                                           c.input(1).AsInt64())));
    }))
    .NoGradient();

DEFINE_OP("TensorListReserve")
    .Input("element_shape: shape_type")
    .Input("num_elements: int32")
    .Output("handle: variant")
    .Attr("element_dtype: type")
    .Attr("shape_type: {int32, int64}")
    .Shape(ScalarShape())
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const int64_t count = c.input(1).AsInt64();
      if (count < 0)
        throw InvalidArgument("The num_elements to reserve must be a non negative number, but got ", count);
      c.set_output(0, Holding(std::make_shared<TensorList>(dtype, ShapeFromTensor(c.input(0)),
                                                           std::vector<Tensor>(static_cast<size_t>(count)))));
    }))
    .NoGradient();

DEFINE_OP("TensorListPushBack")
    .Input("input_handle: variant")
    .Input("tensor: element_dtype")
    .Output("output_handle: variant")
    .Attr("element_dtype: type")
    .Shape(ScalarShape())
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const TensorList& list = ListOf(c, 0, dtype);
      CheckElement(list, c.input(1));
      if (list.most() >= 0 && list.size() >= list.most()) {
        throw InvalidArgument("Tried to push item into a full list. List size: ", list.size(),
                              " max_num_elements: ", list.most());
      }
      c.set_output(0, Holding(list.PushBack(c.input(1))));
    }))
    .Gradient([](Backward& b) {
      Node* popped = Graph::Current().Apply("TensorListPopBack", {{ListGradient(b, 0)}, {DimensionsOf(b.x(1))}},
                                            ElementType(b.attr<DType>("element_dtype")));
      b.Return(popped->output(0), popped->output(1));
    });

DEFINE_OP("TensorListPopBack")
    .Input("input_handle: variant")
    .Input("element_shape: int32")
    .Output("output_handle: variant")
    .Output("tensor: element_dtype")
    .Attr("element_dtype: type")
    .Shape([](ShapeContext& c) {
      c.set_output(0, Shape());
      c.set_output(1, ElementShapeInput(c, 1));
    })
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const TensorList& list = ListOf(c, 0, dtype);
      if (list.size() == 0) throw InvalidArgument("Trying to pop from an empty list.");
      c.set_output(1, ElementOf(list, list.size() - 1, c.input(1)));
      c.set_output(0, Holding(list.PopBack()));
    }))
    .Gradient([](Backward& b) {
      Output list = b.gradient(0).values;
      if (!list) {
        list = ApplyOp("EmptyTensorList", {{ElementShapeOf(b.y(0))}, {Constant(Tensor::Scalar<int32_t>(-1))}},
                       {{"element_dtype", b.attr<DType>("element_dtype")}, {"shape_type", DType::kInt32}});
      }
      b.Return(ApplyOp("TensorListPushBack", {{list}, {b.dy(1)}}), Gradient());
    });

DEFINE_OP("TensorListLength")
    .Input("input_handle: variant")
    .Output("length: int32")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& c) {
      c.set_output(0, Tensor::Scalar(static_cast<int32_t>(TensorListOf(c.input(0)).size())));
    })
    .NoGradient();

DEFINE_OP("TensorListElementShape")
    .Input("input_handle: variant")
    .Output("element_shape: shape_type")
    .Attr("shape_type: {int32, int64}")
    .Kernel([](KernelContext& c) {
      const PartialShape& shape = TensorListOf(c.input(0)).element_shape();
      Tensor& output = shape.has_rank() ? c.AllocateOutput(0, {shape.rank()}) : c.AllocateOutput(0, {});
      for (int64_t i = 0; i < output.num_elements(); ++i) {
        const int64_t size = shape.has_rank() ? shape[static_cast<int>(i)] : -1;
        if (output.dtype() == DType::kInt64) {
          output.data<int64_t>()[i] = size;
        } else {
          output.data<int32_t>()[i] = static_cast<int32_t>(size);
        }
      }
    })
    .NoGradient();

DEFINE_OP("TensorListGetItem")
    .Input("input_handle: variant")
    .Input("index: int32")
    .Input("element_shape: int32")
    .Output("item: element_dtype")
    .Attr("element_dtype: type")
    .Shape([](ShapeContext& c) { c.set_output(0, ElementShapeInput(c, 2)); })
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      c.set_output(0, ElementOf(ListOf(c, 0, dtype), c.input(1).AsInt64(), c.input(2)));
    }))
    .Gradient([](Backward& b) {
      const Output zeros = ApplyOp("TensorListReserve", {{ElementShapeOf(b.x(0))}, {LengthOf(b.x(0))}},
                                   {{"element_dtype", b.attr<DType>("element_dtype")}, {"shape_type", DType::kInt32}});
      b.Return(ApplyOp("TensorListSetItem", {{zeros}, {b.x(1)}, {b.dy()}}), Gradient(), Gradient());
    });

DEFINE_OP("TensorListSetItem")
    .Input("input_handle: variant")
    .Input("index: int32")
    .Input("item: element_dtype")
    .Output("output_handle: variant")
    .Attr("element_dtype: type")
    .Attr("resize_if_index_out_of_bounds: bool = false")
    .Shape(ScalarShape())
    .Kernel([](const Node& node) -> Kernel {
      return [dtype = node.attr<DType>("element_dtype"),
              resize = node.attr<bool>("resize_if_index_out_of_bounds")](KernelContext& c) {
        const TensorList& list = ListOf(c, 0, dtype);
        const int64_t index = c.input(1).AsInt64();
        const bool grows = resize && index >= list.size();
        if (!grows) CheckIndex(list, index);
        CheckElement(list, c.input(2));
        std::vector<Tensor> elements = list.elements();
        if (grows) elements.resize(static_cast<size_t>(index) + 1);
        elements[static_cast<size_t>(index)] = c.input(2);
        c.set_output(0, Holding(list.With(std::move(elements))));
      };
    })
    .Gradient([](Backward& b) {
      const Output list = ListGradient(b, 0);
      const Output zeros = ApplyOp("ZerosLike", {{b.x(2)}});
      const Output item = ApplyOp("TensorListGetItem", {{list}, {b.x(1)}, {DimensionsOf(b.x(2))}},
                                  ElementType(b.attr<DType>("element_dtype")));
      b.Return(ApplyOp("TensorListSetItem", {{list}, {b.x(1)}, {zeros}}), Gradient(), item);
    });

DEFINE_OP("TensorListResize")
    .Input("input_handle: variant")
    .Input("size: int32")
    .Output("output_handle: variant")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& c) {
      const TensorList& list = TensorListOf(c.input(0));
      const int64_t size = c.input(1).AsInt64();
      if (size < 0) throw InvalidArgument("TensorListSlice expects size to be non-negative. Got: ", size);
      std::vector<Tensor> elements = list.elements();
      elements.resize(static_cast<size_t>(size));
      c.set_output(0, Holding(list.With(std::move(elements))));
    })
    .Gradient([](Backward& b) {
      b.Return(ApplyOp("TensorListResize", {{ListGradient(b, 0)}, {LengthOf(b.x(0))}}), Gradient());
    });

DEFINE_OP("TensorListStack")
    .Input("input_handle: variant")
    .Input("element_shape: int32")
    .Output("tensor: element_dtype")
    .Attr("element_dtype: type")
    .Attr("num_elements: int = -1")
    .Shape([](ShapeContext& c) {
      const PartialShape element = ElementShapeInput(c, 1);
      if (!element.has_rank()) return;
      PartialShape shape{std::initializer_list<int64_t>{c.attr<int64_t>("num_elements")}};
      for (int axis = 0; axis < element.rank(); ++axis) shape.Append(element[axis]);
      c.set_output(0, shape);
    })
    .Kernel([](const Node& node) -> Kernel {
      return [dtype = node.attr<DType>("element_dtype"), count = node.attr<int64_t>("num_elements")](KernelContext& c) {
        const TensorList& list = ListOf(c, 0, dtype);
        if (count >= 0 && count != list.size()) {
          throw InvalidArgument("Operation expected a list with ", count, " elements but got a list with ", list.size(),
                                " elements.");
        }
        const std::vector<Tensor> elements = list.elements();
        const PartialShape known = list.element_shape().MergeWith(ShapeFromTensor(c.input(1)));
        StackElements(c, 0, dtype, elements, ElementShape(elements, known, "TensorListStack"));
      };
    })
    .Gradient([](Backward& b) {
      b.Return(ApplyOp("TensorListFromTensor", {{b.dy()}, {RowShapeOf(b.dy())}}), Gradient());
    });

DEFINE_OP("TensorListFromTensor")
    .Input("tensor: element_dtype")
    .Input("element_shape: shape_type")
    .Output("output_handle: variant")
    .Attr("element_dtype: type")
    .Attr("shape_type: {int32, int64}")
    .Shape(ScalarShape())
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const Tensor& tensor = c.input(0);
      if (tensor.rank() < 1) throw InvalidArgument("Tensor must be at least a vector, but saw shape: ", tensor.shape());
      std::vector<Tensor> elements;
      for (int64_t i = 0; i < tensor.dim(0); ++i) elements.push_back(RowOf(tensor, i));
      const PartialShape shape = ShapeFromTensor(c.input(1));
      for (const Tensor& element : elements) {
        if (!shape.IsCompatibleWith(element.shape())) {
          throw InvalidArgument("Specified a list with shape ", shape, " from a tensor with shape ", element.shape());
        }
      }
      c.set_output(0, Holding(std::make_shared<TensorList>(dtype, shape, std::move(elements))));
    }))
    .Gradient([](Backward& b) {
      const Output tensor = ApplyOp("TensorListStack", {{ListGradient(b, 0)}, {RowShapeOf(b.x(0))}},
                                    ElementType(b.attr<DType>("element_dtype")));
      b.Return(tensor, Gradient());
    });

DEFINE_OP("TensorListGather")
    .Input("input_handle: variant")
    .Input("indices: int32")
    .Input("element_shape: int32")
    .Output("values: element_dtype")
    .Attr("element_dtype: type")
    .Shape([](ShapeContext& c) {
      const PartialShape element = ElementShapeInput(c, 2), rows = c.WithRank(1, 1);
      if (!element.has_rank()) return;
      PartialShape shape{std::initializer_list<int64_t>{rows[0]}};
      for (int axis = 0; axis < element.rank(); ++axis) shape.Append(element[axis]);
      c.set_output(0, shape);
    })
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const TensorList& list = ListOf(c, 0, dtype);
      std::vector<Tensor> elements;
      for (const int64_t i : c.input(1).AsInt64s()) {
        CheckIndex(list, i);
        elements.push_back(list.at(i));
      }
      const PartialShape known = list.element_shape().MergeWith(ShapeFromTensor(c.input(2)));
      StackElements(c, 0, dtype, elements, ElementShape(elements, known, "TensorListGather"));
    }))
    .Gradient([](Backward& b) {
      const Output zeros = ApplyOp("TensorListReserve", {{ElementShapeOf(b.x(0))}, {LengthOf(b.x(0))}},
                                   {{"element_dtype", b.attr<DType>("element_dtype")}, {"shape_type", DType::kInt32}});
      b.Return(ApplyOp("TensorListScatterIntoExistingList", {{zeros}, {b.dy()}, {b.x(1)}}), Gradient(), Gradient());
    });

// Rows of a tensor to places in a list.
std::vector<Tensor> Scattered(const Tensor& tensor, const Tensor& indices, std::vector<Tensor> elements, bool grow) {
  if (indices.rank() != 1 || tensor.rank() < 1 || indices.dim(0) != tensor.dim(0)) {
    throw InvalidArgument("Specified scatter with indices of shape ", indices.shape(), " and a tensor of shape ",
                          tensor.shape());
  }
  for (int64_t i = 0; i < indices.dim(0); ++i) {
    const int64_t at = indices.AsInt64(i);
    if (at < 0) throw InvalidArgument("Indices in TensorListScatter must all be non-negative, got ", at);
    if (at >= static_cast<int64_t>(elements.size())) {
      if (!grow) {
        throw InvalidArgument("TensorListScatter: Trying to scatter at index ", at, " in list with size ",
                              elements.size());
      }
      elements.resize(static_cast<size_t>(at) + 1);
    }
    elements[static_cast<size_t>(at)] = RowOf(tensor, i);
  }
  return elements;
}

Gradient ScatterGradient(Backward& b, Output list, Output tensor, Output indices) {
  return ApplyOp("TensorListGather", {{list}, {indices}, {RowShapeOf(tensor)}},
                 ElementType(b.attr<DType>("element_dtype")));
}

DEFINE_OP("TensorListScatter")
    .Input("tensor: element_dtype")
    .Input("indices: int32")
    .Input("element_shape: shape_type")
    .Output("output_handle: variant")
    .Attr("element_dtype: type")
    .Attr("shape_type: {int32, int64}")
    .Shape(ScalarShape())
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      c.set_output(0, Holding(std::make_shared<TensorList>(dtype, ShapeFromTensor(c.input(2)),
                                                           Scattered(c.input(0), c.input(1), {}, true))));
    }))
    .Gradient([](Backward& b) {
      b.Return(ScatterGradient(b, ListGradient(b, 0), b.x(0), b.x(1)), Gradient(), Gradient());
    });

DEFINE_OP("TensorListScatterV2")
    .Input("tensor: element_dtype")
    .Input("indices: int32")
    .Input("element_shape: shape_type")
    .Input("num_elements: int32")
    .Output("output_handle: variant")
    .Attr("element_dtype: type")
    .Attr("shape_type: {int32, int64}")
    .Shape(ScalarShape())
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const int64_t count = c.input(3).AsInt64();
      if (count < -1) {
        throw InvalidArgument("TensorListScatter expects num_elements >= -1, found: ", count);
      }
      std::vector<Tensor> elements(static_cast<size_t>(std::max<int64_t>(0, count)));
      c.set_output(
          0, Holding(std::make_shared<TensorList>(dtype, ShapeFromTensor(c.input(2)),
                                                  Scattered(c.input(0), c.input(1), std::move(elements), count < 0))));
    }))
    .Gradient([](Backward& b) {
      b.Return(ScatterGradient(b, ListGradient(b, 0), b.x(0), b.x(1)), Gradient(), Gradient(), Gradient());
    });

DEFINE_OP("TensorListScatterIntoExistingList")
    .Input("input_handle: variant")
    .Input("tensor: element_dtype")
    .Input("indices: int32")
    .Output("output_handle: variant")
    .Attr("element_dtype: type")
    .Shape(ScalarShape())
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const TensorList& list = ListOf(c, 0, dtype);
      c.set_output(0, Holding(list.With(Scattered(c.input(1), c.input(2), list.elements(), true))));
    }))
    .Gradient([](Backward& b) {
      const Output list = ListGradient(b, 0), zeros = ApplyOp("ZerosLike", {{b.x(1)}});
      b.Return(ApplyOp("TensorListScatterIntoExistingList", {{list}, {zeros}, {b.x(2)}}),
               ScatterGradient(b, list, b.x(1), b.x(2)), Gradient());
    });

void Join(KernelContext& c, DType dtype, const PartialShape& shape, const Tensor* leading) {
  const TensorList& list = ListOf(c, 0, dtype);
  std::vector<Tensor> elements = list.elements();
  PartialShape rest = shape;
  for (const Tensor& element : elements) {
    if (element.defined() && !rest.has_rank()) rest = element.shape();
  }
  for (size_t i = 0; i < elements.size(); ++i) {
    if (elements[i].defined()) {
      if (elements[i].rank() < 1) {
        throw InvalidArgument("Concat requires elements to be at least vectors, found scalars instead.");
      }
      for (int axis = 1; axis < elements[i].rank(); ++axis) {
        if (elements[i].rank() == elements[0].rank() && elements[0].defined() &&
            elements[i].dim(axis) != elements[0].dim(axis)) {
          throw InvalidArgument("TensorListConcat: the elements' shapes differ but for their first axis: ",
                                elements[0].shape(), " and ", elements[i].shape());
        }
      }
      continue;
    }
    PartialShape missing = rest;
    if (leading && static_cast<int64_t>(i) < leading->num_elements() && missing.rank() > 0) {
      missing.set_dim(0, leading->AsInt64(static_cast<int64_t>(i)));
    }
    if (!missing.IsFullyDefined()) {
      throw InvalidArgument("TensorListConcat: element ", i, " was never set and its shape is not known: ", missing);
    }
    elements[i] = Tensor::Zeros(dtype, missing.ToShape());
  }
  Tensor& lengths = c.AllocateOutput(1, {static_cast<int64_t>(elements.size())});
  for (size_t i = 0; i < elements.size(); ++i) lengths.data<int64_t>()[i] = elements[i].dim(0);
  if (!elements.empty()) {
    JoinElements(c, 0, dtype, elements);
    return;
  }
  PartialShape empty = rest;
  if (empty.rank() > 0) empty.set_dim(0, 0);
  if (!empty.IsFullyDefined()) {
    throw InvalidArgument(
        "All except the first dimension must be fully defined when concating an empty tensor list. "
        "element_shape: ",
        rest);
  }
  c.AllocateOutput(0, empty.ToShape());
}

void JoinedShape(ShapeContext& c, PartialShape element) {
  if (element.has_rank() && element.rank() > 0) element.set_dim(0, -1);
  c.set_output(0, element);
  c.set_output(1, PartialShape::UnknownOfRank(1));
}

Output SplitGradient(Backward& b) {
  return ApplyOp("TensorListSplit", {{b.dy(0)}, {ElementShapeOf(b.x(0))}, {b.y(1)}});
}

DEFINE_OP("TensorListConcat")
    .Input("input_handle: variant")
    .Output("tensor: element_dtype")
    .Output("lengths: int64")
    .Attr("element_dtype: type")
    .Attr("element_shape: shape = { unknown_rank: true }")
    .Shape([](ShapeContext& c) { JoinedShape(c, c.attr<PartialShape>("element_shape")); })
    .Kernel([](const Node& node) -> Kernel {
      return [dtype = node.attr<DType>("element_dtype"),
              shape = node.attr<PartialShape>("element_shape")](KernelContext& c) { Join(c, dtype, shape, nullptr); };
    })
    .Gradient([](Backward& b) { b.Return(SplitGradient(b)); });

DEFINE_OP("TensorListConcatV2")
    .Input("input_handle: variant")
    .Input("element_shape: shape_type")
    .Input("leading_dims: int64")
    .Output("tensor: element_dtype")
    .Output("lengths: int64")
    .Attr("element_dtype: type")
    .Attr("shape_type: {int32, int64}")
    .Shape([](ShapeContext& c) { JoinedShape(c, ElementShapeInput(c, 1)); })
    .Kernel(WithDType([](KernelContext& c, DType dtype) { Join(c, dtype, ShapeFromTensor(c.input(1)), &c.input(2)); }))
    .Gradient([](Backward& b) { b.Return(SplitGradient(b), Gradient(), Gradient()); });

DEFINE_OP("TensorListSplit")
    .Input("tensor: element_dtype")
    .Input("element_shape: shape_type")
    .Input("lengths: int64")
    .Output("output_handle: variant")
    .Attr("element_dtype: type")
    .Attr("shape_type: {int32, int64}")
    .Shape(ScalarShape())
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const std::vector<int64_t> lengths = c.input(2).AsInt64s();
      c.set_output(0, Holding(std::make_shared<TensorList>(dtype, ShapeFromTensor(c.input(1)),
                                                           SplitElements(c.input(0), lengths, "TensorListSplit"))));
    }))
    .Gradient([](Backward& b) {
      const Output any = Constant(Tensor::Vector(std::vector<int32_t>{-1}));
      const Output shape = ApplyOp("ConcatV2", {{any, RowShapeOf(b.x(0))}, {Constant(Tensor::Scalar<int32_t>(0))}});
      Node* joined = Graph::Current().Apply("TensorListConcatV2", {{ListGradient(b, 0)}, {shape}, {b.x(2)}},
                                            ElementType(b.attr<DType>("element_dtype")));
      b.Return(joined->output(0), Gradient(), Gradient());
    });

// Lists one a row of the handles; their elements are the tensor's rows.
DEFINE_OP("TensorListPushBackBatch")
    .Input("input_handles: variant")
    .Input("tensor: element_dtype")
    .Output("output_handles: variant")
    .Attr("element_dtype: type")
    .Shape(SameAsInput(0))
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      const Tensor &handles = c.input(0), &tensor = c.input(1);
      if (tensor.rank() < 1 || tensor.dim(0) != handles.num_elements()) {
        throw InvalidArgument("Batch size mismatch: ", handles.num_elements(), " lists, a tensor of shape ",
                              tensor.shape());
      }
      Tensor results(DType::kVariant, handles.shape());
      const auto* given = static_cast<const std::shared_ptr<Object>*>(handles.raw());
      auto* made = static_cast<std::shared_ptr<Object>*>(results.raw());
      for (int64_t i = 0; i < handles.num_elements(); ++i) {
        const auto* list = dynamic_cast<const TensorList*>(given[i].get());
        if (!list || list->dtype() != dtype)
          throw InvalidArgument("Input handle at index ", i, " is not a list of ", dtype);
        const Tensor row = RowOf(tensor, i);
        CheckElement(*list, row);
        made[i] = list->PushBack(row);
      }
      c.set_output(0, results);
    }))
    .NoGradient();

DEFINE_OP("TensorListConcatLists")
    .Input("input_a: variant")
    .Input("input_b: variant")
    .Output("output: variant")
    .Attr("element_dtype: type")
    .Shape(SameAsInput(0))
    .Kernel(WithDType([](KernelContext& c, DType dtype) {
      if (c.input(0).rank() != 0 || c.input(1).rank() != 0) {
        throw Unimplemented("lists in a tensor of shape ", c.input(0).shape(), " can't be joined yet");
      }
      const TensorList &a = ListOf(c, 0, dtype), &b = ListOf(c, 1, dtype);
      std::vector<Tensor> elements = a.elements();
      const std::vector<Tensor> more = b.elements();
      elements.insert(elements.end(), more.begin(), more.end());
      c.set_output(0, Holding(a.With(std::move(elements))));
    }))
    .NoGradient();

}  // namespace

Tensor ZerosLikeList(const TensorList& list) {
  std::vector<Tensor> zeros;
  for (const Tensor& element : list.elements()) {
    if (!element.defined()) {
      zeros.emplace_back();
    } else if (element.dtype() == DType::kVariant) {
      zeros.push_back(ZerosLikeList(TensorListOf(element)));
    } else {
      zeros.push_back(Tensor::Zeros(element.dtype(), element.shape()));
    }
  }
  return Holding(list.With(std::move(zeros)));
}

Tensor AddLists(const TensorList& a, const TensorList& b) {
  if (a.dtype() != b.dtype() || a.size() != b.size()) {
    throw InvalidArgument("Trying to add two lists of tensors of different lengths or types: ", a.DebugString(),
                          " and ", b.DebugString());
  }
  std::vector<Tensor> sums = a.elements();
  const std::vector<Tensor> others = b.elements();
  for (size_t i = 0; i < sums.size(); ++i) {
    if (!others[i].defined()) continue;
    if (!sums[i].defined()) {
      sums[i] = others[i];
    } else if (sums[i].dtype() == DType::kVariant) {
      sums[i] = AddLists(TensorListOf(sums[i]), TensorListOf(others[i]));
    } else {
      sums[i] = AddElements(sums[i], others[i]);
    }
  }
  return Holding(a.With(std::move(sums)));
}

}  // namespace headrace
