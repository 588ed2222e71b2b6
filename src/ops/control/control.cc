// Assertions and printing.
#include "headrace/ops/control.h"

#include <algorithm>
#include <atomic>
#include <complex>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "declare/declare.h"

namespace headrace {
namespace {

void PrintElement(std::ostream& out, const Tensor& tensor, int64_t i) {
  if (tensor.dtype() == DType::kString) {
    out << tensor.string(i);
  } else if (tensor.dtype() == DType::kBool) {
    out << (tensor.data<bool>()[i] ? "1" : "0");
  } else if (tensor.dtype() == DType::kUInt64) {
    out << tensor.data<uint64_t>()[i];
  } else if (IsInteger(tensor.dtype())) {
    out << tensor.AsInt64(i);
  } else if (tensor.dtype() == DType::kComplex64) {
    out << static_cast<const std::complex<float>*>(tensor.raw())[i];
  } else if (tensor.dtype() == DType::kComplex128) {
    out << static_cast<const std::complex<double>*>(tensor.raw())[i];
  } else if (tensor.dtype() == DType::kResource || tensor.dtype() == DType::kVariant) {
    out << "<" << tensor.dtype() << ">";
  } else {
    out << tensor.AsDouble(i);
  }
}

// The elements from `*next` on along `axis`, up to `shown` of the whole, each axis in brackets.
void PrintAxis(std::ostream& out, const Tensor& tensor, int axis, int64_t shown, int64_t* next) {
  if (axis == tensor.rank()) return PrintElement(out, tensor, (*next)++);
  const bool innermost = axis + 1 == tensor.rank();
  out << "[";
  for (int64_t i = 0; i < tensor.dim(axis) && *next < shown; ++i) {
    if (i > 0 && innermost) out << " ";
    PrintAxis(out, tensor, axis + 1, shown, next);
  }
  if (innermost && *next >= shown && shown < tensor.num_elements()) out << "...";
  out << "]";
}

// "[1 2 3...]", "[[1 2][3 4]]": as TensorFlow summarises a value; strings without quotes.
std::string Summary(const Tensor& tensor, int64_t limit) {
  const int64_t n = tensor.num_elements();
  std::ostringstream out;
  int64_t next = 0;
  if (n > 0) PrintAxis(out, tensor, 0, limit < 0 ? n : std::min(limit, n), &next);
  if (n == 0 && tensor.rank() > 0) out << "[]";
  return out.str();
}

DEFINE_OP("Assert")
    .Input("condition: bool")
    .Input("data: T")
    .Attr("T: list(type) >= 1")
    .Attr("summarize: int = 3")
    .Kernel([](const Node& node) -> Kernel {
      return [summarize = node.attr<int64_t>("summarize")](KernelContext& context) {
        const Tensor& condition = context.input(0);
        if (condition.num_elements() != 1) {
          throw InvalidArgument("In[0] should be a scalar: ", condition.shape());
        }
        if (*condition.data<bool>()) return;
        std::string data;
        for (int i = 1; i < context.num_inputs(); ++i) data += " " + Summary(context.input(i), summarize);
        throw InvalidArgument("assertion failed:", data);
      };
    })
    .Stateful()
    .Keep()
    .OnlyChecks()
    .NoGradient();

DEFINE_OP("Print")
    .Input("input: T")
    .Input("data: U")
    .Output("output: T")
    .Attr("T: type")
    .Attr("U: list(type) >= 0")
    .Attr("message: string = ''")
    .Attr("first_n: int = -1")
    .Attr("summarize: int = 3")
    .Shape(SameAsInput(0))
    .Kernel([](const Node& node) -> Kernel {
      auto printed = std::make_shared<std::atomic<int64_t>>(0);
      return [printed, message = node.attr<std::string>("message"), first_n = node.attr<int64_t>("first_n"),
              summarize = node.attr<int64_t>("summarize")](KernelContext& context) {
        context.set_output(0, context.input(0));
        if (first_n >= 0 && printed->fetch_add(1) >= first_n) return;
        std::string line = message;
        for (int i = 1; i < context.num_inputs(); ++i) {
          const std::string value = Summary(context.input(i), summarize);
          line += context.input(i).rank() > 0 ? value : "[" + value + "]";
        }
        std::fprintf(stderr, "%s\n", line.c_str());
      };
    })
    .Forwards(0)
    .Stateful()
    .Keep()
    .Gradient([](Backward& b) {
      std::vector<Gradient> gradients(b.node()->inputs().size());
      gradients[0] = b.gradient();
      b.ReturnList(std::move(gradients));
    });

// Prints a formatted string to "stdout", "stderr", "log(info)", ..., or appends it to "file://PATH".
DEFINE_OP("PrintV2")
    .Input("input: string")
    .Attr("output_stream: string = 'stderr'")
    .Attr("end: string = '\n'")
    .Kernel([](const Node& node) -> Kernel {
      return [stream = node.attr<std::string>("output_stream"),
              end = node.attr<std::string>("end")](KernelContext& context) {
        const std::string line = context.input(0).scalar<std::string>() + end;
        if (stream.starts_with("file://")) {
          std::ofstream(stream.substr(7), std::ios::app) << line;
          return;
        }
        std::FILE* const file = stream == "stdout" ? stdout : stderr;
        std::fputs(line.c_str(), file);
        std::fflush(file);
      };
    })
    .Stateful()
    .Keep();

}  // namespace
}  // namespace headrace
