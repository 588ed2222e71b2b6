// FuseElementwise: joins neighbouring elementwise nodes into one that runs them a tile at a time. Groups grow along
// the edges from producer to consumer as long as the shapes may agree and no path leaves a group and comes back.
#include <algorithm>
#include <functional>
#include <unordered_set>

#include "kernels/fused_program.h"
#include "runtime/liveness.h"
#include "runtime/plan_graph.h"

namespace headrace {
namespace {

constexpr size_t kMostNodes = 48, kMostInputs = 32;

bool IsFusable(const Node& node, const Uses& uses) {
  if (!node.op().lanes || !node.op().effects.pure() || node.num_outputs() != 1) return false;
  if (!node.op().lanes.Find(node)) return false;
  return node.control_inputs().empty() && uses.controls.empty() && !uses.target;
}

// Whether two tensors may turn out to be of one shape. Sizes known on one side only are given the benefit of the
// doubt: the kernel has a way out.
bool MayHaveOneShape(const PartialShape& a, const PartialShape& b) {
  if (!a.has_rank() || !b.has_rank()) return a.has_rank() == b.has_rank();
  return a.rank() == b.rank() && a.IsCompatibleWith(b);
}

class Groups {
 public:
  explicit Groups(const PlanGraph& plan) : plan_(plan), uses_(CollectUses(plan)), liveness_(plan.graph) {
    const auto order = plan.graph.TopologicalOrder();
    for (size_t i = 0; i < order.size(); ++i) position_[order[i]] = i;
    for (Node* node : order) {
      if (!IsFusable(*node, uses_.at(node))) continue;
      Start(node);
      for (const Output& input : node->inputs()) TryJoin(input.node, node);
    }
  }

  // Groups of two nodes and more, each in topological order.
  std::vector<std::vector<Node*>> Found() const {
    std::vector<std::vector<Node*>> found;
    for (const auto& [leader, members] : members_) {
      if (members.size() > 1) found.push_back(members);
    }
    for (auto& members : found) std::ranges::sort(members, {}, [&](Node* n) { return position_.at(n); });
    std::ranges::sort(found, {}, [&](const auto& members) { return position_.at(members.back()); });
    return found;
  }
  const Uses& uses(const Node* node) const { return uses_.at(node); }

 private:
  void Start(Node* node) {
    leader_[node] = node;
    members_[node] = {node};
  }

  const Node* Leader(const Node* node) const {
    const auto found = leader_.find(node);
    return found == leader_.end() ? node : found->second;
  }

  void TryJoin(Node* producer, Node* consumer) {
    if (!leader_.contains(producer) || leader_[producer] == leader_[consumer]) return;
    Node *from = leader_[producer], *to = leader_[consumer];
    if (liveness_.Of(producer) != liveness_.Of(consumer)) return;
    if (!MayHaveOneShape(producer->output_shape(0), consumer->output_shape(0))) return;
    if (members_[from].size() + members_[to].size() > kMostNodes) return;
    if (CountInputs(from, to) > kMostInputs || LeavesAndReturns(from, to)) return;
    for (Node* member : members_[from]) {
      leader_[member] = to;
      members_[to].push_back(member);
    }
    members_.erase(from);
  }

  size_t CountInputs(Node* a, Node* b) const {
    std::unordered_set<const Node*> inputs;
    for (Node* leader : {a, b}) {
      for (const Node* member : members_.at(leader)) {
        for (const Output& input : member->inputs()) {
          if (Leader(input.node) != a && Leader(input.node) != b) inputs.insert(input.node);
        }
      }
    }
    return inputs.size();
  }

  // Whether some path from group `from` to group `to` goes through nodes outside of both. Groups that exist already
  // count as one node each, since that is what they will be.
  bool LeavesAndReturns(Node* from, Node* to) const {
    size_t last = 0;  // no node behind the last member of `to` leads into it... unless through its own group
    for (const Node* member : members_.at(to)) last = std::max(last, position_.at(member));
    std::unordered_set<const Node*> visited;
    std::vector<const Node*> pending;
    const auto visit_successors = [&](const Node* node, bool start) {
      bool returns = false;
      const auto visit = [&](const Node* next) {
        const Node* leader = Leader(next);
        if (leader == to) returns |= !start;
        if (leader == to || leader == from) return;
        if (visited.insert(leader).second) pending.push_back(leader);
      };
      const Uses& uses = uses_.at(node);
      for (const auto& [user, input] : uses.inputs) visit(user);
      for (const Node* user : uses.controls) visit(user);
      return returns;
    };
    for (const Node* member : members_.at(from)) visit_successors(member, true);
    while (!pending.empty()) {
      const Node* leader = pending.back();
      pending.pop_back();
      const auto group = members_.find(const_cast<Node*>(leader));
      if (group == members_.end()) {
        if (position_.at(leader) < last && visit_successors(leader, false)) return true;
        continue;
      }
      for (const Node* member : group->second) {
        if (visit_successors(member, false)) return true;
      }
    }
    return false;
  }

  const PlanGraph& plan_;
  std::unordered_map<const Node*, Uses> uses_;
  Liveness liveness_;
  std::unordered_map<const Node*, size_t> position_;
  std::unordered_map<const Node*, Node*> leader_;
  std::unordered_map<Node*, std::vector<Node*>> members_;
};

// Puts one fused node in the place of the members.
void Fuse(PlanGraph* plan, const std::vector<Node*>& members, const Groups& groups) {
  auto program = std::make_shared<FusedProgram>();
  std::vector<Output> inputs, outputs;
  std::vector<DType> output_dtypes;
  const auto member_index = [&](const Node* node) {
    const auto found = std::ranges::find(members, node);
    return found == members.end() ? -1 : static_cast<int>(found - members.begin());
  };
  for (const Node* member : members) {
    for (const Output& input : member->inputs()) {
      if (member_index(input.node) < 0 && std::ranges::find(inputs, input) == inputs.end()) inputs.push_back(input);
    }
  }
  program->num_inputs = static_cast<int>(inputs.size());
  for (const Output& input : inputs) program->input_dtypes.push_back(input.dtype());
  for (Node* member : members) {
    FusedProgram::Instruction instruction{.function = member->op().lanes.Find(*member)->tile,
                                          .dtype = member->output_dtype(0),
                                          .where = OriginOf(*member)};
    for (const Output& input : member->inputs()) {
      const int index = member_index(input.node);
      instruction.operands.push_back(index >= 0 ? program->num_inputs + index
                                                : static_cast<int>(std::ranges::find(inputs, input) - inputs.begin()));
    }
    const Uses& uses = groups.uses(member);
    const bool used_outside =
        uses.fetched || std::ranges::any_of(uses.inputs, [&](const auto& use) { return member_index(use.first) < 0; });
    if (used_outside) {
      instruction.output = program->num_outputs++;
      outputs.push_back(member->output());
      output_dtypes.push_back(member->output_dtype(0));
    }
    program->instructions.push_back(std::move(instruction));
  }
  program->Finish();
  std::vector<DType> input_dtypes = program->input_dtypes;
  plan->notes.push_back("fused elementwise: " + program->DebugString());
  const Tensor holder = Tensor::Variant(program);
  Node* fused = plan->AddNode({.name = members.back()->name() + "/_fused",
                               .op = "_FusedElementwise",
                               .inputs = inputs,
                               .attrs = {{"Tin", input_dtypes},
                                         {"Tout", output_dtypes},
                                         {"program", holder},
                                         {"origin", OriginOf(*members.back())}}});
  for (size_t i = 0; i < outputs.size(); ++i) {
    fused->set_output_shape(static_cast<int>(i), outputs[i].shape());
    plan->Replace(outputs[i], fused->output(static_cast<int>(i)));
  }
}

}  // namespace

PlanGraph FuseElementwise(PlanGraph plan, const PlanOptions& options) {
  const Groups groups(plan);
  for (const auto& members : groups.Found()) Fuse(&plan, members, groups);
  return Prune(std::move(plan), options);
}

}  // namespace headrace
