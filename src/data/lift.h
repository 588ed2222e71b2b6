// Lifting: a function of one element becomes a function of a block of elements. Each value in the function is either
// the same for all elements or has one row an element; a node is lifted by its op's rule (elementwise ops align
// their operands' rows, Pack moves its axis, ...). One op without a rule, and the function isn't lifted at all.
#pragma once

#include <memory>
#include <vector>

#include "data/rows.h"

namespace headrace::data {

// The function with batched arguments and results. An argument that is nobody's may
// be passed undefined.
struct LiftedFunction {
  std::shared_ptr<const Function> function;
  std::vector<bool> result_has_rows;  // the others are the same for all elements
  // Where lines of text are decoded before the function proper is called: its arguments are then, in place of the
  // first one, the columns of these decoders.
  std::vector<std::unique_ptr<const LineDecoder>> decoders;
};

// nullptr if it can't be lifted. The results that are not `needed` may be left out (undefined); what can fail in them
// is still run. With `lines`, what decodes the first argument is taken out of the function if that is all it is for.
std::unique_ptr<LiftedFunction> Lift(const BoundFunction& f, const std::vector<DType>& arg_dtypes,
                                     const std::vector<PartialShape>& arg_shapes, const Needed& needed, bool lines);

// A lifted function ready to run.
class BlockProgram {
 public:
  BlockProgram(const BoundFunction& f, std::unique_ptr<LiftedFunction> lifted, const Needed& needed,
               ResourceManager& resources);
  bool takes_lines() const { return !lifted_->decoders.empty(); }
  // The function's results on a block's rows: [rows] + shape each, undefined where not needed.
  std::vector<Tensor> Run(const Block& block);

 private:
  std::unique_ptr<LiftedFunction> lifted_;
  Needed needed_;
  std::vector<Tensor> captures_;
  std::vector<std::vector<bool>> column_used_;  // of each decoder
  FunctionEvaluator evaluator_;
};

}  // namespace headrace::data
