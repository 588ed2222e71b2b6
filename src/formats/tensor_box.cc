// A box is walked row by row, a row being its extent along the last axis.
#include "formats/tensor_box.h"

#include <algorithm>
#include <cstring>

#include "headrace/error.h"

namespace headrace {
namespace {

void CheckBox(const Shape& whole, const std::vector<int64_t>& begin, const Shape& size) {
  bool fits = static_cast<int>(begin.size()) == whole.rank() && size.rank() == whole.rank();
  for (int axis = 0; fits && axis < whole.rank(); ++axis) {
    fits = begin[axis] >= 0 && size[axis] >= 0 && begin[axis] <= whole[axis] - size[axis];
  }
  if (!fits) {
    throw InvalidArgument("a box of shape ", size, " at ", PartialShape(begin), " does not lie in shape ", whole);
  }
}

// Calls copy(element offset in the whole, element offset in the box, elements) for each row.
template <class Copy>
void ForEachRow(const Shape& whole, const std::vector<int64_t>& begin, const Shape& size, Copy copy) {
  CheckBox(whole, begin, size);
  if (size.num_elements() == 0) return;
  int rank = whole.rank();
  int64_t row = rank == 0 ? 1 : size[rank - 1];
  std::vector<int64_t> position(begin.size(), 0);
  for (int64_t done = 0; done < size.num_elements(); done += row) {
    int64_t offset = 0;
    for (int axis = 0; axis < rank; ++axis) offset = offset * whole[axis] + begin[axis] + position[axis];
    copy(offset, done, row);
    for (int axis = rank - 2; axis >= 0 && ++position[axis] == size[axis]; --axis) position[axis] = 0;
  }
}

template <class Copy>
void CopyRows(DType dtype, Copy copy) {
  if (dtype == DType::kString) {
    copy([](const Tensor& from, int64_t i, const Tensor& to, int64_t j, int64_t n) {
      std::copy_n(from.data<std::string>() + i, n, to.data<std::string>() + j);
    });
  } else {
    copy([width = SizeOf(dtype)](const Tensor& from, int64_t i, const Tensor& to, int64_t j, int64_t n) {
      std::memcpy(static_cast<char*>(to.raw()) + static_cast<size_t>(j) * width,
                  static_cast<const char*>(from.raw()) + static_cast<size_t>(i) * width,
                  static_cast<size_t>(n) * width);
    });
  }
}

}  // namespace

Tensor CopyBox(const Tensor& from, const std::vector<int64_t>& begin, const Shape& size) {
  CheckBox(from.shape(), begin, size);
  Tensor box(from.dtype(), size);
  CopyRows(from.dtype(), [&](auto copy_row) {
    ForEachRow(from.shape(), begin, size, [&](int64_t i, int64_t j, int64_t n) { copy_row(from, i, box, j, n); });
  });
  return box;
}

void PasteBox(const Tensor& part, const std::vector<int64_t>& begin, Tensor& whole) {
  if (part.dtype() != whole.dtype()) {
    throw InvalidArgument("expected a part of type ", whole.dtype(), ", got ", part.dtype());
  }
  CopyRows(part.dtype(), [&](auto copy_row) {
    ForEachRow(whole.shape(), begin, part.shape(),
               [&](int64_t i, int64_t j, int64_t n) { copy_row(part, j, whole, i, n); });
  });
}

}  // namespace headrace
