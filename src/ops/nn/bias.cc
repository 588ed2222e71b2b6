// Adding a bias to the channels of a tensor.
#include "headrace/ops/nn.h"

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/ops/array.h"
#include "kernels/reduce.h"

namespace headrace {
namespace {

int ChannelAxis(const std::string& data_format, int rank) {
  return data_format == "NCHW" ? 1 : rank - 1;
}

template <class T>
void AddRows(const T* value, const T* bias, T* out, int64_t rows, int64_t channels) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < channels; ++c) out[r * channels + c] = static_cast<T>(value[r * channels + c] + bias[c]);
  }
}

Kernel BiasAddKernel(const Node& node) {
  const bool has_format = node.has_attr("data_format");
  return [format = has_format ? node.attr<std::string>("data_format") : std::string("NHWC")](KernelContext& context) {
    const Tensor &value = context.input(0), &bias = context.input(1);
    if (value.rank() < 2) throw InvalidArgument("Input tensor must be at least 2D: ", value.shape());
    if (bias.rank() != 1) throw InvalidArgument("Biases must be 1D: ", bias.shape());
    const int axis = ChannelAxis(format, value.rank());
    if (bias.dim(0) != value.dim(axis)) {
      throw InvalidArgument("Must provide as many biases as the channel dimension of the input tensor: ", bias.shape(),
                            " vs. ", value.dim(axis), " in ", value.shape());
    }
    Tensor& output = context.ReuseOrAllocateOutput(0, 0, value.shape());
    int64_t inner = 1;
    for (int i = axis + 1; i < value.rank(); ++i) inner *= value.dim(i);
    const int64_t channels = bias.dim(0);
    VisitNumeric(value.dtype(), "BiasAdd", [&](auto zero) {
      using T = decltype(zero);
      const T *from = value.data<T>(), *add = bias.data<T>();
      T* to = output.data<T>();
      if (inner == 1) {
        const int64_t rows = channels == 0 ? 0 : value.num_elements() / channels;
        context.pool().ParallelFor(rows, 1 + 65536 / (channels + 1), [&](int64_t begin, int64_t end) {
          AddRows(from + begin * channels, add, to + begin * channels, end - begin, channels);
        });
        return;
      }
      for (int64_t i = 0; i < value.num_elements(); ++i) to[i] = static_cast<T>(from[i] + add[i / inner % channels]);
    });
  };
}

void BiasAddShape(ShapeContext& context) {
  PartialShape value = context.WithRankAtLeast(0, 2);
  const PartialShape bias = context.WithRank(1, 1);
  if (value.has_rank()) {
    const bool has_format = context.node().has_attr("data_format");
    const int axis = ChannelAxis(has_format ? context.attr<std::string>("data_format") : "NHWC", value.rank());
    if (value[axis] >= 0 && bias[0] >= 0 && value[axis] != bias[0]) {
      throw InvalidArgument("Dimensions must be equal, but are ", value[axis], " and ", bias[0]);
    }
    if (value[axis] < 0) value.set_dim(axis, bias[0]);
  }
  context.set_output(0, value);
}

// On the last axis it is an addition that broadcasts, which fuses like any other. Only where the static shapes say that
// the sizes agree, since BiasAdd refuses what AddV2 would broadcast.
Output AsAddition(Lowering& lowering) {
  const Node& node = lowering.node();
  const PartialShape &value = node.input(0).shape(), &bias = node.input(1).shape();
  const bool last = !node.has_attr("data_format") || node.attr<std::string>("data_format") == "NHWC";
  if (!last || !value.has_rank() || value.rank() < 2 || bias.rank() != 1) return {};
  if (bias[0] < 0 || value[value.rank() - 1] != bias[0]) return {};
  return lowering.Add("AddV2", node.inputs(), {{"T", node.output_dtype(0)}});
}

DEFINE_OP("BiasAdd")
    .Input("value: T")
    .Input("bias: T")
    .Output("output: T")
    .Attr("T", kReal)
    .Attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
    .Shape(BiasAddShape)
    .Kernel(BiasAddKernel)
    .ReusesInput()
    .Lower(AsAddition)
    .Gradient([](Backward& b) {
      b.Return(b.dy(), BiasAddGrad(b.dy(), {.data_format = b.attr<std::string>("data_format")}));
    });

DEFINE_OP("BiasAddV1")
    .Input("value: T")
    .Input("bias: T")
    .Output("output: T")
    .Attr("T", kReal)
    .Shape(BiasAddShape)
    .Kernel(BiasAddKernel)
    .ReusesInput()
    .Lower(AsAddition)
    .Gradient([](Backward& b) { b.Return(b.dy(), BiasAddGrad(b.dy())); });

DEFINE_OP("BiasAddGrad")
    .Input("out_backprop: T")
    .Output("output: T")
    .Attr("T", kReal)
    .Attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
    .Shape([](ShapeContext& context) {
      const PartialShape dy = context.WithRankAtLeast(0, 2);
      const int axis = dy.has_rank() ? ChannelAxis(context.attr<std::string>("data_format"), dy.rank()) : 0;
      context.set_output(0, PartialShape({dy.has_rank() ? dy[axis] : -1}));
    })
    .Kernel([](const Node& node) -> Kernel {
      return [format = node.attr<std::string>("data_format")](KernelContext& context) {
        const Tensor& dy = context.input(0);
        if (dy.rank() < 2) throw InvalidArgument("Input tensor must be at least 2D: ", dy.shape());
        const int axis = ChannelAxis(format, dy.rank());
        Tensor& output = context.AllocateOutput(0, {dy.dim(axis)});
        Reduce(context.pool(), Reduction::kSum, dy.dtype(), dy.shape(), AllAxes(dy.rank()) & ~(1u << axis), dy.raw(),
               output.raw());
      };
    })
    .Gradient([](Backward& b) {
      const bool channels_first = b.attr<std::string>("data_format") == "NCHW";
      Output dz = b.dy();
      if (channels_first) {
        std::vector<int32_t> shape(static_cast<size_t>(b.x().shape().rank()), 1);
        shape.at(1) = -1;
        dz = Reshape(dz, Constant(Tensor::Vector(shape)));
      }
      b.Return(BroadcastTo(dz, ShapeOf(b.x())));
    });

}  // namespace
}  // namespace headrace
