// tf.Session's runs: flat lists of feeds and fetches; the nested structures are the skin's.
#include "headrace/session.h"

#include <chrono>
#include <thread>

#include "bind.h"
#include "casters.h"
#include "eager.h"

namespace headrace::python {
namespace {

Output FedOutput(nb::handle key) {
  TensorRef* tensor = nullptr;
  if (nb::try_cast(key, tensor, false) && tensor) return OutputOfRef(*tensor);
  return OutputFromPython(key);
}

// What C++ reports as InvalidArgument in the run is a ValueError before it in 1.15.
void CheckFedShape(const Output& output, const Tensor& value) {
  if (output.shape().IsCompatibleWith(value.shape())) return;
  const nb::str given(ShapeToPython(value.shape())), wanted(ShapeToPython(output.shape()));
  throw nb::value_error(internal::Concat("Cannot feed value of shape ", given.c_str(), " for Tensor '", output.name(),
                                         "', which has shape '", wanted.c_str(), "'")
                            .c_str());
}

Feeds FeedsFromPython(nb::handle feed_dict) {
  Feeds feeds;
  if (feed_dict.is_none()) return feeds;
  for (auto [key, value] : nb::borrow<nb::dict>(feed_dict)) {
    if (nb::isinstance<TensorRef>(value)) {
      throw nb::type_error(
          "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, "
          "lists, numpy ndarrays.");
    }
    Output output = FedOutput(key);
    feeds.emplace_back(output, ToFedTensor(value, output.dtype()));
    CheckFedShape(output, feeds.back().second);
  }
  return feeds;
}

// Python runs signal handlers on its main thread only.
const std::thread::id main_thread = std::this_thread::get_id();

// Runs without the interpreter's lock. On the main thread signals are heard meanwhile: what their handlers raise
// (KeyboardInterrupt) ends the run. `timeout_ms` of 0: none.
std::vector<Tensor> RunReleased(Session& session, const Feeds& feeds, const std::vector<Output>& fetches,
                                const std::vector<Node*>& targets, int64_t timeout_ms) {
  Cancellation cancellation;
  if (timeout_ms > 0) cancellation.SetDeadline(Cancellation::Clock::now() + std::chrono::milliseconds(timeout_ms));
  if (std::this_thread::get_id() == main_thread) {
    cancellation.SetPoll([] {
      nb::gil_scoped_acquire gil;
      if (PyErr_CheckSignals() != 0) nb::raise_python_error();
      return false;
    });
  }
  nb::gil_scoped_release release;
  return session.Run(feeds, fetches, targets, &cancellation);
}

// `fetches` is a list of tensors and operations; the result has None where an operation is.
nb::object Run(Session& session, nb::list fetches, nb::handle feed_dict, int64_t timeout_ms) {
  std::vector<Output> outputs;
  std::vector<Node*> targets;
  for (nb::handle fetch : fetches) {
    TensorRef* tensor = nullptr;
    if (nb::try_cast(fetch, tensor, false) && tensor) {
      outputs.push_back(OutputOfRef(*tensor));
    } else {
      targets.push_back(NodeFromPython(fetch));
    }
  }
  std::vector<Tensor> values = RunReleased(session, FeedsFromPython(feed_dict), outputs, targets, timeout_ms);
  nb::list results;
  size_t next = 0;
  for (nb::handle fetch : fetches) {
    if (nb::isinstance<TensorRef>(fetch)) {
      Tensor value = std::move(values[next++]);
      results.append(ToPython(value));
    } else {
      results.append(nb::none());
    }
  }
  return results;
}

nb::object RunOne(Session& session, const TensorRef& fetch, nb::handle feed_dict, int64_t timeout_ms) {
  return ToPython(RunReleased(session, FeedsFromPython(feed_dict), {fetch.output}, {}, timeout_ms)[0]);
}

}  // namespace

void BindSession(nb::module_& m) {
  nb::class_<Session>(m, "NativeSession")
      .def("__init__", [](Session* self, std::shared_ptr<Graph> graph) { new (self) Session(std::move(graph)); })
      .def("run", &Run, nb::arg("fetches"), nb::arg("feed_dict").none() = nb::none(), nb::arg("timeout_ms") = 0)
      .def("run_one", &RunOne, nb::arg("fetch"), nb::arg("feed_dict").none() = nb::none(), nb::arg("timeout_ms") = 0)
      .def_prop_ro("graph", &Session::graph)
      .def("close", &Session::Close, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace headrace::python
