// Reads the argument and attribute specifications of DEFINE_OP and registers the finished op.
#include "declare/declare.h"

#include <cctype>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

namespace headrace {
namespace {

// A cursor over a specification; every failure names the op and the whole text.
class SpecReader {
 public:
  SpecReader(const OpDef& op, std::string_view text) : op_(op), text_(text) {}

  void SkipSpaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Take(std::string_view token) {
    SkipSpaces();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void Expect(std::string_view token) {
    if (!Take(token)) Fail(internal::Concat("expected '", token, "'"));
  }
  bool AtEnd() {
    SkipSpaces();
    return at_ == text_.size();
  }
  std::string Word() {
    SkipSpaces();
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    if (begin == at_) Fail("expected a name");
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string Quoted() {
    SkipSpaces();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"') Fail("expected a quoted string");
    const size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) Fail("unterminated string");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return value;
  }
  double Number() {
    SkipSpaces();
    const std::string rest(text_.substr(at_));
    char* end = nullptr;
    const double value = std::strtod(rest.c_str(), &end);
    if (end == rest.c_str()) Fail("expected a number");
    at_ += static_cast<size_t>(end - rest.c_str());
    return value;
  }
  int64_t Integer() {
    SkipSpaces();
    const std::string rest(text_.substr(at_));
    char* end = nullptr;
    const int64_t value = std::strtoll(rest.c_str(), &end, 10);
    if (end == rest.c_str()) Fail("expected an integer");
    at_ += static_cast<size_t>(end - rest.c_str());
    return value;
  }
  bool Bool() {
    if (Take("true")) return true;
    Expect("false");
    return false;
  }
  PartialShape ShapeLiteral() {
    Expect("{");
    if (Take("}")) return Shape();
    if (Take("unknown_rank")) {
      Expect(":");
      Expect("true");
      Expect("}");
      return {};
    }
    std::vector<int64_t> dims;
    while (Take("dim")) {
      Expect("{");
      Expect("size");
      Expect(":");
      dims.push_back(Integer());
      Expect("}");
    }
    Expect("}");
    return PartialShape(dims);
  }
  template <class T, class ReadOne>
  std::vector<T> List(ReadOne read_one) {
    Expect("[");
    std::vector<T> values;
    while (!Take("]")) {
      values.push_back(read_one());
      Take(",");
    }
    return values;
  }
  [[noreturn]] void Fail(const std::string& what) {
    throw InvalidArgument("the declaration of op ", op_.name, ": ", what, " at character ", at_, " of \"", text_, "\"");
  }

 private:
  const OpDef& op_;
  std::string_view text_;
  size_t at_ = 0;
};

AttrValue ReadDefault(SpecReader& reader, const std::string& type) {
  auto dtype = [&] { return ParseDType(reader.Word()); };
  if (type == "int") return reader.Integer();
  if (type == "float") return static_cast<float>(reader.Number());
  if (type == "bool") return reader.Bool();
  if (type == "string") return reader.Quoted();
  if (type == "type") return dtype();
  if (type == "shape") return reader.ShapeLiteral();
  if (type == "list(int)") return reader.List<int64_t>([&] { return reader.Integer(); });
  if (type == "list(float)") return reader.List<float>([&] { return static_cast<float>(reader.Number()); });
  if (type == "list(bool)") return reader.List<bool>([&] { return reader.Bool(); });
  if (type == "list(string)") return reader.List<std::string>([&] { return reader.Quoted(); });
  if (type == "list(type)") return reader.List<DType>(dtype);
  if (type == "list(shape)") return reader.List<PartialShape>([&] { return reader.ShapeLiteral(); });
  reader.Fail("attributes of type " + type + " have no default");
}

// "{float, double}" or "{'SAME', 'VALID'}", behind the opening brace. Returns the attribute's type.
std::string ReadAllowed(SpecReader& reader, OpAttr* attr) {
  std::string type = "type";
  while (!reader.Take("}")) {
    reader.SkipSpaces();
    if (reader.Take("'")) {
      type = "string";
      attr->allowed_strings.push_back(reader.Word());
      reader.Expect("'");
    } else {
      attr->allowed_types.push_back(ParseDType(reader.Word()));
    }
    reader.Take(",");
  }
  return type;
}

std::string ReadType(SpecReader& reader, OpAttr* attr) {
  if (reader.Take("{")) return ReadAllowed(reader, attr);
  if (reader.Take("list")) {
    reader.Expect("(");
    const std::string element = ReadType(reader, attr);
    reader.Expect(")");
    return "list(" + element + ")";
  }
  return reader.Word();
}

const OpAttr* RequireAttr(const OpDef& op, const OpArg& arg, const std::string& name) {
  if (const OpAttr* attr = op.FindAttr(name)) return attr;
  throw InvalidArgument("the declaration of op ", op.name, ": argument ", arg.name, " names the type or attribute '",
                        name, "', which is neither");
}

// Now that all attributes are known: an argument's type is one of them, or a fixed dtype.
void ResolveType(const OpDef& op, OpArg* arg) {
  const std::string name = arg->type_attr;
  if (name.empty()) return;  // of a signature that was copied
  if (const OpAttr* attr = op.FindAttr(name)) {
    if (attr->type == "list(type)") {
      arg->type_attr.clear();
      arg->type_list_attr = name;
    }
  } else {
    arg->type_attr.clear();
    try {
      arg->dtype = ParseDType(name);
    } catch (const Error&) {
      RequireAttr(op, *arg, name);
    }
  }
  if (!arg->number_attr.empty()) RequireAttr(op, *arg, arg->number_attr);
}

}  // namespace

namespace internal {

void AddArgument(OpDef* op, std::string_view spec, bool is_input) {
  SpecReader reader(*op, spec);
  OpArg arg;
  arg.name = reader.Word();
  reader.Expect(":");
  if (reader.Take("Ref(")) {
    arg.is_ref = true;
    arg.type_attr = reader.Word();
    reader.Expect(")");
  } else {
    arg.type_attr = reader.Word();
    if (reader.Take("*")) {
      arg.number_attr = arg.type_attr;
      arg.is_ref = reader.Take("Ref(");
      arg.type_attr = reader.Word();
      if (arg.is_ref) reader.Expect(")");
    }
  }
  if (!reader.AtEnd()) reader.Fail("unexpected text");
  (is_input ? op->inputs : op->outputs).push_back(std::move(arg));
}

std::string FolderOf(std::string_view file) {
  const size_t end = file.rfind('/');
  if (end == std::string_view::npos) return {};
  const size_t begin = file.rfind('/', end - 1);
  return std::string(file.substr(begin == std::string_view::npos ? 0 : begin + 1, end - begin - 1));
}

void CopySignature(OpDef* op, std::string_view from) {
  const OpDef& other = OpRegistry::Global().Find(from);
  op->inputs = other.inputs;
  op->outputs = other.outputs;
  op->attrs = other.attrs;
  op->shape = other.shape;
}

void AddAttr(OpDef* op, std::string_view spec) {
  SpecReader reader(*op, spec);
  OpAttr attr;
  attr.name = reader.Word();
  reader.Expect(":");
  attr.type = ReadType(reader, &attr);
  if (reader.Take(">=")) attr.minimum = reader.Integer();
  if (reader.Take("=")) attr.default_value = ReadDefault(reader, attr.type);
  if (!reader.AtEnd()) reader.Fail("unexpected text");
  op->attrs.push_back(std::move(attr));
}

void FinishAndRegister(OpDef op) {
  for (OpArg& arg : op.inputs) ResolveType(op, &arg);
  for (OpArg& arg : op.outputs) ResolveType(op, &arg);
  if (op.lanes) {
    if (!op.kernel) {
      op.kernel = [lanes = op.lanes](const Node& node) { return ElementwiseKernel(node, lanes); };
    }
    if (!op.shape) op.shape = op.lanes.arity == 1 ? SameAsInput(0) : BroadcastOfInputs();
    if (!op.traits.lift && !op.traits.same_shapes) op.traits.lift = LiftElementwise;
    op.reuses_input = true;
  }
  if (!op.shape) op.shape = UnknownShape();
  OpRegistry::Global().Register(std::move(op));
}

}  // namespace internal
}  // namespace headrace
