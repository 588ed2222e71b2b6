// The registry against TensorFlow's own signatures, and the generated builders against the registry.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "headrace/op.h"

namespace headrace {
namespace {

using Json = nlohmann::json;

Json ReadJson(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return Json::parse(file);
}

std::string Describe(const OpArg& arg) {
  std::string type = !arg.type_attr.empty()        ? arg.type_attr
                     : !arg.type_list_attr.empty() ? arg.type_list_attr
                                                   : Name(arg.dtype);
  if (arg.is_ref) type = "Ref(" + type + ")";
  return arg.name + ": " + (arg.number_attr.empty() ? "" : arg.number_attr + " * ") + type;
}
std::vector<std::string> Describe(const std::vector<OpArg>& args) {
  std::vector<std::string> described;
  for (const OpArg& arg : args) described.push_back(Describe(arg));
  return described;
}

Json DescribeDefault(const OpAttr& attr) {
  if (!attr.default_value) return nullptr;
  struct Visitor {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(DType dtype) const { return Name(dtype); }
    Json operator()(const PartialShape& shape) const {
      if (!shape.has_rank()) return "unknown";
      return std::vector<int64_t>(shape.dims().begin(), shape.dims().end());
    }
    Json operator()(const std::vector<DType>& dtypes) const {
      Json names = Json::array();
      for (DType dtype : dtypes) names.push_back(Name(dtype));
      return names;
    }
    Json operator()(float value) const { return value; }
    Json operator()(bool value) const { return value; }
    Json operator()(int64_t value) const { return value; }
    Json operator()(const std::string& value) const { return value; }
    Json operator()(const std::vector<int64_t>& value) const { return value; }
    Json operator()(const std::vector<float>& value) const { return value; }
    Json operator()(const std::vector<std::string>& value) const { return value; }
    Json operator()(const std::vector<bool>& value) const { return value; }
    Json operator()(const Tensor&) const { return "tensor"; }
    Json operator()(const FunctionRef& f) const { return f.name; }
    Json operator()(const std::vector<PartialShape>& shapes) const { return Json::array_t(shapes.size()); }
    Json operator()(const std::vector<Tensor>&) const { return "tensors"; }
    Json operator()(const std::vector<FunctionRef>&) const { return "functions"; }
  };
  return std::visit(Visitor(), attr.default_value->variant());
}

void ExpectAttr(const OpDef& op, const Json& wanted) {
  const std::string name = wanted.at("name");
  SCOPED_TRACE("attribute " + name);
  const OpAttr* attr = op.FindAttr(name);
  ASSERT_NE(attr, nullptr);
  EXPECT_EQ(attr->type, wanted.at("type").get<std::string>());
  const Json ours = DescribeDefault(*attr);
  if (ours.is_number_float() && wanted.at("default").is_number()) {
    EXPECT_FLOAT_EQ(ours.get<float>(), wanted.at("default").get<float>());
  } else {
    EXPECT_EQ(ours, wanted.at("default"));
  }
  const auto allowed = wanted.at("allowed_types").get<std::set<std::string>>();
  for (DType dtype : attr->allowed_types) {
    EXPECT_TRUE(allowed.empty() || allowed.contains(Name(dtype))) << Name(dtype) << " is not allowed in TensorFlow";
  }
}

TEST(Signatures, AreTensorFlows) {
  std::map<std::string, Json> known;
  for (const Json& op : ReadJson(std::string(HEADRACE_TESTS_DIR) + "/ops/signatures.json")) {
    known.emplace(op.at("op").get<std::string>(), op);
  }
  for (const OpDef* op : OpRegistry::Global().All()) {
    SCOPED_TRACE("op " + op->name);
    if (op->name.starts_with("_")) continue;  // internal to plans
    const auto found = known.find(op->name);
    if (found == known.end()) {
      ADD_FAILURE() << "not in tests/ops/signatures.json; run tools/make_op_cases.py";
      continue;
    }
    const Json& wanted = found->second;
    if (wanted.contains("own")) continue;
    EXPECT_EQ(Describe(op->inputs), wanted.at("inputs").get<std::vector<std::string>>());
    EXPECT_EQ(Describe(op->outputs), wanted.at("outputs").get<std::vector<std::string>>());
    EXPECT_EQ(op->attrs.size(), wanted.at("attrs").size());
    for (const Json& attr : wanted.at("attrs")) ExpectAttr(*op, attr);
  }
}

TEST(Builders, AreThoseOfTheRegistry) {
  std::map<std::string, Json> generated;
  for (const Json& op : ReadJson(std::string(HEADRACE_BUILD_DIR) + "/generated/ops_catalogue.json")) {
    generated.emplace(op.at("op").get<std::string>(), op);
  }
  for (const OpDef* op : OpRegistry::Global().All()) {
    SCOPED_TRACE("op " + op->name);
    if (op->name.starts_with("_")) continue;
    const auto found = generated.find(op->name);
    if (found == generated.end()) {
      ADD_FAILURE() << "the generator overlooked it";
      continue;
    }
    std::vector<std::string> inputs, outputs, attrs;
    for (const OpArg& arg : op->inputs) inputs.push_back(arg.name);
    for (const OpArg& arg : op->outputs) outputs.push_back(arg.name);
    for (const OpAttr& attr : op->attrs) attrs.push_back(attr.name + ": " + attr.type);
    EXPECT_EQ(inputs, found->second.at("inputs").get<std::vector<std::string>>());
    EXPECT_EQ(outputs, found->second.at("outputs").get<std::vector<std::string>>());
    EXPECT_EQ(attrs, found->second.at("attrs").get<std::vector<std::string>>());
    generated.erase(found);
  }
  std::erase_if(generated, [](const auto& op) { return op.first.starts_with("_"); });
  for (const auto& [name, op] : generated) ADD_FAILURE() << "a builder without an op: " << name;
}

}  // namespace
}  // namespace headrace
