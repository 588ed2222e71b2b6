// Parts of strings: pieces between separators, as sparse tensors, and substrings.
#include "declare/declare.h"

namespace headrace {
namespace {

using Pieces = std::vector<std::string_view>;

// Between any of these bytes; between all bytes if there are none.
Pieces SplitAtAny(std::string_view text, std::string_view delimiters, bool skip_empty) {
  Pieces pieces;
  if (delimiters.empty()) {
    for (size_t i = 0; i < text.size(); ++i) pieces.push_back(text.substr(i, 1));
    return pieces;
  }
  if (text.empty()) return pieces;  // nothing, not one empty piece
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find_first_of(delimiters, at), text.size());
    if (end > at || !skip_empty) pieces.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return pieces;
}

// At each `separator`, or at runs of white space if that is empty, as Python's str.split does it.
Pieces SplitAt(std::string_view text, std::string_view separator, int64_t most) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  Pieces pieces;
  const auto full = [&] { return most >= 0 && static_cast<int64_t>(pieces.size()) == most; };
  if (separator.empty()) {
    for (size_t at = text.find_first_not_of(kSpace); at < text.size();) {
      const size_t end = full() ? text.size() : std::min(text.find_first_of(kSpace, at), text.size());
      pieces.push_back(text.substr(at, end - at));
      at = text.find_first_not_of(kSpace, end);
    }
    return pieces;
  }
  size_t at = 0;
  for (size_t end; !full() && (end = text.find(separator, at)) != std::string_view::npos; at = end + separator.size()) {
    pieces.push_back(text.substr(at, end - at));
  }
  pieces.push_back(text.substr(at));
  return pieces;
}

// indices [n, 2], values [n] and shape [2] of rows of pieces.
void SetSparseRows(KernelContext& c, const std::vector<Pieces>& rows) {
  int64_t count = 0, width = 0;
  for (const Pieces& row : rows) {
    count += static_cast<int64_t>(row.size());
    width = std::max(width, static_cast<int64_t>(row.size()));
  }
  auto* indices = c.AllocateOutput(0, {count, 2}).data<int64_t>();
  auto* values = c.AllocateOutput(1, {count}).data<std::string>();
  auto* shape = c.AllocateOutput(2, {2}).data<int64_t>();
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t column = 0; column < rows[row].size(); ++column) {
      *indices++ = static_cast<int64_t>(row);
      *indices++ = static_cast<int64_t>(column);
      *values++ = rows[row][column];
    }
  }
  shape[0] = static_cast<int64_t>(rows.size());
  shape[1] = width;
}

void SparseRowsShape(ShapeContext& c) {
  c.set_output(0, {-1, 2});
  c.set_output(1, {-1});
  c.set_output(2, {2});
}

template <class Split>
void SplitRows(KernelContext& c, const Split& split) {
  const Tensor& input = c.input(0);
  if (input.rank() != 1) throw InvalidArgument("input must be a vector, got shape: ", input.shape());
  if (c.input(1).rank() != 0) throw InvalidArgument("the separator must be a scalar, got shape: ", c.input(1).shape());
  const std::string separator(c.input(1).string());
  std::vector<Pieces> rows;
  for (int64_t i = 0; i < input.num_elements(); ++i) rows.push_back(split(input.string(i), separator));
  SetSparseRows(c, rows);
}

DEFINE_OP("StringSplit")
    .Input("input: string")
    .Input("delimiter: string")
    .Output("indices: int64")
    .Output("values: string")
    .Output("shape: int64")
    .Attr("skip_empty: bool = true")
    .Shape(SparseRowsShape)
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const bool skip_empty = c.node().attr<bool>("skip_empty");
      SplitRows(c, [&](std::string_view text, std::string_view delimiters) {
        return SplitAtAny(text, delimiters, skip_empty);
      });
    });

DEFINE_OP("StringSplitV2")
    .Input("input: string")
    .Input("sep: string")
    .Output("indices: int64")
    .Output("values: string")
    .Output("shape: int64")
    .Attr("maxsplit: int = -1")
    .Shape(SparseRowsShape)
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const int64_t most = c.node().attr<int64_t>("maxsplit");
      SplitRows(c, [&](std::string_view text, std::string_view separator) { return SplitAt(text, separator, most); });
    });

// ------------------------------------------------------------------------------------------------------- substrings

// Where each character of UTF-8 begins, and the end.
std::vector<size_t> CharacterStarts(std::string_view text) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) starts.push_back(i);
  }
  starts.push_back(text.size());
  return starts;
}

// The part of `length` units from `position`, which counts from the end if it is negative. Errors: InvalidArgument for
// a position outside.
std::string Substring(std::string_view text, int64_t position, int64_t length, bool characters, int64_t index) {
  const std::vector<size_t> starts = characters ? CharacterStarts(text) : std::vector<size_t>();
  const auto units = static_cast<int64_t>(characters ? starts.size() - 1 : text.size());
  const int64_t from = position < 0 ? position + units : position;
  if (from < 0 || from > units) {
    throw InvalidArgument("pos ", position, " out of range for string ",
                          characters ? std::string(text) : internal::Concat("b'", text, "'"), " at index ", index);
  }
  // A negative length takes all bytes that there are, and no characters, as in TensorFlow.
  const int64_t to = length < 0 ? (characters ? from : units) : std::min(units, from + std::min(length, units));
  if (!characters) return std::string(text.substr(static_cast<size_t>(from), static_cast<size_t>(to - from)));
  const size_t begin = starts[static_cast<size_t>(from)];
  return std::string(text.substr(begin, starts[static_cast<size_t>(to)] - begin));
}

DEFINE_OP("Substr")
    .Input("input: string")
    .Input("pos: T")
    .Input("len: T")
    .Output("output: string")
    .Attr("T: {int32, int64}")
    .Attr("unit: {'BYTE', 'UTF8_CHAR'} = 'BYTE'")
    .Shape([](ShapeContext& c) {
      if (c.input(1).has_rank() && c.input(2).has_rank() && c.input(1).rank() != c.input(2).rank()) {
        throw InvalidArgument("pos and len should have the same rank, got ", c.input(1), " and ", c.input(2));
      }
      c.set_output(0, BroadcastShapes(c.input(0), c.input(1)));
    })
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const Tensor &input = c.input(0), &positions = c.input(1), &lengths = c.input(2);
      if (!(positions.shape() == lengths.shape())) {
        throw InvalidArgument("pos and len should have the same shape, got: ", positions.shape(), " vs. ",
                              lengths.shape());
      }
      const Shape shape = BroadcastShapes(input.shape(), positions.shape());
      if (shape.rank() > 2 && !(input.shape() == positions.shape()) && positions.num_elements() != 1) {
        throw Unimplemented("Substr broadcast not implemented for ", shape.rank(), " dimensions");
      }
      const bool characters = c.node().attr<std::string>("unit") == "UTF8_CHAR";
      auto* out = c.AllocateOutput(0, shape).data<std::string>();
      // Of an operand that is repeated along an axis, the index along it does not count.
      int64_t at[kMaxRank] = {};
      const auto index_in = [&](const Shape& operand) {
        int64_t index = 0;
        const int missing = shape.rank() - operand.rank();
        for (int axis = 0; axis < operand.rank(); ++axis) {
          index = index * operand[axis] + (operand[axis] == 1 ? 0 : at[axis + missing]);
        }
        return index;
      };
      for (int64_t i = 0; i < shape.num_elements(); ++i) {
        const int64_t number = index_in(positions.shape());
        out[i] = Substring(input.string(index_in(input.shape())), positions.AsInt64(number), lengths.AsInt64(number),
                           characters, i);
        for (int axis = shape.rank() - 1; axis >= 0 && ++at[axis] == shape[axis]; --axis) at[axis] = 0;
      }
    });

}  // namespace
}  // namespace headrace
