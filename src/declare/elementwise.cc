// The standalone kernel of elementwise ops. Operands of the output's shape, and rows that broadcasting leaves
// contiguous, go to the lane function as they lie; a value or a short row that is repeated is laid out once, as a tile
// in L1; whatever else is broadcast is gathered into one each time. Element types without a lane function of their own
// go through a wider one, a tile at a time.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "kernels/convert.h"

namespace headrace {
namespace {

constexpr int64_t kTile = 512;       // elements
constexpr int64_t kGrain = 32768;    // elements worth a task of their own
constexpr int64_t kMinimumRow = 16;  // below it, gathering a tile beats a call a row
constexpr int64_t kShortRows = 4;    // rows of which a tile holds so many are short
constexpr size_t kTileBytes = kTile * 8;
constexpr int kMaxArity = Lanes::kMaxArity;

// The dtype whose lane function serves `dtype`.
DType CarrierOf(DType dtype) {
  switch (dtype) {
    case DType::kHalf:
    case DType::kBFloat16:
      return DType::kFloat;
    case DType::kInt8:
    case DType::kInt16:
    case DType::kUInt8:
    case DType::kUInt16:
    case DType::kBool:
      return DType::kInt32;
    case DType::kUInt32:
    case DType::kUInt64:
      return DType::kInt64;
    default:
      return dtype;
  }
}

// A lane function for any dtypes: the op's own, or one of wider types between conversions.
struct AnyLane {
  TileFunction tile = nullptr;
  std::array<ConversionFunction, kMaxArity> widen{};  // null where none is needed
  ConversionFunction narrow = nullptr;
  std::array<size_t, kMaxArity> in_size{};
  size_t out_size = 0, arity = 0;
  bool converts = false;

  AnyLane(const Node& node, const Lanes& lanes) : arity(static_cast<size_t>(lanes.arity)) {
    const Lanes::Signature wanted = Lanes::SignatureOf(node);
    for (size_t k = 0; k < arity; ++k) in_size[k] = SizeOf(wanted.inputs[k]);
    out_size = SizeOf(wanted.output);
    const auto* nearest = Nearest(lanes, wanted);
    if (!nearest) {
      throw Unimplemented("op ", node.type(), " has no kernel for ", node.input(0).dtype(), " at ", node.name());
    }
    tile = nearest->tile;
    const Lanes::Signature& found = nearest->signature;
    for (size_t k = 0; k < arity; ++k) {
      if (found.inputs[k] != wanted.inputs[k]) widen[k] = FindConversion(wanted.inputs[k], found.inputs[k]);
      converts |= widen[k] != nullptr;
    }
    if (found.output != wanted.output) narrow = FindConversion(found.output, wanted.output);
    converts |= narrow != nullptr;
  }

  void Run(const char* const* in, char* out, int64_t n) const {
    if (!converts) {
      tile(reinterpret_cast<const void* const*>(in), out, n);
      return;
    }
    alignas(64) char wide[kMaxArity + 1][kTileBytes];
    const void* pointers[kMaxArity];
    for (int64_t done = 0; done < n; done += kTile) {
      const int64_t count = std::min(kTile, n - done);
      for (size_t k = 0; k < arity; ++k) {
        const char* from = in[k] + static_cast<size_t>(done) * in_size[k];
        pointers[k] = widen[k] ? wide[k] : from;
        if (widen[k]) widen[k](from, wide[k], count);
      }
      char* const to = out + static_cast<size_t>(done) * out_size;
      tile(pointers, narrow ? wide[kMaxArity] : to, count);
      if (narrow) narrow(wide[kMaxArity], to, count);
    }
  }

 private:
  // The signature itself, or the one that serves it by conversions.
  static const Lanes::Function* Nearest(const Lanes& lanes, const Lanes::Signature& wanted) {
    const Lanes::Function* served = nullptr;
    for (const auto& candidate : lanes.functions) {
      if (candidate.signature == wanted) return &candidate;
      const auto serves = [](DType lane, DType dtype) { return lane == dtype || lane == CarrierOf(dtype); };
      bool all = serves(candidate.signature.output, wanted.output);
      for (int k = 0; k < lanes.arity; ++k) all = all && serves(candidate.signature.inputs[k], wanted.inputs[k]);
      if (all && !served) served = &candidate;
    }
    return served;
  }
};

// The dimensions of a broadcast, adjacent ones merged where every operand allows it. Strides are in elements and 0
// where an operand is repeated.
struct Broadcast {
  int rank = 0, arity = 0;
  int64_t dims[kMaxRank];
  int64_t strides[kMaxArity][kMaxRank];

  Broadcast(const Shape& out, const Tensor* const* operands, int arity) : arity(arity) {
    int64_t running[kMaxArity];
    std::fill(running, running + arity, 1);
    // Built from the last axis to the first, then reversed.
    for (int axis = out.rank() - 1; axis >= 0; --axis) {
      int64_t stride[kMaxArity];
      for (int k = 0; k < arity; ++k) {
        const Shape& shape = operands[k]->shape();
        const int own = axis - (out.rank() - shape.rank());
        const int64_t size = own < 0 ? 1 : shape[own];
        stride[k] = size == 1 ? 0 : running[k];
        running[k] *= size;
      }
      if (out[axis] == 1) continue;
      bool merges = rank > 0;
      for (int k = 0; merges && k < arity; ++k) merges = stride[k] == strides[k][rank - 1] * dims[rank - 1];
      if (merges) {
        dims[rank - 1] *= out[axis];
        continue;
      }
      dims[rank] = out[axis];
      for (int k = 0; k < arity; ++k) strides[k][rank] = stride[k];
      ++rank;
    }
    if (rank == 0) {
      dims[0] = 1;
      for (int k = 0; k < arity; ++k) strides[k][0] = 1;
      rank = 1;
    }
    std::reverse(dims, dims + rank);
    for (int k = 0; k < arity; ++k) std::reverse(strides[k], strides[k] + rank);
  }

  // The offset of operand k at flat output position i.
  int64_t Offset(int k, int64_t i) const {
    int64_t offset = 0;
    for (int axis = rank - 1; axis >= 0; --axis) {
      offset += i % dims[axis] * strides[k][axis];
      i /= dims[axis];
    }
    return offset;
  }
};

template <class Word>
void GatherWords(const Broadcast& shape, int k, const char* from, int64_t begin, int64_t n, char* to) {
  const Word* source = reinterpret_cast<const Word*>(from);
  Word* target = reinterpret_cast<Word*>(to);
  const int64_t inner = shape.dims[shape.rank - 1], step = shape.strides[k][shape.rank - 1];
  for (int64_t i = 0; i < n;) {
    const int64_t within = (begin + i) % inner;
    const int64_t count = std::min(inner - within, n - i);
    const Word* row = source + shape.Offset(k, begin + i);
    if (step == 0) {
      std::fill_n(target + i, count, *row);
    } else if (step == 1) {
      std::copy_n(row, count, target + i);
    } else {
      for (int64_t j = 0; j < count; ++j) target[i + j] = row[j * step];
    }
    i += count;
  }
}

void Gather(size_t size, const Broadcast& shape, int k, const char* from, int64_t begin, int64_t n, char* to) {
  switch (size) {
    case 1:
      return GatherWords<uint8_t>(shape, k, from, begin, n, to);
    case 2:
      return GatherWords<uint16_t>(shape, k, from, begin, n, to);
    case 4:
      return GatherWords<uint32_t>(shape, k, from, begin, n, to);
    default:
      return GatherWords<uint64_t>(shape, k, from, begin, n, to);
  }
}

// How an operand is walked while the output is written from one end to the other.
enum class Walk {
  kDense,     // it lies as the output does
  kRepeated,  // one value, or a short row, again and again
  kStrided,   // anything else
};

Walk WalkOf(const Broadcast& shape, int k) {
  const int last = shape.rank - 1;
  bool dense = true, repeated = true;
  int64_t stride = 1;
  for (int axis = last; axis >= 0; --axis) {
    dense = dense && shape.strides[k][axis] == stride;
    repeated = repeated && (axis == last || shape.strides[k][axis] == 0);
    stride *= shape.dims[axis];
  }
  const bool one_value = repeated && shape.strides[k][last] == 0;
  if (dense) return Walk::kDense;
  return one_value || (repeated && shape.dims[last] * kShortRows <= kTile) ? Walk::kRepeated : Walk::kStrided;
}

// Positions [begin, end) of the output, which lies in one stretch.
void RunBroadcast(const AnyLane& lane, const Broadcast& shape, const char* const* in, char* out, int64_t begin,
                  int64_t end) {
  alignas(64) char tiles[kMaxArity][kTileBytes];
  const int64_t inner = shape.dims[shape.rank - 1];
  Walk walks[kMaxArity];
  bool strided = false;
  for (int k = 0; k < shape.arity; ++k) {
    walks[k] = WalkOf(shape, k);
    strided |= walks[k] == Walk::kStrided;
  }
  // Beside strided operands a row at a time if rows are long. Else tiles are of whole rows if rows are short, so that
  // what is repeated is the same in all of them and is laid out once.
  const bool by_row = strided && inner >= kMinimumRow;
  const int64_t most = inner * kShortRows <= kTile ? kTile / inner * inner : kTile;
  for (int64_t i = begin; i < end;) {
    const int64_t count = std::min(end - i, by_row ? std::min(kTile, inner - i % inner) : most);
    const char* pointers[kMaxArity];
    for (int k = 0; k < shape.arity; ++k) {
      const size_t size = lane.in_size[k];
      const bool one_value = walks[k] == Walk::kRepeated && shape.strides[k][shape.rank - 1] == 0;
      pointers[k] = tiles[k];
      if (walks[k] == Walk::kDense) {
        pointers[k] = in[k] + static_cast<size_t>(i) * size;
      } else if (by_row && shape.strides[k][shape.rank - 1] == 1) {
        pointers[k] = in[k] + static_cast<size_t>(shape.Offset(k, i)) * size;
      } else if (one_value) {
        if (i == begin) Gather(size, shape, k, in[k], i, std::min(kTile, end - i), tiles[k]);
      } else if (i == begin || by_row || walks[k] == Walk::kStrided) {
        Gather(size, shape, k, in[k], i, count, tiles[k]);
      }
    }
    lane.Run(pointers, out + static_cast<size_t>(i) * lane.out_size, count);
    i += count;
  }
}

}  // namespace

Kernel ElementwiseKernel(const Node& node, const Lanes& lanes) {
  const AnyLane lane(node, lanes);
  return [lane](KernelContext& context) {
    const int arity = static_cast<int>(lane.arity);
    const Tensor* operands[kMaxArity];
    bool same_shape = true;
    Shape out_shape = context.input(0).shape();
    for (int k = 0; k < arity; ++k) {
      operands[k] = &context.input(k);
      if (operands[k]->shape() == out_shape) continue;
      same_shape = false;
      out_shape = BroadcastShapes(out_shape, operands[k]->shape());
    }
    int reused = -1;
    for (int k = 0; k < arity && reused < 0; ++k) {
      if (lane.in_size[k] == lane.out_size && operands[k]->shape() == out_shape) reused = k;
    }
    const char* in[kMaxArity];
    for (int k = 0; k < arity; ++k) in[k] = static_cast<const char*>(operands[k]->raw());
    Tensor& output =
        reused < 0 ? context.AllocateOutput(0, out_shape) : context.ReuseOrAllocateOutput(reused, 0, out_shape);
    char* const out = static_cast<char*>(output.raw());
    const int64_t n = output.num_elements();
    if (n == 0) return;
    if (same_shape) {
      auto run = [&](int64_t begin, int64_t end) {
        const char* pointers[kMaxArity];
        for (int k = 0; k < arity; ++k) pointers[k] = in[k] + static_cast<size_t>(begin) * lane.in_size[k];
        lane.Run(pointers, out + static_cast<size_t>(begin) * lane.out_size, end - begin);
      };
      n <= kGrain ? run(0, n) : context.pool().ParallelFor(n, kGrain, run);
      return;
    }
    const Broadcast shape(out_shape, operands, arity);
    auto run = [&](int64_t begin, int64_t end) { RunBroadcast(lane, shape, in, out, begin, end); };
    n <= kGrain ? run(0, n) : context.pool().ParallelFor(n, kGrain, run);
  };
}

}  // namespace headrace
