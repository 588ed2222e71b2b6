// Graph functions of tf.nn, tf.math, tf.train and tf itself that are C++: one line each.
#include "bind.h"
#include "casters.h"
#include "headrace/clipping.h"
#include "headrace/cross_entropy.h"
#include "headrace/embeddings.h"
#include "headrace/layers.h"
#include "headrace/learning_rates.h"
#include "headrace/masks.h"
#include "headrace/reductions.h"
#include "headrace/tensordot.h"
#include "nn.h"

namespace headrace::python {
namespace {

// None for all axes, a number, or a list of them.
Axes AxesFromPython(nb::handle axes) {
  if (axes.is_none()) return {};
  std::vector<int> list;
  if (PyNumber_Check(axes.ptr()) && !PySequence_Check(axes.ptr())) return nb::cast<int>(nb::int_(nb::borrow(axes)));
  for (nb::handle axis : nb::list(nb::borrow(axes))) list.push_back(nb::cast<int>(nb::int_(nb::borrow(axis))));
  return list;
}

std::optional<int64_t> SeedFromPython(nb::handle seed) {
  return seed.is_none() ? std::optional<int64_t>() : nb::cast<int64_t>(seed);
}

std::vector<Gradient> GradientsFromList(nb::handle list) {
  std::vector<Gradient> gradients;
  for (nb::handle item : list) gradients.push_back(GradientFromPython(item));
  return gradients;
}

Decay DecayOf(Output rate, Output step, Output decay_steps, const std::string& name) {
  return {.rate = rate, .step = step, .decay_steps = decay_steps, .name = name};
}

void BindEntropies(nb::module_& m) {
  m.def("sigmoid_cross_entropy_with_logits", [](Output labels, Output logits, const std::string& name) {
    return AsValueError([&] { return nn::SigmoidCrossEntropyWithLogits(labels, logits, name); });
  });
  m.def("weighted_cross_entropy_with_logits", [](Output labels, Output logits, Output positive_weight,
                                                 const std::string& name) {
    return AsValueError([&] { return nn::WeightedCrossEntropyWithLogits(labels, logits, positive_weight, name); });
  });
  m.def("softmax_cross_entropy_with_logits", [](Output labels, Output logits, int axis, const std::string& name) {
    return AsValueError([&] { return nn::SoftmaxCrossEntropyWithLogits(labels, logits, axis, name); });
  });
  m.def("sparse_softmax_cross_entropy_with_logits", [](Output labels, Output logits, const std::string& name) {
    return AsValueError([&] { return nn::SparseSoftmaxCrossEntropyWithLogits(labels, logits, name); });
  });
}

void BindReductions(nb::module_& m) {
  m.def(
      "log_sum_exp",
      [](Output x, nb::handle axes, bool keep_dims, const std::string& name) {
        return AsValueError([&] { return LogSumExp(x, AxesFromPython(axes), keep_dims, name); });
      },
      nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  m.def(
      "moments",
      [](Output x, nb::handle axes, bool keep_dims, const std::string& name) {
        return AsValueError([&] {
          const Moments moments = ComputeMoments(x, AxesFromPython(axes), keep_dims, name);
          return nb::make_tuple(OutputToPython(moments.mean), OutputToPython(moments.variance));
        });
      },
      nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  m.def(
      "l2_normalize",
      [](Output x, nb::handle axes, double epsilon, const std::string& name) {
        return AsValueError([&] { return L2Normalize(x, AxesFromPython(axes), epsilon, name); });
      },
      nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  m.def("tensordot",
        [](Output a, Output b, const std::vector<int>& axes_a, const std::vector<int>& axes_b,
           const std::string& name) { return AsValueError([&] { return Tensordot(a, b, axes_a, axes_b, name); }); });
  m.def("tensordot_of", [](Output a, Output b, int axes, const std::string& name) {
    return AsValueError([&] { return Tensordot(a, b, axes, name); });
  });
}

void BindClipping(nb::module_& m) {
  m.def(
      "clip_by_norm",
      [](nb::handle x, Output norm, nb::handle axes, const std::string& name) {
        return GradientToPython(
            AsValueError([&] { return ClipByNorm(GradientFromPython(x), norm, AxesFromPython(axes), name); }));
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
  m.def("clip_by_average_norm",
        [](Output x, Output norm, const std::string& name) { return ClipByAverageNorm(x, norm, name); });
  m.def("global_norm", [](nb::handle tensors, const std::string& name) {
    return AsValueError([&] { return GlobalNorm(GradientsFromList(tensors), name); });
  });
  m.def(
      "clip_by_global_norm",
      [](nb::handle tensors, Output norm, nb::handle use_norm, const std::string& name) {
        return AsValueError([&] {
          const Output used = use_norm.is_none() ? Output() : OutputFromPython(use_norm);
          const ClippedGradients result = ClipByGlobalNorm(GradientsFromList(tensors), norm, used, name);
          nb::list clipped;
          for (const Gradient& gradient : result.clipped) clipped.append(GradientToPython(gradient));
          return nb::make_tuple(clipped, OutputToPython(result.norm));
        });
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
}

void BindSchedules(nb::module_& m) {
  const auto define = [&m](const char* function, auto schedule) {
    m.def(function, [schedule](Output rate, Output step, Output decay_steps, Output decay_rate, bool staircase,
                               const std::string& name) {
      return AsValueError([&] { return schedule(DecayOf(rate, step, decay_steps, name), decay_rate, staircase); });
    });
  };
  define("exponential_decay", &ExponentialDecay);
  define("inverse_time_decay", &InverseTimeDecay);
  define("natural_exp_decay", &NaturalExpDecay);
  m.def("polynomial_decay", [](Output rate, Output step, Output decay_steps, Output end, Output power, bool cycle,
                               const std::string& name) {
    return PolynomialDecay(DecayOf(rate, step, decay_steps, name), end, power, cycle);
  });
  m.def("cosine_decay", [](Output rate, Output step, Output decay_steps, double alpha, const std::string& name) {
    return CosineDecay(DecayOf(rate, step, decay_steps, name), alpha);
  });
  m.def("piecewise_constant", [](Output x, nb::handle boundaries, nb::handle values, const std::string& name) {
    return AsValueError(
        [&] { return PiecewiseConstant(x, OutputsFromPython(boundaries), OutputsFromPython(values), name); });
  });
}

void BindMasks(nb::module_& m) {
  m.def(
      "sequence_mask",
      [](Output lengths, nb::handle max_length, DType dtype, const std::string& name) {
        return AsValueError([&] {
          const Output longest = max_length.is_none() ? Output() : OutputFromPython(max_length);
          return SequenceMask(lengths, longest, dtype, name);
        });
      },
      nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  m.def("boolean_mask", [](Output x, Output mask, int axis, const std::string& name) {
    return AsValueError([&] { return BooleanMask(x, mask, axis, name); });
  });
}

void BindLayers(nb::module_& m) {
  m.def("swish", [](Output x) { return Swish(x); });
  m.def("zero_fraction", [](Output x, const std::string& name) { return ZeroFraction(x, name); });
  m.def("flatten", [](Output x, bool channels_first, const std::string& name) {
    return AsValueError([&] { return Flatten(x, channels_first, name); });
  });
  m.def(
      "dropout",
      [](Output x, nb::handle rate, nb::handle noise_shape, nb::handle seed, const std::string& name) {
        return AsValueError([&] {
          double number = 0;
          const bool is_number = nb::try_cast(rate, number);
          if (is_number && noise_shape.is_none()) return Dropout(x, number, SeedFromPython(seed), name);
          if (is_number && !(number >= 0 && number < 1)) return Dropout(x, number, SeedFromPython(seed), name);
          const Output shape = noise_shape.is_none() ? Output() : OutputFromPython(noise_shape, DType::kInt32);
          return Dropout(x, OutputFromPython(rate, x.dtype(), "rate"), shape, SeedFromPython(seed), name);
        });
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg());
  m.def(
      "embedding_lookup",
      [](nb::handle params, Output ids, const std::string& strategy, nb::handle max_norm, const std::string& name) {
        return AsValueError([&] {
          if (strategy != "mod" && strategy != "div") {
            throw InvalidArgument("Unrecognized partition strategy: ", strategy);
          }
          EmbeddingLookupOptions options{
              .strategy = strategy == "mod" ? PartitionStrategy::kMod : PartitionStrategy::kDiv, .name = name};
          Variable* variable = nullptr;
          const bool one = nb::len(params) == 1 && nb::try_cast(params[0], variable, false) && variable;
          if (!max_norm.is_none()) {
            const DType dtype = one ? variable->dtype() : DType::kInvalid;
            options.max_norm = OutputFromPython(max_norm, dtype, "max_norm");
          }
          return one ? EmbeddingLookup(*variable, ids, options)
                     : EmbeddingLookup(OutputsFromPython(params), ids, options);
        });
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
}

}  // namespace

void BindFunctions(nb::module_& m) {
  BindEntropies(m);
  BindReductions(m);
  BindClipping(m);
  BindSchedules(m);
  BindMasks(m);
  BindLayers(m);
}

}  // namespace headrace::python
