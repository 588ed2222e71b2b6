// FuseMatMul: lets an elementwise program (bias, activation, the activation's gradient) run on each block of rows of a
// matrix product while the block is in the cache. The product must have no other user.
#include <algorithm>

#include "kernels/fused_program.h"
#include "runtime/plan_graph.h"

namespace headrace {
namespace {

// The program's input that is the product of a MatMul which only this node uses; -1 if there is none.
int ProductInput(const Node& node, const std::unordered_map<const Node*, Uses>& uses) {
  for (int i = 0; i < static_cast<int>(node.inputs().size()); ++i) {
    const Node* producer = node.input(i).node;
    if (producer->type() != "MatMul") continue;
    if (producer->output_dtype(0) != DType::kFloat && producer->output_dtype(0) != DType::kDouble) continue;
    const Uses& all = uses.at(producer);
    if (all.inputs.size() != 1 || all.fetched || all.target || !all.controls.empty()) continue;
    if (!producer->control_inputs().empty()) continue;
    const bool same_shape =
        producer->output_shape(0).IsCompatibleWith(node.output_shape(0)) && node.output_shape(0).rank() == 2;
    if (same_shape) return i;
  }
  return -1;
}

// The program with its input `product` first.
std::shared_ptr<FusedProgram> WithProductFirst(const FusedProgram& program, int product) {
  auto moved = std::make_shared<FusedProgram>(program);
  std::rotate(moved->input_dtypes.begin(), moved->input_dtypes.begin() + product,
              moved->input_dtypes.begin() + product + 1);
  for (auto& instruction : moved->instructions) {
    for (int& operand : instruction.operands) {
      if (operand < product) {
        ++operand;
      } else if (operand == product) {
        operand = 0;
      }
    }
  }
  moved->Finish();
  return moved;
}

// A single elementwise node as a program, for those that no other joined.
std::shared_ptr<FusedProgram> ProgramOfNode(const Node& node) {
  if (node.type() == "_FusedElementwise") {
    return std::make_shared<FusedProgram>(static_cast<const FusedProgram&>(*node.attr<Tensor>("program").object()));
  }
  const auto& lanes = node.op().lanes;
  if (!lanes || !node.op().effects.pure() || static_cast<size_t>(lanes.arity) != node.inputs().size() ||
      !lanes.Find(node.input(0).dtype())) {
    return nullptr;
  }
  auto program = std::make_shared<FusedProgram>();
  FusedProgram::Instruction instruction{.function = lanes.Find(node.input(0).dtype()),
                                        .dtype = node.output_dtype(0),
                                        .output = 0,
                                        .where = OriginOf(node)};
  for (const Output& input : node.inputs()) {
    if (input.dtype() != node.input(0).dtype()) return nullptr;
    program->input_dtypes.push_back(input.dtype());
    instruction.operands.push_back(program->num_inputs++);
  }
  program->num_outputs = 1;
  program->instructions.push_back(std::move(instruction));
  program->Finish();
  return program;
}

void TryFuse(PlanGraph* plan, Node* node, const std::unordered_map<const Node*, Uses>& uses) {
  if (!node->control_inputs().empty() || !uses.at(node).controls.empty() || uses.at(node).target) return;
  const auto program = ProgramOfNode(*node);
  if (!program) return;
  const int product = ProductInput(*node, uses);
  if (product < 0) return;
  const Node* matmul = node->input(product).node;
  std::vector<Output> inputs = {matmul->input(0), matmul->input(1)};
  for (int i = 0; i < static_cast<int>(node->inputs().size()); ++i) {
    if (i != product) inputs.push_back(node->input(i));
  }
  std::vector<DType> input_dtypes, output_dtypes;
  for (const Output& input : inputs) input_dtypes.push_back(input.dtype());
  for (const Output& output : node->outputs()) output_dtypes.push_back(output.dtype());
  const auto fused_program = WithProductFirst(*program, product);
  plan->notes.push_back("fused " + OriginOf(*matmul) + " with: " + fused_program->DebugString());
  const Tensor holder = Tensor::Variant(fused_program);
  Node* fused = plan->AddNode({.name = node->name() + "/_matmul",
                               .op = "_FusedMatMul",
                               .inputs = inputs,
                               .attrs = {{"Tin", input_dtypes},
                                         {"Tout", output_dtypes},
                                         {"program", holder},
                                         {"origin", OriginOf(*matmul)},
                                         {"transpose_a", matmul->attr("transpose_a")},
                                         {"transpose_b", matmul->attr("transpose_b")}}});
  for (int i = 0; i < node->num_outputs(); ++i) {
    fused->set_output_shape(i, node->output_shape(i));
    plan->Replace(node->output(i), fused->output(i));
  }
}

}  // namespace

PlanGraph FuseMatMul(PlanGraph plan, const PlanOptions& options) {
  std::vector<Node*> nodes;
  for (const auto& node : plan.graph.nodes()) nodes.push_back(node.get());
  const auto uses = CollectUses(plan);
  for (Node* node : nodes) TryFuse(&plan, node, uses);
  return Prune(std::move(plan), options);
}

}  // namespace headrace
