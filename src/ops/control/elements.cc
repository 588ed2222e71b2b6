// Copies between a tensor and its parts.
#include "ops/control/elements.h"

#include <cstring>

#include "kernels/copy.h"

namespace headrace {

Shape ElementShape(const std::vector<Tensor>& elements, PartialShape known, const char* what) {
  for (const Tensor& element : elements) {
    if (!element.defined()) continue;
    if (!known.IsCompatibleWith(element.shape())) {
      throw InvalidArgument(what, ": the elements' shapes differ: expected ", known, ", got ", element.shape());
    }
    known = element.shape();
  }
  if (!known.IsFullyDefined()) {
    throw InvalidArgument(what,
                          ": Tried to stack elements of an empty list with non-fully-defined element_shape: ", known);
  }
  return known.ToShape();
}

Tensor& StackElements(KernelContext& c, int output, DType dtype, const std::vector<Tensor>& elements,
                      const Shape& shape) {
  std::vector<int64_t> dims = {static_cast<int64_t>(elements.size())};
  dims.insert(dims.end(), shape.begin(), shape.end());
  Shape whole;
  for (const int64_t size : dims) whole.Append(size);
  Tensor& result = c.AllocateOutput(output, whole);
  const int64_t width = shape.num_elements();
  for (size_t i = 0; i < elements.size(); ++i) {
    void* to = ElementAt(dtype, result.raw(), static_cast<int64_t>(i) * width);
    if (elements[i].defined()) {
      CopyElements(dtype, elements[i].raw(), to, width);
    } else if (SizeOf(dtype) > 0) {
      std::memset(to, 0, static_cast<size_t>(width) * SizeOf(dtype));
    }
  }
  return result;
}

Tensor& JoinElements(KernelContext& c, int output, DType dtype, const std::vector<Tensor>& elements) {
  Shape whole;
  int64_t rows = 0;
  for (const Tensor& element : elements) rows += element.dim(0);
  whole.Append(rows);
  if (!elements.empty()) {
    for (int axis = 1; axis < elements[0].rank(); ++axis) whole.Append(elements[0].dim(axis));
  }
  Tensor& result = c.AllocateOutput(output, whole);
  int64_t at = 0;
  for (const Tensor& element : elements) {
    CopyElements(dtype, element.raw(), ElementAt(dtype, result.raw(), at), element.num_elements());
    at += element.num_elements();
  }
  return result;
}

Tensor RowOf(const Tensor& tensor, int64_t i) {
  Shape shape;
  for (int axis = 1; axis < tensor.rank(); ++axis) shape.Append(tensor.dim(axis));
  return tensor.Slice(i, i + 1).Reshaped(shape);
}

std::vector<Tensor> SplitElements(const Tensor& tensor, std::span<const int64_t> lengths, const char* what) {
  if (tensor.rank() < 1) throw InvalidArgument(what, ": Expected value to be at least a vector, got a scalar");
  std::vector<Tensor> parts;
  int64_t at = 0;
  for (const int64_t length : lengths) {
    if (length < 0 || length > tensor.dim(0) - at) {
      throw InvalidArgument(what, ": Expected sum of lengths to be equal to values.shape[0], but sum of lengths is ",
                            at + length, " and value's shape is: ", tensor.shape());
    }
    parts.push_back(tensor.Slice(at, at + length));
    at += length;
  }
  if (at != tensor.dim(0)) {
    throw InvalidArgument(what, ": Expected sum of lengths to be equal to values.shape[0], but sum of lengths is ", at,
                          " and value's shape is: ", tensor.shape());
  }
  return parts;
}

namespace {

template <class T>
Tensor Add(const Tensor& a, const Tensor& b) {
  Tensor sum(a.dtype(), a.shape());
  const T *x = a.data<T>(), *y = b.data<T>();
  T* to = sum.data<T>();
  for (int64_t i = 0; i < sum.num_elements(); ++i) to[i] = static_cast<T>(x[i] + y[i]);
  return sum;
}

}  // namespace

Tensor AddElements(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) {
    throw InvalidArgument("elements of shapes ", a.shape(), " and ", b.shape(), " can't be added");
  }
  switch (a.dtype()) {
    case DType::kFloat:
      return Add<float>(a, b);
    case DType::kDouble:
      return Add<double>(a, b);
    case DType::kInt32:
      return Add<int32_t>(a, b);
    case DType::kInt64:
      return Add<int64_t>(a, b);
    default:
      throw Unimplemented("elements of ", a.dtype(), " can't be added");
  }
}

PartialShape ShapeFromTensor(const Tensor& tensor) {
  if (tensor.rank() == 0) {
    if (tensor.AsInt64() == -1) return {};
    throw InvalidArgument("The only valid scalar shape tensor is the fully unknown shape specified as -1, got ",
                          tensor.AsInt64());
  }
  if (tensor.rank() != 1 || tensor.num_elements() > kMaxRank) {
    throw InvalidArgument("Shape must be at most rank 1 but is rank ", tensor.rank());
  }
  return PartialShape(tensor.AsInt64s());
}

}  // namespace headrace
