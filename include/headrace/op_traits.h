// What other code may ask about an op beyond its signature. An op's declaration says it (declare/declare.h); nobody
// else goes by an op's name. The rules here are functions that an op hands over, and the little each of them sees.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

class KernelContext;

// ------------------------------------------------------------------------------------------------ values before a run
// What is known of a scalar or vector of integers (sizes, axes, positions) before anything runs: each element's value,
// or that it is not known yet.
struct StaticValue {
  bool scalar = false;  // else a vector
  std::vector<std::optional<int64_t>> elements;

  static StaticValue Scalar(std::optional<int64_t> value) { return {.scalar = true, .elements = {value}}; }
  // A shape of known rank as the vector of its sizes.
  static StaticValue SizesOf(const PartialShape& shape);
  bool complete() const;  // every element is known
  // As a tensor of an integer dtype; undefined unless complete, and if a value does not fit.
  Tensor ToTensor(DType dtype) const;
  // As a shape: what is unknown, or -1, stays unknown. The unknown shape if sizes are out of range.
  PartialShape ToShape() const;
};

// Works out static values, each node once. The graph must not change meanwhile.
class StaticValues {
 public:
  // nullopt if nothing is known of the output, or it is no scalar or vector of integers.
  std::optional<StaticValue> Of(Output output);

 private:
  std::unordered_map<const Node*, std::unordered_map<int, std::optional<StaticValue>>> known_;
  int depth_ = 0;
};

// What a value rule sees: the node, which of its outputs is asked for, and what is known of its inputs.
class ValueContext {
 public:
  ValueContext(const Node& node, int output, StaticValues& values) : node_(node), output_(output), values_(values) {}
  const Node& node() const { return node_; }
  int output() const { return output_; }
  int num_inputs() const { return static_cast<int>(node_.inputs().size()); }
  const PartialShape& shape(int i) const { return node_.input(i).shape(); }
  std::optional<StaticValue> input(int i) const { return values_.Of(node_.input(i)); }
  // The one number of input i, if it is known.
  std::optional<int64_t> number(int i) const;

 private:
  const Node& node_;
  int output_;
  StaticValues& values_;
};
using ValueRule = std::function<std::optional<StaticValue>(ValueContext&)>;

// The constant behind an output, through ops that forward it; nullptr if there is none.
const Tensor* ConstantBehind(Output output);

// ------------------------------------------------------------------------------------------------------------- lifting
// What a lift rule sees: a node that works on one record and is to work on a block of them. An input either has rows
// (one a record, along a new first axis) or is the same for all records. At least one has rows.
class RowLift {
 public:
  virtual ~RowLift() = default;
  virtual const Node& node() const = 0;
  int num_inputs() const { return static_cast<int>(node().inputs().size()); }
  virtual bool has_rows(int i) const = 0;
  virtual const PartialShape& shape(int i) const = 0;  // of one record's value
  const Tensor* constant(int i) const { return ConstantBehind(node().input(i)); }
  bool all_have_rows(int begin, int end) const;
  // Changes of the node that works on the block; without any it is a copy with the block's inputs.
  virtual void set_attr(const std::string& name, AttrValue value) = 0;
  virtual void set_input(int i, const Tensor& constant) = 0;
  // Gives the rows of input i axes of size 1 in front, up to `rank`. Its shape must be fully defined.
  virtual void PadRows(int i, int rank) = 0;
};
// Rearranges the node for a block; every output then has rows. False if it can't be done.
using LiftRule = std::function<bool(RowLift&)>;

// Reads lines of text into columns, many lines at once; what an input pipeline calls instead of the op.
class LineDecoder {
 public:
  virtual ~LineDecoder() = default;
  virtual int num_columns() const = 0;
  virtual DType dtype(int column) const = 0;
  // columns[c] is a vector of lines.size() elements that is written, or undefined: then the column's fields are checked
  // and nothing is stored. Errors: InvalidArgument naming field and line.
  virtual void Decode(std::span<const std::string_view> lines, std::span<Tensor> columns) const = 0;
};
// Of a node whose input 0 is the lines and whose outputs are the columns; null if its other inputs are not constants.
using LineDecoderFactory = std::function<std::unique_ptr<const LineDecoder>(const Node&)>;

// -------------------------------------------------------------------------------------------------- lowering,
// epilogues What a lowering rule sees: a node of a plan, and where to put simpler nodes in its place.
class Lowering {
 public:
  virtual ~Lowering() = default;
  virtual const Node& node() const = 0;
  virtual Output Add(const char* op, std::vector<Output> inputs, AttrMap attrs) = 0;
};
// What stands for the node's one output, which what is known of the shapes must allow; an absent Output to leave it.
using LowerRule = std::function<Output(Lowering&)>;

// Elementwise work that follows a kernel's output 0 and is done a stretch at a time, while the stretch is in the cache.
class Epilogue {
 public:
  virtual ~Epilogue() = default;
  // Where the kernel is to put its output, which has this shape. Called once, before Run.
  virtual void* Begin(const Shape& shape) = 0;
  // Elements [begin, end) are there. Thread-safe for disjoint ranges.
  virtual void Run(int64_t begin, int64_t end) = 0;
};
// The kernel of a node followed by an epilogue: it sees the node's inputs as its own kernel does.
using KernelWithEpilogue = std::function<void(KernelContext&, Epilogue&)>;
// Made of the node; an empty function if the node can't take an epilogue (its dtype, its attributes).
using EpilogueKernelFactory = std::function<KernelWithEpilogue(const Node&)>;

// ---------------------------------------------------------------------------------------------------------------
// traits
struct Traits {
  int forwards = -1;           // output 0 is the value of this input; where that is a variable, its value now
  bool constant = false;       // output 0 is the tensor in the attribute "value"
  bool placeholder = false;    // has no value unless one is fed, or passed to the function it is an argument of
  bool handle = false;         // output 0 names a resource, the same one in every run
  bool makes_dataset = false;  // output 0 describes a dataset: making it again makes no difference
  bool only_orders = false;    // computes nothing; its control edges are all there is to it
  bool only_checks = false;    // its one effect is that it may fail
  bool never_fails = false;    // on values of the right dtypes and shapes
  bool same_shapes = false;    // an elementwise op that does not broadcast
  ValueRule value;             // what is known of its outputs before a run
  LiftRule lift;               // how it works on a block of records; empty: not at all
  LineDecoderFactory lines;    // it decodes lines of text into columns
  LowerRule lower;             // simpler nodes that do the same
  EpilogueKernelFactory takes_epilogue;
};

}  // namespace headrace
