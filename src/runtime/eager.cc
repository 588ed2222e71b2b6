// Eager execution: one op at once. The node of each distinct application (op, attributes, dtypes of the arguments) is
// made once, in a small graph of its own, and its kernel is kept.
#include <algorithm>
#include <shared_mutex>

#include "runtime/functions.h"
#include "runtime/plan.h"

namespace headrace {
namespace {

struct Application {
  std::vector<std::vector<DType>> dtypes;
  AttrMap given;  // what the caller gave
  Graph graph;
  Node* node = nullptr;
  Kernel kernel;
};

bool Matches(const Application& application, const std::vector<std::vector<Tensor>>& arguments, const AttrMap& attrs) {
  const auto same_dtypes = [](const std::vector<DType>& dtypes, const std::vector<Tensor>& tensors) {
    return std::equal(dtypes.begin(), dtypes.end(), tensors.begin(), tensors.end(),
                      [](DType dtype, const Tensor& tensor) { return tensor.dtype() == dtype; });
  };
  return std::equal(application.dtypes.begin(), application.dtypes.end(), arguments.begin(), arguments.end(),
                    same_dtypes) &&
         application.given == attrs;
}

std::shared_ptr<Application> MakeApplication(std::string_view op, const std::vector<std::vector<Tensor>>& arguments,
                                             const AttrMap& attrs) {
  auto made = std::make_shared<Application>();
  made->given = attrs;
  std::vector<OpArgument> inputs;
  for (size_t a = 0; a < arguments.size(); ++a) {
    auto& dtypes = made->dtypes.emplace_back();
    auto& outputs = inputs.emplace_back();
    for (size_t i = 0; i < arguments[a].size(); ++i) {
      const DType dtype = arguments[a][i].dtype();
      dtypes.push_back(dtype);
      Node* feed = made->graph.AddNode({.name = "_arg_" + std::to_string(a) + "_" + std::to_string(i),
                                        .op = "_Feed",
                                        .attrs = {{"dtype", dtype}, {"origin", ""}}});
      outputs.push_back(feed->output());
    }
  }
  made->node = made->graph.Apply(op, inputs, attrs);
  if (!made->node->op().kernel) throw Unimplemented("op ", op, " can't run eagerly: it has no kernel");
  made->kernel = made->node->op().kernel(*made->node);
  return made;
}

class Applications {
 public:
  std::shared_ptr<const Application> Find(std::string_view op, const std::vector<std::vector<Tensor>>& arguments,
                                          const AttrMap& attrs) {
    const auto matches = [&](const auto& known) { return Matches(*known, arguments, attrs); };
    {
      std::shared_lock lock(mutex_);
      if (const auto known = by_op_.find(op); known != by_op_.end()) {
        const auto found = std::ranges::find_if(known->second, matches);
        if (found != known->second.end()) return *found;
      }
    }
    auto made = MakeApplication(op, arguments, attrs);
    std::unique_lock lock(mutex_);
    auto& known = by_op_.try_emplace(std::string(op)).first->second;
    if (const auto found = std::ranges::find_if(known, matches); found != known.end()) return *found;
    constexpr size_t kMostKept = 256;  // of one op: attributes may hold values that never come again
    if (known.size() >= kMostKept) known.erase(known.begin());
    return known.emplace_back(std::move(made));
  }

 private:
  std::shared_mutex mutex_;
  std::map<std::string, std::vector<std::shared_ptr<const Application>>, std::less<>> by_op_;
};

}  // namespace

std::vector<Tensor> Execute(std::string_view op, const std::vector<std::vector<Tensor>>& arguments,
                            const AttrMap& attrs, ResourceManager& resources) {
  static Applications& applications = *new Applications;
  const auto application = applications.Find(op, arguments, attrs);
  std::vector<Tensor> inputs;
  for (const auto& tensors : arguments) inputs.insert(inputs.end(), tensors.begin(), tensors.end());
  Functions functions([](const std::string& name) { return Graph::Current().FindFunction(name); }, resources, {});
  try {
    const auto locks = VariableLock::OfInputs(*application->node, [&](int i) -> const Tensor& { return inputs[i]; });
    return RunKernel(*application->node, application->kernel, inputs, resources, functions);
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("[op '") != std::string_view::npos) throw;
    throw error.With(" [op '" + application->node->name() + "' (" + application->node->type() + ")]");
  }
}

}  // namespace headrace
