// DecodeCSV: records of text to typed columns.
#include "declare/declare.h"
#include "ops/parsing/csv_decoder.h"

namespace headrace {
namespace {

void DecodeCsv(KernelContext& c) {
  const Tensor& records = c.input(0);
  std::vector<Tensor> defaults;
  for (int i = 1; i < c.num_inputs(); ++i) defaults.push_back(c.input(i));
  const CsvDecoder decoder(c.node(), defaults);
  std::vector<Tensor> outputs(defaults.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int output = static_cast<int>(i);
    if (c.output_needed(output)) outputs[i] = c.AllocateOutput(output, records.shape());
  }
  const std::vector<std::string_view> views(records.flat<std::string>().begin(), records.flat<std::string>().end());
  decoder.Decode(views, outputs);
}

// nullptr unless the defaults are constants.
std::unique_ptr<const LineDecoder> DecoderOf(const Node& node) {
  std::vector<Tensor> defaults;
  for (size_t i = 1; i < node.inputs().size(); ++i) {
    const Tensor* value = ConstantBehind(node.inputs()[i]);
    if (!value) return nullptr;
    defaults.push_back(*value);
  }
  return std::make_unique<CsvDecoder>(node, defaults);
}

DEFINE_OP("DecodeCSV")
    .Input("records: string")
    .Input("record_defaults: OUT_TYPE")
    .Output("output: OUT_TYPE")
    .Attr("OUT_TYPE: list({float, double, int32, int64, string}) >= 1")
    .Attr("field_delim: string = ','")
    .Attr("use_quote_delim: bool = true")
    .Attr("na_value: string = ''")
    .Attr("select_cols: list(int) = []")
    .Shape([](ShapeContext& c) {
      for (int i = 0; i < c.node().num_outputs(); ++i) c.set_output(i, c.input(0));
    })
    .DecodesLines(DecoderOf)
    .Lift([](RowLift& node) {
      for (int i = 1; i < node.num_inputs(); ++i) {
        if (!node.constant(i)) return false;
      }
      return node.shape(0).rank() == 0;
    })
    .NoGradient()
    .Kernel(DecodeCsv);

}  // namespace
}  // namespace headrace
