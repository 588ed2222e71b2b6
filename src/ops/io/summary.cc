// Summaries: serialized tf.Summary messages that event files take as they are.
#include "declare/declare.h"
#include "formats/event_file.h"

namespace headrace {
namespace {

void SetSummary(KernelContext& context, std::string summary) {
  *context.AllocateOutput(0, {}).data<std::string>() = std::move(summary);
}

DEFINE_OP("ScalarSummary")
    .Input("tags: string")
    .Input("values: T")
    .Output("summary: string")
    .Attr("T", kReal)
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) {
      const Tensor& tags = context.input(0);
      const Tensor& values = context.input(1);
      if (!(tags.shape() == values.shape()) && (tags.num_elements() != 1 || values.num_elements() != 1)) {
        throw InvalidArgument("tags and values are not the same shape: ", tags.shape(), " != ", values.shape(), " at '",
                              context.node().name(), "'");
      }
      std::vector<std::string> parts;
      for (int64_t i = 0; i < tags.num_elements(); ++i) {
        parts.push_back(ScalarSummary(tags.data<std::string>()[i], static_cast<float>(values.AsDouble(i))));
      }
      SetSummary(context, parts.size() == 1 ? std::move(parts[0]) : MergeSummaries(parts));
    })
    .NoGradient();

DEFINE_OP("HistogramSummary")
    .Input("tag: string")
    .Input("values: T")
    .Output("summary: string")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64} = DT_FLOAT")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) {
      const Tensor& values = context.input(1);
      std::vector<double> doubles(values.num_elements());
      for (int64_t i = 0; i < values.num_elements(); ++i) doubles[i] = values.AsDouble(i);
      SetSummary(context, HistogramSummary(context.input(0).scalar<std::string>(), doubles.data(),
                                           static_cast<int64_t>(doubles.size())));
    })
    .NoGradient();

DEFINE_OP("MergeSummary")
    .Input("inputs: N * string")
    .Output("summary: string")
    .Attr("N: int >= 1")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) {
      std::vector<std::string> parts;
      for (int i = 0; i < context.num_inputs(); ++i) {
        for (const std::string& part : context.input(i).flat<std::string>()) parts.push_back(part);
      }
      SetSummary(context, MergeSummaries(parts));
    })
    .NoGradient();

}  // namespace
}  // namespace headrace
