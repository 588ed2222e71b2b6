// FuseEpilogues: lets an elementwise program (bias, activation, the activation's gradient) run on each stretch of what
// a kernel makes (rows of a matrix product) while that is in the cache. What is made must have no other user.
#include <algorithm>

#include "kernels/fused_program.h"
#include "runtime/plan_graph.h"

namespace headrace {
namespace {

// The program's input that a kernel makes which takes an epilogue, and which only this node uses; -1 if there is none.
int MadeInput(const Node& node, const std::unordered_map<const Node*, Uses>& uses) {
  for (int i = 0; i < static_cast<int>(node.inputs().size()); ++i) {
    const Node* producer = node.input(i).node;
    if (!producer->op().traits.takes_epilogue || node.input(i).index != 0 || producer->num_outputs() != 1) continue;
    const Uses& all = uses.at(producer);
    if (all.inputs.size() != 1 || all.fetched || all.target || !all.controls.empty()) continue;
    if (!producer->control_inputs().empty()) continue;
    const PartialShape &made = producer->output_shape(0), &shape = node.output_shape(0);
    if (made.has_rank() && made.rank() == shape.rank() && made.IsCompatibleWith(shape)) return i;
  }
  return -1;
}

// The program with its input `made` first.
std::shared_ptr<FusedProgram> WithMadeFirst(const FusedProgram& program, int made) {
  auto moved = std::make_shared<FusedProgram>(program);
  std::rotate(moved->input_dtypes.begin(), moved->input_dtypes.begin() + made, moved->input_dtypes.begin() + made + 1);
  for (auto& instruction : moved->instructions) {
    for (int& operand : instruction.operands) {
      if (operand < made) {
        ++operand;
      } else if (operand == made) {
        operand = 0;
      }
    }
  }
  moved->Finish();
  return moved;
}

// A node as a program: a fused one's own, or the one instruction of a node that no other joined.
std::shared_ptr<FusedProgram> ProgramOfNode(const Node& node) {
  if (node.has_attr("program") && !node.has_attr("host")) {
    return std::make_shared<FusedProgram>(static_cast<const FusedProgram&>(*node.attr<Tensor>("program").object()));
  }
  const auto* function = node.op().lanes.Find(node);
  if (!function || !node.op().effects.pure()) return nullptr;
  auto program = std::make_shared<FusedProgram>();
  FusedProgram::Instruction instruction{
      .function = function->tile, .dtype = node.output_dtype(0), .output = 0, .where = OriginOf(node)};
  for (const Output& input : node.inputs()) {
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
  const int made = MadeInput(*node, uses);
  if (made < 0) return;
  const auto program = ProgramOfNode(*node);
  if (!program) return;
  const Node* producer = node->input(made).node;
  auto host = std::make_shared<EpilogueHost>();
  host->kernel = producer->op().traits.takes_epilogue(*producer);
  host->num_inputs = static_cast<int>(producer->inputs().size());
  if (!host->kernel) return;
  std::vector<Output> inputs = producer->inputs();
  for (int i = 0; i < static_cast<int>(node->inputs().size()); ++i) {
    if (i != made) inputs.push_back(node->input(i));
  }
  std::vector<DType> input_dtypes, output_dtypes;
  for (const Output& input : inputs) input_dtypes.push_back(input.dtype());
  for (const Output& output : node->outputs()) output_dtypes.push_back(output.dtype());
  const auto fused_program = WithMadeFirst(*program, made);
  plan->notes.push_back("fused " + OriginOf(*producer) + " with: " + fused_program->DebugString());
  Node* fused = plan->AddNode({.name = node->name() + "/_epilogue",
                               .op = "_WithEpilogue",
                               .inputs = inputs,
                               .attrs = {{"Tin", input_dtypes},
                                         {"Tout", output_dtypes},
                                         {"program", Tensor::Variant(fused_program)},
                                         {"origin", OriginOf(*producer)},
                                         {"host", Tensor::Variant(host)}}});
  for (int i = 0; i < node->num_outputs(); ++i) {
    fused->set_output_shape(i, node->output_shape(i));
    plan->Replace(node->output(i), fused->output(i));
  }
}

}  // namespace

PlanGraph FuseEpilogues(PlanGraph plan, const PlanOptions& options) {
  std::vector<Node*> nodes;
  for (const auto& node : plan.graph.nodes()) nodes.push_back(node.get());
  const auto uses = CollectUses(plan);
  for (Node* node : nodes) TryFuse(&plan, node, uses);
  return Prune(std::move(plan), options);
}

}  // namespace headrace
