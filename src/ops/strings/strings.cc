// Ops on strings, elementwise.
#include <re2/re2.h>

#include <charconv>
#include <cstdio>
#include <memory>

#include "declare/declare.h"
#include "kernels/fingerprint.h"
#include "ops/strings/parse_number.h"

namespace headrace {
namespace {

template <class T>
void ToNumber(KernelContext& c) {
  const auto in = c.input(0).flat<std::string>();
  T* out = c.AllocateOutput(0, c.input(0).shape()).data<T>();
  for (size_t i = 0; i < in.size(); ++i) {
    if (!ParseNumber(in[i], &out[i])) {
      throw InvalidArgument("StringToNumberOp could not correctly convert string: ", in[i]);
    }
  }
}

DEFINE_OP("StringToNumber")
    .Input("string_tensor: string")
    .Output("output: out_type")
    .Attr("out_type: {float, double, int32, int64} = DT_FLOAT")
    .Shape(SameAsInput(0))
    .NoGradient()
    .Elementwise()
    .Kernel([](KernelContext& c) {
      switch (c.node().output_dtype(0)) {
        case DType::kFloat:
          return ToNumber<float>(c);
        case DType::kDouble:
          return ToNumber<double>(c);
        case DType::kInt32:
          return ToNumber<int32_t>(c);
        default:
          return ToNumber<int64_t>(c);
      }
    });

DEFINE_OP("StringToHashBucketFast")
    .Input("input: string")
    .Output("output: int64")
    .Attr("num_buckets: int >= 1")
    .Shape(SameAsInput(0))
    .NoGradient()
    .Elementwise()
    .Kernel([](KernelContext& c) {
      const auto in = c.input(0).flat<std::string>();
      const auto buckets = static_cast<uint64_t>(c.node().attr<int64_t>("num_buckets"));
      int64_t* out = c.AllocateOutput(0, c.input(0).shape()).data<int64_t>();
      for (size_t i = 0; i < in.size(); ++i) out[i] = static_cast<int64_t>(Fingerprint64(in[i]) % buckets);
    });

DEFINE_OP("StringToHashBucketStrong")
    .Input("input: string")
    .Output("output: int64")
    .Attr("num_buckets: int >= 1")
    .Attr("key: list(int)")
    .Shape(SameAsInput(0))
    .NoGradient()
    .Elementwise()
    .Kernel([](const Node& node) -> Kernel {
      const auto key = node.attr<std::vector<int64_t>>("key");
      if (key.size() != 2) throw InvalidArgument("Key must have 2 elements, got ", key.size());
      return [buckets = static_cast<uint64_t>(node.attr<int64_t>("num_buckets")),
              key = HashKey{static_cast<uint64_t>(key[0]), static_cast<uint64_t>(key[1])}](KernelContext& c) {
        const auto in = c.input(0).flat<std::string>();
        int64_t* out = c.AllocateOutput(0, c.input(0).shape()).data<int64_t>();
        for (size_t i = 0; i < in.size(); ++i) out[i] = static_cast<int64_t>(KeyedHash64(key, in[i]) % buckets);
      };
    });

// ------------------------------------------------------------------------------------------------ regular expressions

// A pattern that must match whole strings or be found in them. Errors: InvalidArgument for what is no pattern.
std::shared_ptr<const RE2> Compile(const std::string& pattern) {
  auto compiled = std::make_shared<const RE2>(pattern, RE2::Quiet);
  if (!compiled->ok()) throw InvalidArgument("Invalid pattern: ", pattern, ", error: ", compiled->error());
  return compiled;
}
std::shared_ptr<const RE2> CompileInput(const Tensor& pattern) {
  if (pattern.rank() != 0) throw InvalidArgument("Pattern must be scalar, but received ", pattern.shape());
  return Compile(pattern.scalar<std::string>());
}

void FullMatch(KernelContext& c, const RE2& pattern) {
  const auto in = c.input(0).flat<std::string>();
  bool* out = c.AllocateOutput(0, c.input(0).shape()).data<bool>();
  for (size_t i = 0; i < in.size(); ++i) out[i] = RE2::FullMatch(in[i], pattern);
}

DEFINE_OP("RegexFullMatch")
    .Input("input: string")
    .Input("pattern: string")
    .Output("output: bool")
    .Shape(SameAsInput(0))
    .NoGradient()
    .Elementwise()
    .Kernel([](KernelContext& c) { FullMatch(c, *CompileInput(c.input(1))); });

DEFINE_OP("StaticRegexFullMatch")
    .Input("input: string")
    .Output("output: bool")
    .Attr("pattern: string")
    .Shape(SameAsInput(0))
    .NoGradient()
    .Elementwise()
    .Kernel([](const Node& node) -> Kernel {
      return [pattern = Compile(node.attr<std::string>("pattern"))](KernelContext& c) { FullMatch(c, *pattern); };
    });

// A rewrite that asks for a group that the pattern lacks changes nothing, as in TensorFlow.
void ReplaceMatches(KernelContext& c, const RE2& pattern, const std::string& rewrite, bool global) {
  const auto in = c.input(0).flat<std::string>();
  std::string* out = c.AllocateOutput(0, c.input(0).shape()).data<std::string>();
  for (size_t i = 0; i < in.size(); ++i) {
    out[i] = in[i];
    global ? RE2::GlobalReplace(&out[i], pattern, rewrite) : RE2::Replace(&out[i], pattern, rewrite);
  }
}

DEFINE_OP("RegexReplace")
    .Input("input: string")
    .Input("pattern: string")
    .Input("rewrite: string")
    .Output("output: string")
    .Attr("replace_global: bool = true")
    .Shape(SameAsInput(0))
    .NoGradient()
    .Elementwise()
    .Kernel([](const Node& node) -> Kernel {
      return [global = node.attr<bool>("replace_global")](KernelContext& c) {
        const Tensor& rewrite = c.input(2);
        if (rewrite.rank() != 0) throw InvalidArgument("Rewrite must be scalar, but received ", rewrite.shape());
        ReplaceMatches(c, *CompileInput(c.input(1)), rewrite.scalar<std::string>(), global);
      };
    });

DEFINE_OP("StaticRegexReplace")
    .Input("input: string")
    .Output("output: string")
    .Attr("pattern: string")
    .Attr("rewrite: string")
    .Attr("replace_global: bool = true")
    .Shape(SameAsInput(0))
    .NoGradient()
    .Elementwise()
    .Kernel([](const Node& node) -> Kernel {
      return [pattern = Compile(node.attr<std::string>("pattern")), rewrite = node.attr<std::string>("rewrite"),
              global = node.attr<bool>("replace_global")](KernelContext& c) {
        ReplaceMatches(c, *pattern, rewrite, global);
      };
    });

// ------------------------------------------------------------------------------------------------- numbers as text

// How printf would print, with TensorFlow's attributes.
struct AsStringFormat {
  explicit AsStringFormat(const Node& node)
      : precision(node.attr<int64_t>("precision")),
        width(node.attr<int64_t>("width")),
        scientific(node.attr<bool>("scientific")),
        shortest(node.attr<bool>("shortest")),
        fill(node.attr<std::string>("fill")) {
    if (fill.size() > 1) throw InvalidArgument("Fill string must be one or fewer characters, got '", fill, "'");
    if (!fill.empty() && std::string_view(" +-0#").find(fill[0]) == std::string_view::npos) {
      throw InvalidArgument("Fill argument not supported: '", fill, "'");
    }
    CheckSize("width", width);
    CheckSize("precision", precision);
    if (scientific && shortest) throw InvalidArgument("Cannot select both scientific and shortest notation");
  }
  std::string Flags() const {
    std::string flags = "%" + fill;
    if (width > -1) flags += std::to_string(width);
    return flags;
  }
  std::string Of(double value) const {
    std::string format = Flags();
    if (precision > -1) format += "." + std::to_string(precision);
    format += scientific ? "e" : shortest ? "g" : "f";
    return Print(format, value);
  }
  std::string Of(int64_t value) const { return Print(Flags() + "lld", static_cast<long long>(value)); }
  std::string Of(uint64_t value) const { return Print(Flags() + "llu", static_cast<unsigned long long>(value)); }
  std::string Of(bool value) const { return value ? "true" : "false"; }

  int64_t precision, width;
  bool scientific, shortest;
  std::string fill;

 private:
  static void CheckSize(const char* what, int64_t size) {
    constexpr int64_t kMost = 1 << 20;  // characters
    if (size > kMost) throw InvalidArgument(what, " must be at most ", kMost, ", got ", size);
  }
  template <class T>
  static std::string Print(const std::string& format, T value) {
    const int n = std::snprintf(nullptr, 0, format.c_str(), value);
    if (n < 0) throw InvalidArgument("can't print a number as ", format);
    std::string text(static_cast<size_t>(n), '\0');
    std::snprintf(text.data(), text.size() + 1, format.c_str(), value);
    return text;
  }
};

DEFINE_OP("AsString")
    .Input("input: T")
    .Output("output: string")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, bool, uint16, uint32, uint64}")
    .Attr("precision: int = -1")
    .Attr("scientific: bool = false")
    .Attr("shortest: bool = false")
    .Attr("width: int = -1")
    .Attr("fill: string = ''")
    .Shape(SameAsInput(0))
    .NoGradient()
    .Elementwise()
    .Kernel([](KernelContext& c) {
      const AsStringFormat format(c.node());
      const Tensor& in = c.input(0);
      std::string* out = c.AllocateOutput(0, in.shape()).data<std::string>();
      for (int64_t i = 0; i < in.num_elements(); ++i) {
        if (in.dtype() == DType::kBool) {
          out[i] = format.Of(in.data<bool>()[i]);
        } else if (in.dtype() == DType::kUInt64) {
          out[i] = format.Of(in.data<uint64_t>()[i]);
        } else {
          out[i] = IsInteger(in.dtype()) ? format.Of(in.AsInt64(i)) : format.Of(in.AsDouble(i));
        }
      }
    });

// Scalars go with every element of the others.
DEFINE_OP("StringJoin")
    .Input("inputs: N * string")
    .Output("output: string")
    .Attr("N: int >= 1")
    .Attr("separator: string = ''")
    .Shape([](ShapeContext& c) {
      PartialShape shape = Shape();
      for (int i = 0; i < c.num_inputs(); ++i) {
        if (c.input(i).rank() != 0) shape = c.input(i);
      }
      c.set_output(0, shape);
    })
    .NoGradient()
    .Elementwise()
    .Kernel([](KernelContext& c) {
      const auto& separator = c.node().attr<std::string>("separator");
      Shape shape;
      for (int i = 0; i < c.num_inputs(); ++i) {
        const Shape& other = c.input(i).shape();
        if (other.rank() == 0) continue;
        if (shape.rank() > 0 && !(shape == other)) {
          throw InvalidArgument("Input shapes do not match, ", shape, " vs. ", other);
        }
        shape = other;
      }
      std::string* out = c.AllocateOutput(0, shape).data<std::string>();
      for (int64_t row = 0; row < shape.num_elements(); ++row) {
        out[row].clear();
        for (int i = 0; i < c.num_inputs(); ++i) {
          if (i > 0) out[row] += separator;
          out[row] += c.input(i).string(c.input(i).rank() == 0 ? 0 : row);
        }
      }
    });

}  // namespace
}  // namespace headrace
