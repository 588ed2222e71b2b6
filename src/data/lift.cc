// The rules of lifting, and running what was lifted.
#include "data/lift.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace headrace::data {
namespace {

// Whether leaving the node out can hide an error.
bool CanFail(const Node& node) {
  return !node.op().traits.never_fails && !(node.op().lanes && IsFloating(node.output_dtype(0)));
}

// A value of the lifted graph.
struct Value {
  Output output;
  bool has_rows = false;
  PartialShape shape;  // of one row, or of the value if it has none
};

class Lifter {
 public:
  Lifter(const BoundFunction& f, const std::vector<DType>& arg_dtypes, const std::vector<PartialShape>& arg_shapes)
      : f_(*f.function), arg_dtypes_(arg_dtypes), arg_shapes_(arg_shapes) {}

  std::unique_ptr<LiftedFunction> Run(const Needed& needed, bool lines) {
    auto lifted = std::make_unique<LiftedFunction>();
    lifted_ = lifted.get();
    function_ = std::make_shared<Function>();
    function_->name = f_.name + "_rows";
    function_->body = std::make_shared<Graph>();
    reachable_ = ReachableNodes(f_);
    const bool take_lines = lines && OnlyDecodesLines();
    if (take_lines) TakeDecoders();
    for (size_t i = 0; i < f_.args.size(); ++i) {
      const bool has_rows = i < arg_dtypes_.size();
      if (i == 0 && take_lines) continue;
      const DType dtype = f_.args[i]->output_dtype(0);
      const PartialShape shape = has_rows ? arg_shapes_[i] : f_.args[i]->output_shape(0);
      values_[f_.args[i]->output()] = AddArg(dtype, has_rows, shape);
    }
    for (const Node* node : f_.body->TopologicalOrder()) {
      if (!reachable_.contains(node) || (node->op().traits.placeholder && node->inputs().empty()) ||
          values_.contains({const_cast<Node*>(node), 0})) {
        continue;
      }
      if (!LiftNode(*node)) return nullptr;
    }
    for (size_t i = 0; i < f_.results.size(); ++i) {
      const Value& value = values_.at(f_.results[i]);
      lifted->result_has_rows.push_back(value.has_rows);
      if (i >= needed.size() || needed[i]) function_->results.push_back(value.output);
    }
    lifted->function = function_;
    return lifted;
  }

 private:
  struct OutputHash {
    size_t operator()(const Output& o) const { return std::hash<const Node*>()(o.node) * 31 + o.index; }
  };

  Value AddArg(DType dtype, bool has_rows, const PartialShape& shape) {
    const auto index = static_cast<int64_t>(function_->args.size());
    Node* arg = function_->body->AddNode(
        {.name = "lifted_arg_" + std::to_string(index), .op = "_Arg", .attrs = {{"T", dtype}, {"index", index}}});
    arg->set_output_shape(0, has_rows ? WithRows(shape) : shape);
    function_->args.push_back(arg);
    return {arg->output(), has_rows, shape};
  }

  static PartialShape WithRows(const PartialShape& shape) {
    if (!shape.has_rank()) return {};
    PartialShape rows{-1};
    for (const int64_t size : shape.dims()) rows.Append(size);
    return rows;
  }

  // Each use of the first argument is to be decoded as lines of text.
  bool OnlyDecodesLines() {
    if (arg_dtypes_.empty() || arg_dtypes_[0] != DType::kString || arg_shapes_[0].rank() != 0) return false;
    const Output line = f_.args[0]->output();
    for (const Node* node : reachable_) {
      for (size_t i = 0; i < node->inputs().size(); ++i) {
        if (!(node->input(static_cast<int>(i)) == line)) continue;
        auto decoder = i == 0 && node->op().traits.lines ? node->op().traits.lines(*node) : nullptr;
        if (!decoder) return false;
        decoders_.emplace(node, std::move(decoder));
      }
    }
    return !decoders_.empty() &&
           std::none_of(f_.results.begin(), f_.results.end(), [&](const Output& r) { return r == line; });
  }

  void TakeDecoders() {
    for (const Node* node : f_.body->TopologicalOrder()) {
      const auto decoder = decoders_.find(node);
      if (decoder == decoders_.end()) continue;
      lifted_->decoders.push_back(std::move(decoder->second));
      for (int i = 0; i < node->num_outputs(); ++i) {
        values_[{const_cast<Node*>(node), i}] = AddArg(node->output_dtype(i), true, Shape());
      }
    }
  }

  // A copy of the node in the lifted graph, with other inputs and attributes.
  Node* Add(const Node& node, std::vector<Output> inputs, AttrMap attrs) {
    return function_->body->AddNode(
        {.name = node.name(), .op = node.type(), .inputs = std::move(inputs), .attrs = std::move(attrs)});
  }
  Output AddConstant(const Tensor& value) {
    return function_->body
        ->AddNode({.name = "lifted_constant_" + std::to_string(constants_++),
                   .op = "Const",
                   .attrs = {{"dtype", value.dtype()}, {"value", value}}})
        ->output();
  }

  bool LiftNode(const Node& node) {
    std::vector<Value> inputs;
    bool any_rows = false;
    for (const Output& input : node.inputs()) {
      inputs.push_back(values_.at(input));
      any_rows = any_rows || inputs.back().has_rows;
    }
    AttrMap attrs = node.attrs();
    std::vector<Output> outputs;
    for (const Value& input : inputs) outputs.push_back(input.output);
    if (!any_rows) {
      Node* copy = Add(node, outputs, attrs);
      for (int i = 0; i < node.num_outputs(); ++i) {
        values_[{const_cast<Node*>(&node), i}] = {copy->output(i), false, node.output_shape(i)};
      }
      return true;
    }
    if (node.op().traits.forwards >= 0 && node.op().effects.pure()) {
      values_[{const_cast<Node*>(&node), 0}] = inputs[static_cast<size_t>(node.op().traits.forwards)];
      return true;
    }
    NodeLift lift(*this, node, inputs, &outputs, &attrs);
    if (!node.op().traits.lift || !node.op().traits.lift(lift)) return false;
    Node* copy = Add(node, outputs, attrs);
    for (int i = 0; i < node.num_outputs(); ++i) {
      const PartialShape& shape = node.output_shape(i);
      if (!shape.has_rank()) return false;
      values_[{const_cast<Node*>(&node), i}] = {copy->output(i), true, shape};
    }
    if (CanFail(node)) function_->control_results.push_back(copy);
    return true;
  }

  // What the ops' rules see and change.
  class NodeLift final : public RowLift {
   public:
    NodeLift(Lifter& lifter, const Node& node, const std::vector<Value>& inputs, std::vector<Output>* outputs,
             AttrMap* attrs)
        : lifter_(lifter), node_(node), inputs_(inputs), outputs_(*outputs), attrs_(*attrs) {}
    const Node& node() const override { return node_; }
    bool has_rows(int i) const override { return inputs_.at(i).has_rows; }
    const PartialShape& shape(int i) const override { return inputs_.at(i).shape; }
    void set_attr(const std::string& name, AttrValue value) override { attrs_[name] = std::move(value); }
    void set_input(int i, const Tensor& constant) override { outputs_.at(i) = lifter_.AddConstant(constant); }
    void PadRows(int i, int rank) override {
      const Value& value = inputs_.at(i);
      StaticValue sizes{.elements = std::vector<std::optional<int64_t>>(1 + rank - value.shape.rank(), 1)};
      sizes.elements[0] = -1;
      for (const int64_t size : value.shape.dims()) sizes.elements.emplace_back(size);
      outputs_.at(i) = lifter_.AddReshape(value.output, sizes);
    }

   private:
    Lifter& lifter_;
    const Node& node_;
    const std::vector<Value>& inputs_;
    std::vector<Output>& outputs_;
    AttrMap& attrs_;
  };

  Output AddReshape(Output value, const StaticValue& sizes) {
    return function_->body
        ->AddNode({.name = "lifted_reshape_" + std::to_string(constants_++),
                   .op = "Reshape",
                   .inputs = {value, AddConstant(sizes.ToTensor(DType::kInt64))},
                   .attrs = {{"T", value.dtype()}, {"Tshape", DType::kInt64}}})
        ->output();
  }

  const Function& f_;
  const std::vector<DType>& arg_dtypes_;
  const std::vector<PartialShape>& arg_shapes_;
  LiftedFunction* lifted_ = nullptr;
  std::shared_ptr<Function> function_;
  std::unordered_set<const Node*> reachable_;
  std::unordered_map<Output, Value, OutputHash> values_;
  std::unordered_map<const Node*, std::unique_ptr<const LineDecoder>> decoders_;
  int constants_ = 0;
};

// A value that is the same for all rows, as a column.
Tensor Repeated(const Tensor& value, int64_t rows) {
  Shape shape{rows};
  for (const int64_t size : value.shape().dims()) shape.Append(size);
  Tensor column(value.dtype(), shape);
  const int64_t n = value.num_elements();
  for (int64_t row = 0; row < rows; ++row) {
    if (value.dtype() == DType::kString) {
      std::copy_n(value.data<std::string>(), n, column.data<std::string>() + row * n);
    } else {
      std::memcpy(static_cast<char*>(column.raw()) + static_cast<size_t>(row) * value.bytes(), value.raw(),
                  value.bytes());
    }
  }
  return column;
}

}  // namespace

std::unique_ptr<LiftedFunction> Lift(const BoundFunction& f, const std::vector<DType>& arg_dtypes,
                                     const std::vector<PartialShape>& arg_shapes, const Needed& needed, bool lines) {
  if (!IsPure(*f.function, *f.library)) return nullptr;
  return Lifter(f, arg_dtypes, arg_shapes).Run(needed, lines);
}

BlockProgram::BlockProgram(const BoundFunction& f, std::unique_ptr<LiftedFunction> lifted, const Needed& needed,
                           ResourceManager& resources)
    : lifted_(std::move(lifted)),
      needed_(needed),
      captures_(f.captures),
      evaluator_(lifted_->function, f.library, resources) {
  const std::unordered_set<const Node*> used = ReachableNodes(*lifted_->function);
  size_t arg = 0;
  for (const auto& decoder : lifted_->decoders) {
    std::vector<bool>& columns = column_used_.emplace_back();
    for (int c = 0; c < decoder->num_columns(); ++c) {
      columns.push_back(used.contains(lifted_->function->args[arg++]));
    }
  }
}

std::vector<Tensor> BlockProgram::Run(const Block& block) {
  std::vector<Tensor> args;
  for (size_t d = 0; d < lifted_->decoders.size(); ++d) {
    const LineDecoder& decoder = *lifted_->decoders[d];
    std::vector<Tensor> columns(decoder.num_columns());
    for (int c = 0; c < decoder.num_columns(); ++c) {
      if (column_used_[d][c]) columns[c] = Tensor(decoder.dtype(c), Shape{block.rows});
    }
    decoder.Decode(block.lines->views, columns);
    args.insert(args.end(), columns.begin(), columns.end());
  }
  if (!takes_lines()) args = block.columns;
  args.insert(args.end(), captures_.begin(), captures_.end());
  std::vector<Tensor> values = evaluator_.Call(args);
  std::vector<Tensor> results(lifted_->result_has_rows.size());
  for (size_t i = 0, next = 0; i < results.size(); ++i) {
    if (i < needed_.size() && !needed_[i]) continue;
    Tensor& value = values[next++];
    results[i] = lifted_->result_has_rows[i] ? std::move(value) : Repeated(value, block.rows);
  }
  return results;
}

}  // namespace headrace::data
