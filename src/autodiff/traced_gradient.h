// The gradient of a function, as a function.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "headrace/op.h"

namespace headrace {

// Where a gradient lies among the results of a function.
struct GradientAt {
  int values = -1, indices = -1, dense_shape = -1;
  bool sparse = false;
  Gradient Of(Node* call) const;
};

struct TracedGradient {
  std::shared_ptr<const Function> function;  // takes the results' gradients, then the captures
  std::vector<Output> captures;              // in the body of the function that was differentiated
  std::map<int, GradientAt> gradients;       // by argument
};

struct TraceOptions {
  bool dense = false;  // no sparse gradients; zeros where an argument gets none
  const std::map<int, DType>* zeros_of_handles = nullptr;
};

// Differentiates these results by these arguments; `specs` say of what dtype and shape their gradients will be.
TracedGradient TraceGradient(const std::shared_ptr<const Function>& function, const std::vector<int>& results,
                             const std::set<int>& arguments, const TraceOptions& options,
                             const std::vector<std::pair<DType, PartialShape>>& specs);

// The function of this name that a node calls. Errors: NotFound.
std::shared_ptr<const Function> FunctionOf(const Node& node, const std::string& name);
// The arguments from which gradients of these results are computed.
std::set<int> ArgumentsReached(const Function& function, const std::vector<int>& results);
int ArgumentNumber(const Function& function, Output output);  // -1 if it is none
// The same function, that gives these as well, unless it does or takes them.
std::shared_ptr<const Function> WithResults(const Function& function, const std::vector<Output>& more,
                                            const std::string& suffix);
// The same function with arguments as many as `like`: its first `shared` stay, the rest are at `from`.
std::shared_ptr<const Function> WithArguments(const Function& function, size_t shared, size_t from,
                                              const std::vector<Output>& like);
// A value that nobody looks at, made in the function's body.
Output StandInFor(const Function& function, DType dtype);
// Adds the dtype of the variable if the argument is a handle that the function reads.
void NoteHandle(const Function& function, int argument, std::map<int, DType>* handles);
std::string FreshName(const Graph& graph, const std::string& name);
// Adds a function, and those that it calls.
void AddToLibrary(Graph& graph, const std::shared_ptr<const Function>& function);

}  // namespace headrace
