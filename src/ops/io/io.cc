// Checkpoints and files as ops: what a Saver's graph and an exported model's restore subgraph are made of.
#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>

#include "declare/declare.h"
#include "formats/checkpoint.h"
#include "headrace/file_system.h"

namespace headrace {
namespace {

// What "10,5 0,4:0,5" says: a tensor of full shape [10,5], of which the box begins at [0,0] and is [4,5] wide. A
// dimension written "-" is taken whole. Empty for the whole tensor.
struct SliceSpec {
  bool whole = true;
  Shape full_shape, size;
  std::vector<int64_t> begin;
};

SliceSpec ParseSliceSpec(const std::string& text) {
  SliceSpec spec;
  if (text.empty()) return spec;
  const auto fail = [&] { return InvalidArgument("expected a slice such as '10 5 0,4:0,5', got '", text, "'"); };
  std::vector<std::string> words = absl::StrSplit(text, ' ');
  spec.whole = false;
  const std::vector<std::string> boxes = absl::StrSplit(words.back(), ':');
  words.pop_back();
  if (words.size() != boxes.size()) throw fail();
  for (size_t i = 0; i < words.size(); ++i) {
    int64_t full = 0, begin = 0, length = 0;
    if (!absl::SimpleAtoi(words[i], &full)) throw fail();
    if (boxes[i] == "-") {
      length = full;
    } else {
      const std::pair<std::string, std::string> box = absl::StrSplit(boxes[i], absl::MaxSplits(',', 1));
      if (!absl::SimpleAtoi(box.first, &begin) || !absl::SimpleAtoi(box.second, &length)) throw fail();
    }
    spec.full_shape.Append(full);
    spec.begin.push_back(begin);
    spec.size.Append(length);
  }
  return spec;
}

// Checks that names and slices are vectors of one length for `tensors` tensors.
void CheckNames(KernelContext& context, int64_t tensors) {
  for (int i : {1, 2}) {
    if (context.input(i).num_elements() != tensors) {
      throw InvalidArgument("expected ", tensors, " ", i == 1 ? "tensor_names" : "shape_and_slices", ", got ",
                            context.input(i).num_elements(), " at '", context.node().name(), "'");
    }
  }
}

std::string PrefixOf(KernelContext& context) {
  return context.input(0).scalar<std::string>();
}

DEFINE_OP("SaveV2")
    .Input("prefix: string")
    .Input("tensor_names: string")
    .Input("shape_and_slices: string")
    .Input("tensors: dtypes")
    .Attr("dtypes: list(type) >= 1")
    .Kernel([](KernelContext& context) {
      constexpr int kFirst = 3;
      CheckNames(context, context.num_inputs() - kFirst);
      CheckpointWriter writer(PrefixOf(context));
      for (int i = kFirst; i < context.num_inputs(); ++i) {
        const std::string& name = context.input(1).data<std::string>()[i - kFirst];
        const SliceSpec slice = ParseSliceSpec(context.input(2).data<std::string>()[i - kFirst]);
        if (slice.whole) {
          writer.Add(name, context.input(i));
        } else {
          writer.AddSlice(name, slice.full_shape, slice.begin, context.input(i));
        }
      }
      writer.Finish();
    })
    .Stateful()
    .Keep()
    .NoGradient();

DEFINE_OP("RestoreV2")
    .Input("prefix: string")
    .Input("tensor_names: string")
    .Input("shape_and_slices: string")
    .Output("tensors: dtypes")
    .Attr("dtypes: list(type) >= 1")
    .Shape(UnknownShape())
    .Kernel([](KernelContext& context) {
      CheckNames(context, context.num_outputs());
      const CheckpointReader reader(PrefixOf(context));
      for (int i = 0; i < context.num_outputs(); ++i) {
        const std::string& name = context.input(1).data<std::string>()[i];
        if (!reader.Has(name)) throw NotFound("Key ", name, " not found in checkpoint ", PrefixOf(context));
        const SliceSpec slice = ParseSliceSpec(context.input(2).data<std::string>()[i]);
        Tensor value = slice.whole ? reader.Read(name) : reader.ReadSlice(name, slice.begin, slice.size);
        const DType expected = context.node().output_dtype(i);
        if (value.dtype() != expected) {
          throw InvalidArgument("tensor ", name, " of checkpoint ", PrefixOf(context), " is ", value.dtype(),
                                ", expected ", expected);
        }
        context.set_output(i, std::move(value));
      }
    })
    .Stateful()
    .NoGradient();

DEFINE_OP("MergeV2Checkpoints")
    .Input("checkpoint_prefixes: string")
    .Input("destination_prefix: string")
    .Attr("delete_old_dirs: bool = true")
    .Attr("allow_missing_files: bool = false")
    .Kernel([](const Node& node) -> Kernel {
      return [remove = node.attr<bool>("delete_old_dirs")](KernelContext& context) {
        const auto prefixes = context.input(0).flat<std::string>();
        MergeCheckpoints({prefixes.begin(), prefixes.end()}, context.input(1).scalar<std::string>(), remove);
      };
    })
    .Stateful()
    .Keep()
    .NoGradient();

DEFINE_OP("ShardedFilename")
    .Input("basename: string")
    .Input("shard: int32")
    .Input("num_shards: int32")
    .Output("filename: string")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) {
      *context.AllocateOutput(0, {}).data<std::string>() =
          absl::StrFormat("%s-%05d-of-%05d", context.input(0).scalar<std::string>(), context.input(1).scalar<int32_t>(),
                          context.input(2).scalar<int32_t>());
    })
    .NoGradient();

DEFINE_OP("ReadFile")
    .Input("filename: string")
    .Output("contents: string")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) {
      *context.AllocateOutput(0, {}).data<std::string>() = ReadFile(context.input(0).scalar<std::string>());
    })
    .Stateful()
    .NoGradient();

DEFINE_OP("WriteFile")
    .Input("filename: string")
    .Input("contents: string")
    .Kernel([](KernelContext& context) {
      WriteFileAtomically(context.input(0).scalar<std::string>(), context.input(1).scalar<std::string>());
    })
    .Stateful()
    .Keep()
    .NoGradient();

}  // namespace
}  // namespace headrace
