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
    .NoGradient()
    .Kernel(DecodeCsv);

}  // namespace
}  // namespace headrace
