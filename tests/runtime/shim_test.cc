// TEMPORARY ops
#include <cmath>
#include "headrace/op.h"
#include "kernels/gemm.h"
#include "base/thread_pool.h"
namespace headrace {
namespace {
template <class F> void Lane(const void* const* in, void* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_invocable_v<F, float, float>) ((float*)out)[i] = F{}(((const float*)in[0])[i], ((const float*)in[1])[i]);
    else ((float*)out)[i] = F{}(((const float*)in[0])[i]);
  }
}
struct AddF { float operator()(float a, float b) const { return a + b; } };
struct SubF { float operator()(float a, float b) const { return a - b; } };
struct MulF { float operator()(float a, float b) const { return a * b; } };
struct MaxF { float operator()(float a, float b) const { return a>b?a:b; } };
struct ReluF { float operator()(float a) const { return a > 0 ? a : 0; } };
struct ExpF { float operator()(float a) const { return std::exp(a); } };
void Reg(OpDef d) { if (!OpRegistry::Global().FindOrNull(d.name)) OpRegistry::Global().Register(std::move(d)); }
template <class F> void Elementwise(const char* name, int arity) {
  OpDef d; d.name = name;
  d.inputs.push_back({.name = "x", .type_attr = "T"}); if (arity == 2) d.inputs.push_back({.name = "y", .type_attr = "T"});
  d.outputs = {{.name = "z", .type_attr = "T"}}; d.attrs = {{.name = "T", .type = "type"}};
  d.lanes.arity = arity; d.lanes.by_dtype[1] = Lane<F>; d.shape = BroadcastOfInputs(); d.reuses_input = true;
  d.kernel = [](const Node&) -> Kernel { return [](KernelContext& c) {
    Shape s = c.input(0).shape(); if (c.num_inputs() == 2) s = BroadcastShapes(s, c.input(1).shape());
    std::vector<std::vector<float>> in;
    for (int i = 0; i < c.num_inputs(); ++i) { const Tensor& t = c.input(i); auto& v = in.emplace_back(s.num_elements());
      for (int64_t e = 0; e < s.num_elements(); ++e) { int64_t rest = e, at = 0, st = 1; for (int a = t.rank() - 1; a >= 0; --a) { int64_t d = s[s.rank() - t.rank() + a]; if (t.dim(a) != 1) at += rest % d * st; st *= t.dim(a); rest /= d; } v[e] = t.data<float>()[at]; } }
    const void* p[2] = {in[0].data(), in.size() > 1 ? in[1].data() : nullptr};
    Lane<F>(p, c.AllocateOutput(0, s).raw(), s.num_elements()); }; };
  Reg(d);
}
const bool done = [] {
  Elementwise<AddF>("AddV2", 2); Elementwise<SubF>("Sub", 2); Elementwise<MulF>("Mul", 2); Elementwise<MaxF>("Maximum", 2);
  Elementwise<ReluF>("Relu", 1); Elementwise<ExpF>("Exp", 1);
  { OpDef d; d.name = "Const"; d.outputs = {{.name = "o", .type_attr = "dtype"}}; d.attrs = {{.name = "value", .type = "tensor"}, {.name = "dtype", .type = "type"}};
    d.shape = [](ShapeContext& c) { c.set_output(0, c.attr<Tensor>("value").shape()); };
    d.kernel = [](const Node& n) -> Kernel { return [v = n.attr<Tensor>("value")](KernelContext& c) { c.set_output(0, v); }; }; Reg(d); }
  { OpDef d; d.name = "Placeholder"; d.outputs = {{.name = "o", .type_attr = "dtype"}}; d.attrs = {{.name = "dtype", .type = "type"}, {.name = "shape", .type = "shape", .default_value = AttrValue(PartialShape())}};
    d.shape = [](ShapeContext& c) { c.set_output(0, c.attr<PartialShape>("shape")); }; Reg(d); }
  { OpDef d; d.name = "Identity"; d.inputs = {{.name = "x", .type_attr = "T"}}; d.outputs = {{.name = "y", .type_attr = "T"}}; d.attrs = {{.name = "T", .type = "type"}};
    d.shape = SameAsInput(0); d.kernel = [](const Node&) -> Kernel { return [](KernelContext& c) { c.set_output(0, c.input(0)); }; }; Reg(d); }
  { OpDef d; d.name = "NoOp"; d.kernel = [](const Node&) -> Kernel { return [](KernelContext& c) {}; }; Reg(d); }
  { OpDef d; d.name = "MatMul"; d.inputs = {{.name = "a", .type_attr = "T"}, {.name = "b", .type_attr = "T"}}; d.outputs = {{.name = "y", .type_attr = "T"}};
    d.attrs = {{.name = "T", .type = "type"}, {.name = "transpose_a", .type = "bool", .default_value = AttrValue(false)}, {.name = "transpose_b", .type = "bool", .default_value = AttrValue(false)}};
    d.shape = [](ShapeContext& c) { bool ta = c.attr<bool>("transpose_a"), tb = c.attr<bool>("transpose_b"); auto a = c.WithRank(0, 2), b = c.WithRank(1, 2); c.set_output(0, PartialShape{a[ta ? 1 : 0], b[tb ? 0 : 1]}); };
    d.kernel = [](const Node& n) -> Kernel { return [ta = n.attr<bool>("transpose_a"), tb = n.attr<bool>("transpose_b")](KernelContext& c) { auto &a = c.input(0), &b = c.input(1);
      MatMulShape s{a.dim(ta ? 1 : 0), b.dim(tb ? 0 : 1), a.dim(ta ? 0 : 1), ta, tb}; if (b.dim(tb ? 1 : 0) != s.k) throw InvalidArgument("Matrix size-incompatible");
      MatMul(c.pool(), a.dtype(), s, a.raw(), b.raw(), c.AllocateOutput(0, {s.m, s.n}).raw()); }; }; Reg(d); }
  { OpDef d; d.name = "VariableV2"; d.outputs = {{.name = "ref", .type_attr = "dtype", .is_ref = true}};
    d.attrs = {{.name = "shape", .type = "shape"}, {.name = "dtype", .type = "type"}, {.name = "container", .type = "string", .default_value = AttrValue("")}, {.name = "shared_name", .type = "string", .default_value = AttrValue("")}};
    d.effects.stateful = true; d.shape = [](ShapeContext& c) { c.set_output(0, c.attr<PartialShape>("shape")); };
    d.kernel = [](const Node& n) -> Kernel { return [name = n.name(), dtype = n.output_dtype(0), shape = n.attr<PartialShape>("shape")](KernelContext& c) {
      c.set_output(0, Tensor::Resource(c.resources().LookupOrCreate<VariableState>("", name, [&] { return std::make_shared<VariableState>(name, dtype, shape); }))); }; }; Reg(d); }
  auto assign = [](const char* name, bool add) { OpDef d; d.name = name; d.inputs = {{.name = "ref", .type_attr = "T", .is_ref = true}, {.name = "value", .type_attr = "T"}}; d.outputs = {{.name = "output_ref", .type_attr = "T", .is_ref = true}};
    d.attrs = {{.name = "T", .type = "type"}}; d.effects.writes = {0}; d.effects.stateful = true; d.shape = SameAsInput(0);
    d.kernel = [add](const Node&) -> Kernel { return [add](KernelContext& c) { if (!add) { c.variable(0).value = c.input(1); } else { Tensor& v = c.variable(0).Mutable(); for (int64_t i = 0; i < v.num_elements(); ++i) v.data<float>()[i] += c.input(1).data<float>()[i]; } c.set_output(0, c.input(0)); }; }; Reg(d); };
  assign("Assign", false); assign("AssignAdd", true);
  return true; }();
}
}
