// Runs the case files, which hold what TensorFlow 2.15 made of each op: lazily with and without optimisation, eagerly,
// and through the gradient. Floating results may differ by the tolerances below, integers, strings and bools not at
// all.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "headrace/gradients.h"
#include "headrace/op.h"
#include "headrace/session.h"

namespace headrace {
namespace {

using Json = nlohmann::json;

// |got - wanted| <= absolute + relative * |wanted|. The random normal numbers are the loosest: our sines are not
// libm's.
struct Tolerance {
  double absolute, relative;
};
Tolerance ToleranceOf(const OpDef& op, DType dtype) {
  if (op.name == "RandomUniform") return {0, 0};
  switch (dtype) {
    case DType::kFloat:
      return {2e-6, 1e-5};
    case DType::kDouble:
      return {1e-12, 1e-9};
    case DType::kHalf:
      return {2e-3, 4e-3};
    case DType::kBFloat16:
      return {1e-2, 2e-2};
    default:
      return {0, 0};
  }
}

double ReadNumber(const Json& value) {
  return value.is_string() ? std::strtod(value.get<std::string>().c_str(), nullptr) : value.get<double>();
}

Tensor ReadTensor(const Json& json) {
  const Shape shape(json.at("shape").get<std::vector<int64_t>>());
  const DType dtype = ParseDType(json.at("dtype").get<std::string>());
  const Json& values = json.at("values");
  Tensor tensor(dtype, shape);
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    const Json& value = values.at(static_cast<size_t>(i));
    if (dtype == DType::kString) {
      tensor.data<std::string>()[i] = value.get<std::string>();
    } else if (dtype == DType::kHalf) {
      tensor.data<Half>()[i] = Half(static_cast<float>(ReadNumber(value)));
    } else if (dtype == DType::kBFloat16) {
      tensor.data<BFloat16>()[i] = BFloat16(static_cast<float>(ReadNumber(value)));
    } else {
      VisitNumeric(dtype, "a case file", [&](auto zero) {
        using T = decltype(zero);
        if constexpr (std::is_floating_point_v<T>) {
          tensor.data<T>()[i] = static_cast<T>(ReadNumber(value));
        } else {
          tensor.data<T>()[i] = value.get<T>();
        }
      });
    }
  }
  return tensor;
}

template <class T, class Read>
std::vector<T> ReadList(const Json& json, Read read) {
  std::vector<T> list;
  for (const Json& item : json) list.push_back(read(item));
  return list;
}

AttrValue ReadAttr(const OpDef& op, const std::string& name, const Json& json) {
  const OpAttr* attr = op.FindAttr(name);
  if (!attr) throw InvalidArgument("op ", op.name, " has no attribute '", name, "'");
  const auto dtype = [](const Json& item) { return ParseDType(item.get<std::string>()); };
  const std::string& type = attr->type;
  if (type == "int") return json.get<int64_t>();
  if (type == "float") return json.get<float>();
  if (type == "bool") return json.get<bool>();
  if (type == "string") return json.get<std::string>();
  if (type == "type") return dtype(json);
  if (type == "shape") return PartialShape(json.get<std::vector<int64_t>>());
  if (type == "list(int)") return json.get<std::vector<int64_t>>();
  if (type == "list(float)") return json.get<std::vector<float>>();
  if (type == "list(string)") return json.get<std::vector<std::string>>();
  if (type == "list(type)") return ReadList<DType>(json, dtype);
  throw Unimplemented("case files have no attributes of type ", type);
}

bool Close(double got, double wanted, const Tolerance& tolerance) {
  if (std::isnan(wanted)) return std::isnan(got);
  if (std::isinf(wanted)) return got == wanted;
  return std::abs(got - wanted) <= tolerance.absolute + tolerance.relative * std::abs(wanted);
}

// Empty if they agree, else what differs.
std::string Difference(const OpDef& op, const Tensor& got, const Tensor& wanted) {
  if (got.dtype() != wanted.dtype()) return internal::Concat("dtype ", got.dtype(), ", not ", wanted.dtype());
  if (!(got.shape() == wanted.shape())) return internal::Concat("shape ", got.shape(), ", not ", wanted.shape());
  const Tolerance tolerance = ToleranceOf(op, wanted.dtype());
  for (int64_t i = 0; i < wanted.num_elements(); ++i) {
    bool same = false;
    if (wanted.dtype() == DType::kString) {
      same = got.string(i) == wanted.string(i);
    } else if (IsInteger(wanted.dtype())) {
      same = got.AsInt64(i) == wanted.AsInt64(i);
    } else {
      same = Close(got.AsDouble(i), wanted.AsDouble(i), tolerance);
    }
    if (!same) return internal::Concat("element ", i, " of ", got, ", not ", wanted);
  }
  return "";
}

struct OpCase {
  Json json;
  const OpDef* op = nullptr;
  std::vector<std::vector<Tensor>> arguments;  // of a variable, its initial value
  AttrMap attrs;

  explicit OpCase(const Json& json) : json(json), op(&OpRegistry::Global().Find(json.at("op").get<std::string>())) {
    for (const Json& input : json.at("inputs")) {
      arguments.push_back(input.is_array() ? ReadList<Tensor>(input, ReadTensor)
                                           : std::vector<Tensor>{ReadTensor(input.value("variable", input))});
    }
    if (!json.contains("attrs")) return;
    for (const auto& [name, value] : json.at("attrs").items()) attrs.emplace(name, ReadAttr(*op, name, value));
  }
};

// A graph with the op applied once.
struct BuiltCase {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  std::vector<OpArgument> arguments;
  Feeds feeds;
  Node* node = nullptr;
  std::vector<Output> variables;    // their values
  std::vector<Node*> initializers;  // assign the initial ones

  // Inputs are constants, or fed through placeholders of unknown shape.
  BuiltCase(const OpCase& op_case, bool constants) {
    GraphScope scope(*graph);
    for (size_t i = 0; i < op_case.arguments.size(); ++i) {
      const auto& tensors = op_case.arguments[i];
      auto& argument = arguments.emplace_back();
      if (op_case.json.at("inputs").at(i).contains("variable")) {
        argument.push_back(AddVariable(tensors[0], op_case.op->inputs[i].is_ref));
        continue;
      }
      for (const Tensor& tensor : tensors) {
        argument.push_back(constants ? Constant(tensor) : ApplyOp("Placeholder", {}, {{"dtype", tensor.dtype()}}));
        if (!constants) feeds.emplace_back(argument.back(), tensor);
      }
    }
    node = graph->Apply(op_case.op->name, arguments, op_case.attrs);
  }

  Output AddVariable(const Tensor& value, bool is_ref) {
    const AttrMap attrs = {{"dtype", value.dtype()}, {"shape", value.shape()}};
    const Output handle = ApplyOp(is_ref ? "VariableV2" : "VarHandleOp", {}, attrs);
    initializers.push_back(graph->Apply(is_ref ? "Assign" : "AssignVariableOp", {{handle}, {Constant(value)}}));
    variables.push_back(is_ref ? ApplyOp("Identity", {{handle}})
                               : ApplyOp("ReadVariableOp", {{handle}}, {{"dtype", value.dtype()}}));
    return handle;
  }
};

void ExpectTensors(const OpDef& op, const std::vector<Tensor>& got, const Json& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const std::string difference = Difference(op, got[i], ReadTensor(wanted.at(i)));
    EXPECT_EQ(difference, "") << "in output " << i;
  }
}

template <class Run>
void ExpectOutcome(const OpCase& op_case, Run&& run) {
  const Json& json = op_case.json;
  if (json.contains("error")) {
    try {
      const std::vector<Tensor> got = run();
      FAIL() << "expected the error " << CodeName(static_cast<Code>(json.at("error").get<int>())) << ", got "
             << (got.empty() ? "nothing" : got[0].ToString());
    } catch (const Error& error) {
      EXPECT_EQ(CodeName(error.code()), std::string(CodeName(static_cast<Code>(json.at("error").get<int>()))))
          << error.what();
      EXPECT_GT(std::string(error.what()).size(), 10u) << "an error says what is wrong";
    }
    return;
  }
  try {
    ExpectTensors(*op_case.op, run(), json.at("outputs"));
    if (!json.contains("later_runs")) return;
    for (const Json& later : json.at("later_runs")) ExpectTensors(*op_case.op, run(), later);
  } catch (const Error& error) {
    FAIL() << error.what();
  }
}

// Runs an op that writes variables; after each run their values must be TensorFlow's.
void CheckVariables(const OpCase& op_case, bool optimize, bool constants) {
  try {
    BuiltCase built(op_case, constants);
    std::vector<Output> fetches;
    for (int i = 0; i < built.node->num_outputs(); ++i) {
      if (!built.node->output_is_ref(i)) fetches.push_back(built.node->output(i));
    }
    Session session(built.graph, {.plan = {.optimize = optimize}});
    session.Run({}, {}, built.initializers);
    for (const Json& wanted : op_case.json.at("after_runs")) {
      ExpectTensors(*op_case.op, session.Run(built.feeds, fetches, {built.node}), wanted.at("outputs"));
      ExpectTensors(*op_case.op, session.Run(built.variables), wanted.at("variables"));
    }
  } catch (const Error& error) {
    FAIL() << error.what();
  }
}

void CheckLazily(const OpCase& op_case, bool optimize, bool constants) {
  if (op_case.json.contains("after_runs")) return CheckVariables(op_case, optimize, constants);
  std::unique_ptr<BuiltCase> built;
  std::unique_ptr<Session> session;
  ExpectOutcome(op_case, [&] {
    if (!built) {
      built = std::make_unique<BuiltCase>(op_case, constants);
      session = std::make_unique<Session>(built->graph, SessionOptions{.plan = {.optimize = optimize}});
      session->Run({}, {}, built->initializers);
    }
    return session->Run(built->feeds, built->node->outputs(), {built->node});
  });
}

void CheckEagerly(const OpCase& op_case) {
  for (const Json& input : op_case.json.at("inputs")) {
    if (input.contains("variable")) return;  // only graphs have variables
  }
  ResourceManager resources;
  ExpectOutcome(op_case, [&] { return Execute(op_case.op->name, op_case.arguments, op_case.attrs, resources); });
}

// Sparse rows as a dense tensor.
Tensor Densified(const Tensor& values, const Tensor& indices, const Tensor& shape) {
  Tensor dense = Tensor::Zeros(values.dtype(), Shape(shape.AsInt64s()));
  const int64_t inner = dense.num_elements() / std::max<int64_t>(1, dense.dim(0));
  VisitNumeric(values.dtype(), "a sparse gradient", [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < indices.num_elements(); ++i) {
      T* row = dense.data<T>() + indices.AsInt64(i) * inner;
      for (int64_t j = 0; j < inner; ++j) row[j] = static_cast<T>(row[j] + values.data<T>()[i * inner + j]);
    }
  });
  return dense;
}

void CheckGradients(const OpCase& op_case, bool constants) {
  if (!op_case.json.contains("gradients")) return;
  try {
    BuiltCase built(op_case, constants);
    GraphScope scope(*built.graph);
    std::vector<Output> ys, xs;
    GradientOptions options;
    for (const Output& y : built.node->outputs()) {
      if (!IsFloating(y.dtype())) continue;
      options.grad_ys.push_back(Constant(ReadTensor(op_case.json.at("grad_ys").at(ys.size()))));
      ys.push_back(y);
    }
    for (const auto& argument : built.arguments) xs.insert(xs.end(), argument.begin(), argument.end());
    const std::vector<Gradient> gradients = Gradients(ys, xs, options);
    Session session(built.graph);
    for (size_t i = 0; i < xs.size(); ++i) {
      const Json& wanted = op_case.json.at("gradients").at(i);
      if (wanted.is_null()) continue;  // TensorFlow has none where we may have one
      ASSERT_TRUE(gradients[i]) << "no gradient for input " << i;
      const Gradient& g = gradients[i];
      Tensor got;
      if (g.sparse()) {
        const auto parts = session.Run(built.feeds, {g.values, g.indices, g.dense_shape});
        got = Densified(parts[0], parts[1], parts[2]);
      } else {
        got = session.Run(built.feeds, {g.values})[0];
      }
      const std::string difference = Difference(*op_case.op, got, ReadTensor(wanted));
      EXPECT_EQ(difference, "") << "in the gradient of input " << i;
    }
  } catch (const Error& error) {
    FAIL() << "in the gradient: " << error.what();
  }
}

std::filesystem::path CaseFolder() {
  return std::filesystem::path(HEADRACE_TESTS_DIR) / "ops" / "cases";
}
std::vector<std::string> CaseFamilies() {
  std::vector<std::string> families;
  for (const auto& entry : std::filesystem::directory_iterator(CaseFolder())) {
    if (entry.path().extension() == ".json") families.push_back(entry.path().stem());
  }
  std::sort(families.begin(), families.end());
  return families;
}
std::string TestName(const testing::TestParamInfo<std::string>& family) {
  return family.param;
}

class OpCases : public testing::TestWithParam<std::string> {
 protected:
  template <class Check>
  void ForEach(Check&& check) {
    std::ifstream file(CaseFolder() / (GetParam() + ".json"));
    for (const Json& json : Json::parse(file)) {
      SCOPED_TRACE(json.at("op").get<std::string>() + " " + json.value("name", ""));
      const OpCase op_case(json);
      check(op_case);
    }
  }
};

TEST_P(OpCases, LazilyWithoutOptimisation) {
  ForEach([](const OpCase& op_case) { CheckLazily(op_case, false, false); });
}
TEST_P(OpCases, LazilyOptimised) {
  ForEach([](const OpCase& op_case) { CheckLazily(op_case, true, false); });
}
TEST_P(OpCases, LazilyOnConstants) {
  ForEach([](const OpCase& op_case) { CheckLazily(op_case, true, true); });
}
TEST_P(OpCases, Eagerly) {
  ForEach([](const OpCase& op_case) { CheckEagerly(op_case); });
}
TEST_P(OpCases, GradientsWithUnknownShapes) {
  ForEach([](const OpCase& op_case) { CheckGradients(op_case, false); });
}
TEST_P(OpCases, GradientsWithKnownShapes) {
  ForEach([](const OpCase& op_case) { CheckGradients(op_case, true); });
}
INSTANTIATE_TEST_SUITE_P(Families, OpCases, testing::ValuesIn(CaseFamilies()), TestName);

}  // namespace
}  // namespace headrace
