// CSV records. Each is decoded by itself, as it is and with a line break before it, which leads it past the quick path;
// then all of them as lines of a file, by the vectorised pipeline and element by element. All must agree, errors too.
#include <cstdlib>

#include "formats/tensor_proto.h"
#include "fuzz.h"
#include "headrace/dataset.h"
#include "headrace/session.h"

namespace headrace::fuzz {
namespace {

constexpr size_t kVariants = 16;  // the first byte picks one
constexpr size_t kMostRecords = 64;

DecodeCsvOptions OptionsOf(size_t variant) {
  DecodeCsvOptions options{.field_delim = variant & 1 ? ';' : ',', .use_quote_delim = (variant & 2) == 0};
  if (variant & 4) options.na_value = "-1";
  if (variant & 8) options.select_cols = {0, 1, 3, 4, 6};
  return options;
}

std::vector<CsvColumn> Columns() {
  return {{"a", 0.5f}, {"b", DType::kInt32}, {"c", "none"}, {"d", int64_t{7}}, {"e", DType::kDouble}};
}

std::string TextOf(const std::function<std::vector<Tensor>()>& run, bool* end) {
  try {
    std::string text;
    for (const Tensor& value : run()) text += SerializeTensor(value) + "|";
    return text;
  } catch (const Error& error) {
    *end = error.code() == Code::kOutOfRange;
    const std::string text = std::string(CodeName(error.code())) + ": " + error.what();
    return text.substr(0, text.find(" [op "));
  }
}

// The lines of fuzz://lines.csv, decoded.
class Decoder {
 public:
  explicit Decoder(size_t variant) : graph_(std::make_shared<Graph>()), session_(graph_) {
    const GraphScope scope(*graph_);
    const DecodeCsvOptions options = OptionsOf(variant);
    record_ = ApplyOp("Placeholder", {}, {{"dtype", DType::kString}, {"shape", PartialShape(Shape())}});
    for (const auto& [name, value] : DecodeCsv(record_, Columns(), options)) decoded_.push_back(value);
    const Dataset dataset = Dataset::TextLines({"fuzz://lines.csv"}).Map([&](const Output& line) {
      return DecodeCsv(line, Columns(), options);
    });
    iterator_ = dataset.InitializableIterator();
    next_ = iterator_.GetNext().flat();
  }

  std::string Decode(const std::string& record) {
    bool end = false;
    return TextOf([&] { return session_.Run({{record_, Tensor::Scalar(record)}}, decoded_); }, &end);
  }

  std::vector<std::string> Lines(bool vectorise) {
    setenv("HEADRACE_VECTORISE", vectorise ? "1" : "0", 1);
    session_.Run({}, {}, {iterator_.initializer});
    std::vector<std::string> lines;
    for (bool end = false; !end && lines.size() <= kMostRecords;) {
      lines.push_back(TextOf([&] { return session_.Run(next_); }, &end));
    }
    return lines;
  }

 private:
  std::shared_ptr<Graph> graph_;
  Session session_;
  Output record_;
  std::vector<Output> decoded_, next_;
  DatasetIterator iterator_;
};

}  // namespace

std::vector<std::string> Seeds() {
  return {std::string(1, '\0') + "1.5,2,abc,3,4.25\n,2,,,1e-3\n\"1\",\" 2\",\"a,\"\"b\",-9,inf\r\n1,2,3\n",
          "\x01"
          "0x1A;2147483648;x;y;nan\n1;2;\"3;4;5",
          "\x06-1,-1,-1,-1,-1\n1,2,a\"b,3,4\n",
          std::string(1, '\x08') + "1,2,skipped,x,5,\"s,\",6.5\n+1,2,,x,5,,6.5,more\n"};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace::fuzz;
  if (size == 0) return 0;
  static std::array<std::unique_ptr<Decoder>, kVariants> decoders;
  auto& decoder = decoders[data[0] % kVariants];
  if (!decoder) decoder = std::make_unique<Decoder>(data[0] % kVariants);

  const std::string_view text = View(data, size).substr(1);
  size_t records = 0;
  for (size_t at = 0; at <= text.size() && records < kMostRecords; ++records) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string record(text.substr(at, end - at));
    const std::string plain = decoder->Decode(record), careful = decoder->Decode("\n" + record);
    if (plain != careful) Fail("'" + record + "' is decoded as '" + plain + "' and as '" + careful + "'");
    at = end + 1;
  }
  if (records == kMostRecords) return 0;
  SetFile("lines.csv", text);
  const auto together = decoder->Lines(true), one_by_one = decoder->Lines(false);
  for (size_t i = 0; i < std::max(together.size(), one_by_one.size()); ++i) {
    const std::string a = i < together.size() ? together[i] : "no", b = i < one_by_one.size() ? one_by_one[i] : "no";
    if (a != b) Fail("line " + std::to_string(i) + " is decoded as '" + a + "' and one by one as '" + b + "'");
  }
  return 0;
}
