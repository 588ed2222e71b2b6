// Ordering works on the plan's edges and on those it adds between readers and writers of a variable. Of the nodes that
// are ready, the ones that blocking nodes wait for go first, then writes of variables, then the order of creation,
// which keeps a value's users near it.
#include "runtime/schedule.h"

#include <algorithm>
#include <queue>

namespace headrace {
namespace {

class Ordering {
 public:
  Ordering(const PlanGraph& plan, const VariableUse& variables) : plan_(plan), variables_(variables) {
    nodes_ = plan.graph.TopologicalOrder();
    for (size_t i = 0; i < nodes_.size(); ++i) index_[nodes_[i]] = static_cast<int>(i);
    successors_.resize(nodes_.size());
    visited_.resize(nodes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      for (const Output& input : nodes_[i]->inputs()) AddEdge(index_.at(input.node), static_cast<int>(i));
      for (const Node* control : nodes_[i]->control_inputs()) AddEdge(index_.at(control), static_cast<int>(i));
    }
  }

  Schedule Make() {
    OrderVariables();
    Schedule schedule{.order = {}, .snapshots = std::move(snapshots_)};
    Rank();
    std::vector<int> waiting(nodes_.size());
    for (const auto& successors : successors_) {
      for (const int s : successors) ++waiting[s];
    }
    using Entry = std::tuple<int, double, int>;  // class, rank, node
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    const auto push = [&](int i) { ready.emplace(class_[i], rank_[i], i); };
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (waiting[i] == 0) push(static_cast<int>(i));
    }
    while (!ready.empty()) {
      const int i = std::get<2>(ready.top());
      ready.pop();
      schedule.order.push_back(nodes_[i]);
      for (const int s : successors_[i]) {
        if (--waiting[s] == 0) push(s);
      }
    }
    return schedule;
  }

 private:
  void AddEdge(int from, int to) { successors_[from].push_back(to); }

  bool Reaches(int from, int to) {
    if (from == to) return true;
    ++stamp_;
    std::vector<int> pending = {from};
    visited_[from] = stamp_;
    while (!pending.empty()) {
      const int i = pending.back();
      pending.pop_back();
      for (const int s : successors_[i]) {
        if (s == to) return true;
        if (visited_[s] == stamp_) continue;
        visited_[s] = stamp_;
        pending.push_back(s);
      }
    }
    return false;
  }

  struct Touching {
    std::vector<int> readers, writers;
  };

  void OrderVariables() {
    std::vector<Touching> touching;  // in the order of first use, so that plans are the same from run to run
    std::map<const VariableState*, size_t> found;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Effects& effects = nodes_[i]->op().effects;
      const auto note = [&](const std::vector<int>& arguments, std::vector<int> Touching::*list) {
        for (const int argument : arguments) {
          const auto [begin, end] = nodes_[i]->InputRange(nodes_[i]->op().inputs[argument].name);
          for (int input = begin; input < end; ++input) {
            const auto state = variables_.Find(nodes_[i]->input(input));
            if (!state) continue;
            const auto [at, fresh] = found.emplace(state.get(), touching.size());
            if (fresh) touching.emplace_back();
            (touching[at->second].*list).push_back(static_cast<int>(i));
          }
        }
      };
      note(effects.reads, &Touching::readers);
      note(effects.writes, &Touching::writers);
    }
    for (const Touching& t : touching) {
      if (t.writers.empty()) continue;
      for (const int reader : t.readers) {
        for (const int writer : t.writers) OrderReader(reader, writer);
      }
      for (size_t i = 0; i + 1 < t.writers.size(); ++i) {
        const int a = t.writers[i], b = t.writers[i + 1];
        if (!Reaches(b, a)) AddEdge(a, b);
      }
    }
    // A value read before a write that is still needed after it, or in it, is kept apart from the variable.
  }

  void OrderReader(int reader, int writer) {
    if (reader == writer || Reaches(writer, reader)) return;
    AddEdge(reader, writer);
    const Node* node = nodes_[reader];
    if (!IsPlainRead(*node)) return;
    for (const Output& fetch : plan_.fetches) {
      if (fetch.node == node) snapshots_.insert(node);
    }
    const std::vector<int> users = successors_[reader];
    for (const int user : users) {
      if (user == writer) {
        const auto& inputs = nodes_[writer]->inputs();
        const auto uses_value = [&](const Output& input) { return input.node == node; };
        if (std::ranges::any_of(inputs, uses_value)) snapshots_.insert(node);
      } else if (Reaches(writer, user)) {
        snapshots_.insert(node);
      } else {
        AddEdge(user, writer);
      }
    }
  }

  // Nodes that a pass added rank behind the last of their inputs, others by their creation.
  void Rank() {
    rank_.resize(nodes_.size());
    class_.assign(nodes_.size(), 2);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Node* node = nodes_[i];
      const bool added = node->has_attr("origin");
      rank_[i] = added ? 0 : node->id();
      for (const Output& input : node->inputs()) {
        if (added) rank_[i] = std::max(rank_[i], rank_[index_.at(input.node)] + 0.001);
      }
      if (!node->op().effects.writes.empty()) class_[i] = 1;
    }
    for (size_t i = nodes_.size(); i-- > 0;) {
      const Node* node = nodes_[i];
      if (node->op().effects.blocking) class_[i] = 0;
      if (class_[i] != 0) continue;
      for (const Output& input : node->inputs()) class_[index_.at(input.node)] = 0;
      for (const Node* control : node->control_inputs()) class_[index_.at(control)] = 0;
    }
  }

  const PlanGraph& plan_;
  const VariableUse& variables_;
  std::vector<Node*> nodes_;
  std::unordered_map<const Node*, int> index_;
  std::vector<std::vector<int>> successors_;
  std::vector<int> visited_;
  int stamp_ = 0;
  std::set<const Node*> snapshots_;
  std::vector<double> rank_;
  std::vector<int> class_;
};

}  // namespace

bool IsPlainRead(const Node& node) {
  const Effects& effects = node.op().effects;
  const int forwarded = node.op().traits.forwards;
  return forwarded >= 0 && effects.reads == std::vector{forwarded} && effects.writes.empty() && !effects.stateful;
}

Schedule MakeSchedule(const PlanGraph& plan, const VariableUse& variables) {
  return Ordering(plan, variables).Make();
}

}  // namespace headrace
