// The module headrace._core: names and arguments for what the library does; the logic is in C++ below it, the Python
// shape of things in python/headrace.
#include "bind.h"
#include "casters.h"
#include "eager.h"

NB_MODULE(_core, m) {
  using namespace headrace::python;
  nb::set_leak_warnings(false);  // graphs and sessions legitimately live until the process ends
  ImportNumpy();
  BindErrors(m);
  BindGraph(m);
  BindEager(m);
  BindVariables(m);
  BindArguments(m);
  BindControlFlow(m);
  BindSession(m);
  BindGradients(m);
  BindNn(m);
  BindFunctions(m);
  BindOptimizers(m);
  BindData(m);
  BindFeatures(m);
  BindHooks(m);
  BindFormats(m);
  BindEstimator(m);
  BindCanned(m);
  BindFiles(m);
}
