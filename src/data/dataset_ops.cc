// The dataset ops: each makes a DatasetObject out of its inputs and attributes.
#include "data/dataset.h"
#include "declare/declare.h"

namespace headrace::data {
namespace {

std::vector<DType> OutputTypes(const KernelContext& c) {
  return c.node().attr<std::vector<DType>>("output_types");
}
std::vector<PartialShape> OutputShapes(const KernelContext& c) {
  return c.node().attr<std::vector<PartialShape>>("output_shapes");
}
DatasetPtr InputDataset(const KernelContext& c, int i = 0) {
  return DatasetOf(c.input(i));
}
void Return(KernelContext& c, DatasetPtr dataset) {
  c.set_output(0, VariantOf(std::move(dataset)));
}
Element InputsFrom(const KernelContext& c, int begin, int end) {
  Element values;
  for (int i = begin; i < end; ++i) values.push_back(c.input(i));
  return values;
}
std::vector<std::string> Strings(const Tensor& tensor) {
  return {tensor.flat<std::string>().begin(), tensor.flat<std::string>().end()};
}

// The function attribute `name` with the inputs of the argument `arguments` bound as captures.
BoundFunction Bind(KernelContext& c, const char* name, const char* arguments) {
  const auto& ref = c.node().attr<FunctionRef>(name);
  auto library = FunctionLibrary::Collect(ref.name, c.functions());
  const auto [begin, end] = c.node().InputRange(arguments);
  return {library->Find(ref.name), library, InputsFrom(c, begin, end)};
}

DEFINE_OP("TensorDataset")
    .Input("components: Toutput_types")
    .Output("handle: variant")
    .Attr("Toutput_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) { Return(c, MakeTensorDataset(InputsFrom(c, 0, c.num_inputs()))); });

DEFINE_OP("TensorSliceDataset")
    .Input("components: Toutput_types")
    .Output("handle: variant")
    .Attr("Toutput_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("is_files: bool = false")
    .Attr("metadata: string = ''")
    .Attr("replicate_on_split: bool = false")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) { Return(c, MakeTensorSliceDataset(InputsFrom(c, 0, c.num_inputs()))); });

DEFINE_OP("RangeDataset")
    .Input("start: int64")
    .Input("stop: int64")
    .Input("step: int64")
    .Output("handle: variant")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Attr("replicate_on_split: bool = false")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeRangeDataset(c.input(0).AsInt64(), c.input(1).AsInt64(), c.input(2).AsInt64(), OutputTypes(c)[0]));
    });

DEFINE_OP("TextLineDataset")
    .Input("filenames: string")
    .Input("compression_type: string")
    .Input("buffer_size: int64")
    .Output("handle: variant")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeTextLineDataset(Strings(c.input(0)), c.input(1).scalar<std::string>(), c.input(2).AsInt64()));
    });

DEFINE_OP("TFRecordDataset")
    .SameSignatureAs("TextLineDataset")
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeTfRecordDataset(Strings(c.input(0)), c.input(1).scalar<std::string>()));
    });

DEFINE_OP("MapDataset")
    .Input("input_dataset: variant")
    .Input("other_arguments: Targuments")
    .Output("handle: variant")
    .Attr("f: func")
    .Attr("Targuments: list(type) >= 0")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("use_inter_op_parallelism: bool = true")
    .Attr("preserve_cardinality: bool = false")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeMapDataset(InputDataset(c), Bind(c, "f", "other_arguments"), OutputTypes(c), OutputShapes(c)));
    });

DEFINE_OP("ParallelMapDataset")
    .Input("input_dataset: variant")
    .Input("other_arguments: Targuments")
    .Input("num_parallel_calls: int32")
    .Output("handle: variant")
    .Attr("f: func")
    .Attr("Targuments: list(type) >= 0")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("use_inter_op_parallelism: bool = true")
    .Attr("sloppy: bool = false")
    .Attr("preserve_cardinality: bool = false")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeMapDataset(InputDataset(c), Bind(c, "f", "other_arguments"), OutputTypes(c), OutputShapes(c)));
    });

DEFINE_OP("ParallelMapDatasetV2")
    .Input("input_dataset: variant")
    .Input("other_arguments: Targuments")
    .Input("num_parallel_calls: int64")
    .Output("handle: variant")
    .Attr("f: func")
    .Attr("Targuments: list(type) >= 0")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("use_inter_op_parallelism: bool = true")
    .Attr("deterministic: string = 'default'")
    .Attr("preserve_cardinality: bool = false")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeMapDataset(InputDataset(c), Bind(c, "f", "other_arguments"), OutputTypes(c), OutputShapes(c)));
    });

DEFINE_OP("FilterDataset")
    .Input("input_dataset: variant")
    .Input("other_arguments: Targuments")
    .Output("handle: variant")
    .Attr("predicate: func")
    .Attr("Targuments: list(type) >= 0")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeFilterDataset(InputDataset(c), Bind(c, "predicate", "other_arguments")));
    });

DEFINE_OP("FlatMapDataset")
    .Input("input_dataset: variant")
    .Input("other_arguments: Targuments")
    .Output("handle: variant")
    .Attr("f: func")
    .Attr("Targuments: list(type) >= 0")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeFlatMapDataset(InputDataset(c), Bind(c, "f", "other_arguments"), OutputTypes(c), OutputShapes(c)));
    });

DEFINE_OP("InterleaveDataset")
    .Input("input_dataset: variant")
    .Input("other_arguments: Targuments")
    .Input("cycle_length: int64")
    .Input("block_length: int64")
    .Output("handle: variant")
    .Attr("f: func")
    .Attr("Targuments: list(type) >= 0")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const int lengths = c.node().InputRange("cycle_length").first;
      Return(c, MakeInterleaveDataset(InputDataset(c), Bind(c, "f", "other_arguments"), c.input(lengths).AsInt64(),
                                      c.input(lengths + 1).AsInt64(), OutputTypes(c), OutputShapes(c)));
    });

DEFINE_OP("RepeatDataset")
    .Input("input_dataset: variant")
    .Input("count: int64")
    .Output("handle: variant")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) { Return(c, MakeRepeatDataset(InputDataset(c), c.input(1).AsInt64())); });

DEFINE_OP("TakeDataset")
    .SameSignatureAs("RepeatDataset")
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) { Return(c, MakeTakeDataset(InputDataset(c), c.input(1).AsInt64())); });

DEFINE_OP("SkipDataset")
    .SameSignatureAs("RepeatDataset")
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) { Return(c, MakeSkipDataset(InputDataset(c), c.input(1).AsInt64())); });

DEFINE_OP("ShardDataset")
    .Input("input_dataset: variant")
    .Input("num_shards: int64")
    .Input("index: int64")
    .Output("handle: variant")
    .Attr("require_non_empty: bool = false")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeShardDataset(InputDataset(c), c.input(1).AsInt64(), c.input(2).AsInt64()));
    });

DEFINE_OP("ConcatenateDataset")
    .Input("input_dataset: variant")
    .Input("another_dataset: variant")
    .Output("handle: variant")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeConcatenateDataset(InputDataset(c), InputDataset(c, 1), OutputShapes(c)));
    });

DEFINE_OP("ZipDataset")
    .Input("input_datasets: N * variant")
    .Output("handle: variant")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("N: int >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      std::vector<DatasetPtr> inputs;
      for (int i = 0; i < c.num_inputs(); ++i) inputs.push_back(InputDataset(c, i));
      Return(c, MakeZipDataset(std::move(inputs)));
    });

DEFINE_OP("PrefetchDataset")
    .Input("input_dataset: variant")
    .Input("buffer_size: int64")
    .Output("handle: variant")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("slack_period: int = 0")
    .Attr("legacy_autotune: bool = true")
    .Attr("buffer_size_min: int = 0")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) { Return(c, MakePrefetchDataset(InputDataset(c))); });

DEFINE_OP("CacheDataset")
    .Input("input_dataset: variant")
    .Input("filename: string")
    .Output("handle: variant")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      if (!c.input(1).scalar<std::string>().empty()) {
        throw Unimplemented("cache('", c.input(1).string(), "'): only caching in memory is supported, cache()");
      }
      Return(c, MakeCacheDataset(InputDataset(c)));
    });

DEFINE_OP("ShuffleDataset")
    .Input("input_dataset: variant")
    .Input("buffer_size: int64")
    .Input("seed: int64")
    .Input("seed2: int64")
    .Output("handle: variant")
    .Attr("reshuffle_each_iteration: bool = true")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeShuffleDataset(InputDataset(c), c.input(1).AsInt64(), c.input(2).AsInt64(), c.input(3).AsInt64(),
                                   c.node().attr<bool>("reshuffle_each_iteration")));
    });

DEFINE_OP("BatchDataset")
    .Input("input_dataset: variant")
    .Input("batch_size: int64")
    .Output("handle: variant")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) { Return(c, MakeBatchDataset(InputDataset(c), c.input(1).AsInt64(), false)); });

DEFINE_OP("BatchDatasetV2")
    .Input("input_dataset: variant")
    .Input("batch_size: int64")
    .Input("drop_remainder: bool")
    .Output("handle: variant")
    .Attr("parallel_copy: bool = false")
    .Attr("output_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      Return(c, MakeBatchDataset(InputDataset(c), c.input(1).AsInt64(), c.input(2).scalar<bool>()));
    });

DEFINE_OP("PaddedBatchDatasetV2")
    .Input("input_dataset: variant")
    .Input("batch_size: int64")
    .Input("padded_shapes: N * int64")
    .Input("padding_values: Toutput_types")
    .Input("drop_remainder: bool")
    .Output("handle: variant")
    .Attr("parallel_copy: bool = false")
    .Attr("Toutput_types: list(type) >= 1")
    .Attr("output_shapes: list(shape) >= 1")
    .Attr("N: int >= 1")
    .Attr("metadata: string = ''")
    .Shape(ScalarShape())
    .Stateful()
    .MakesDataset()
    .NoGradient()
    .Kernel([](KernelContext& c) {
      std::vector<PartialShape> padded;
      const auto [begin, end] = c.node().InputRange("padded_shapes");
      for (int i = begin; i < end; ++i) padded.emplace_back(c.input(i).AsInt64s());
      const auto [values_begin, values_end] = c.node().InputRange("padding_values");
      Return(c, MakePaddedBatchDataset(InputDataset(c), c.input(1).AsInt64(), c.input(values_end).scalar<bool>(),
                                       std::move(padded), InputsFrom(c, values_begin, values_end), OutputShapes(c)));
    });

}  // namespace
}  // namespace headrace::data
