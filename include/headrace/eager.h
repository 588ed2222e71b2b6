// Eager execution: an op runs when it is applied, and its Outputs have values at once.
//
//   hr::EagerScope eager;                          // on this thread, until the end of the block
//   hr::Output x = hr::Constant(hr::Tensor::Scalar(3.0f));
//   hr::GradientTape tape;
//   tape.Watch(x);
//   hr::Output y = x * x;                          // Value(y) is 9
//   hr::Output dx = tape.Gradient(y, x).values;    // Value(dx) is 6
//
// All builders, layers, losses and optimizers work on such Outputs as on those of a graph. An Output is valid until the
// EagerScope in which it was made ends; a loop opens one in each step, and takes what it wants to keep as values (or
// keeps it in variables, which live as long as they are held). An application (op, attributes, dtypes) is resolved once
// a process and looked up after that. Each thread executes on its own.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "headrace/graph.h"
#include "headrace/op.h"
#include "headrace/resource.h"

namespace headrace {

// A value and the number that tells it from all others of the process, so that gradient tapes know who is who.
struct EagerValue {
  Tensor value;
  int64_t id = 0;
  bool watch = false;  // the handle of a trainable variable, which tapes watch by themselves
};

// Keeps the Outputs of this thread's immediate graph that are made meanwhile. RAII.
class EagerHold {
 public:
  EagerHold();
  ~EagerHold();
  EagerHold(const EagerHold&) = delete;
};
// The same, and ends the Outputs made since its beginning at its end.
class EagerRegion {
 public:
  EagerRegion();
  ~EagerRegion();
  EagerRegion(const EagerRegion&) = delete;

 private:
  EagerHold hold_;
  std::pair<int, int> mark_;  // where nodes and names were
};

// Makes this thread's ops run at once; a GraphScope inside it builds a graph again. RAII.
class EagerScope {
 public:
  EagerScope();

 private:
  GraphScope scope_;
  EagerRegion region_;
};

// Makes this thread build the graph that would be in force without eager execution. RAII.
class GraphModeScope {
 public:
  GraphModeScope();

 private:
  GraphScope scope_;
};

// From here on, threads execute eagerly wherever no graph is in force (tf.enable_eager_execution).
void EnableEagerExecution();
bool ExecutingEagerly();            // Graph::Current() is this thread's immediate graph
Graph& ImmediateGraph();            // this thread's
void ForgetOutputs();               // ends all of this thread's Outputs, unless an EagerHold is open
ResourceManager& EagerResources();  // the state behind ops that name theirs: variables, tables, queues, iterators

// The value behind an Output of this thread's immediate graph, or of a variable made eagerly. Errors: InvalidArgument
// for one of another graph.
EagerValue ValueOf(const Output& output);
inline Tensor Value(const Output& output) {
  return ValueOf(output).value;
}
bool HasValue(const Output& output);  // ValueOf gives one
EagerValue NewEagerValue(Tensor value);
Output OutputOf(const EagerValue& value);

// A variable's state and its handle. The state ends with `home`, the small graph of the handle; whoever uses the
// handle, or a node added to `home` that depends on it, gets it computed anew in the graph that uses it.
struct EagerVariable {
  std::shared_ptr<Graph> home;
  Output handle;
};
EagerVariable NewEagerVariable(const std::string& name, DType dtype, const PartialShape& shape, bool trainable);
bool IsEagerVariable(const Output& handle);
std::vector<int64_t> TrainableVariablesIn(const Graph& body);  // the numbers of the handles that a traced function uses

// ---------------------------------------------------------------------------------------------------------- dispatch
// One op with its attributes for arguments of certain dtypes: what is left to do in a call is to run the kernel.
struct Application;

// Finds or makes it. `lengths` has the number of tensors of each of the op's arguments, whose tensors lie in `inputs`
// one after the other. Errors: InvalidArgument as Graph::Apply, Unimplemented for ops without a kernel.
std::shared_ptr<const Application> FindApplication(const OpDef& op, std::span<const Tensor* const> inputs,
                                                   std::span<const int> lengths, const AttrMap& attrs);
const Node& NodeOf(const Application& application);  // of its results' dtypes and all attributes
bool MayWait(const Application& application);        // calls functions, waits, or prints: hold no locks meanwhile
// Runs it and tells this thread's tapes. `outputs` has room for the node's. Errors: what the kernel throws, with
// " [Op:TYPE]" added.
void RunApplication(const std::shared_ptr<const Application>& application, std::span<const EagerValue* const> inputs,
                    EagerValue* outputs);

// --------------------------------------------------------------------------------------------------------- gradients
// Records what is computed from watched values on the thread that made it, from construction to Stop; then gives
// gradients by the ops' declarations. Tapes nest: the gradients of an inner one are seen by those around it. Trainable
// variables are watched when an op takes their handle.
class GradientTape {
 public:
  explicit GradientTape(bool persistent = false, bool watch_accessed_variables = true);
  ~GradientTape();
  GradientTape(const GradientTape&) = delete;

  void Start();  // records (again); a new tape does
  void Stop();
  bool recording() const;
  void Watch(const Output& value);  // errors: InvalidArgument unless floating, complex or a variable's handle
  void Reset();                     // forgets everything
  std::vector<EagerValue> watched_variables() const;  // their handles, in the order of the first use

  // The gradients of ys (summed, or weighted by grad_ys, where absent ones are ones) for xs; {} where there is none.
  // Variables are given by their handles. Errors: FailedPrecondition for a second call unless persistent.
  std::vector<headrace::Gradient> Gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                            const std::vector<Output>& grad_ys = {});
  headrace::Gradient Gradient(const Output& y, const Output& x) { return Gradients({y}, {x}).front(); }

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// A step backwards that is none of an op's: the gradients of the outputs to those of the inputs.
using BackwardFunction =
    std::function<std::vector<Gradient>(const std::vector<Gradient>&)>;  // as many as outputs -> as many as inputs
// Tells this thread's tapes that `outputs` were computed from `inputs` (custom gradients, functions).
void RecordOnTapes(const std::vector<EagerValue>& inputs, const std::vector<EagerValue>& outputs,
                   BackwardFunction backward);
bool TapesRecord();                                              // this thread has a tape that records
bool AnyTapeRecords(std::span<const EagerValue* const> inputs);  // a tape of this thread wants to know what follows

// Suspends this thread's tapes. RAII.
class StopRecording {
 public:
  StopRecording();
  ~StopRecording();
  StopRecording(const StopRecording&) = delete;

 private:
  std::vector<GradientTape::Impl*> suspended_;
};

}  // namespace headrace
