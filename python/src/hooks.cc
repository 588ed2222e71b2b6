// SessionRunHooks: those of the library, and those that a program writes in Python, which are called only where their
// class overrides something.
#include "hooks.h"

#include <algorithm>

#include "bind.h"
#include "casters.h"

namespace headrace::python {

nb::object SessionToPython(Session& session) {
  return nb::module_::import_("headrace.session").attr("Session")(nb::cast(&session, nb::rv_policy::reference));
}

namespace {

nb::object Skin(const char* name) {
  return nb::module_::import_("headrace.hooks").attr(name);
}

bool Overrides(nb::handle object, const char* base, const char* method) {
  nb::object own = nb::getattr(object.type(), method, nb::none());
  return !own.is_none() && !own.is(nb::getattr(Skin(base), method, nb::none()));
}

// What before_run asked for: the C++ form, and the function that arranges the values as the fetches were.
struct Request {
  SessionRunArgs args;
  std::vector<bool> is_output;  // for each flat fetch, else it is a target
  Kept rebuild;
};

// What a hook's method raises: the end of the input, and StopIteration, end the loop in good order.
template <class F>
auto EndsLoop(F&& method) {
  try {
    return method();
  } catch (nb::python_error& error) {
    const nb::object out_of_range = nb::module_::import_("headrace.errors").attr("OutOfRangeError");
    if (!error.matches(out_of_range) && !error.matches(PyExc_StopIteration)) throw;
    throw OutOfRange("a hook ended the loop: ", error.what());
  }
}

class PythonHook : public SessionRunHook {
 public:
  explicit PythonHook(nb::handle hook)
      : hook_(hook),
        every_step_(Overrides(hook, "SessionRunHook", "before_run") || Overrides(hook, "SessionRunHook", "after_run")) {
  }

  void Begin() override {
    nb::gil_scoped_acquire gil;
    Method("begin")();
  }
  void AfterCreateSession(Session& session, int64_t) override {
    nb::gil_scoped_acquire gil;
    Method("after_create_session")(SessionToPython(session), nb::none());
  }
  const SessionRunArgs* BeforeRun(SessionRunContext& context) override {
    nb::gil_scoped_acquire gil;
    nb::object python_context = ContextOf(context);
    nb::object wanted = EndsLoop([&] { return Method("before_run")(python_context); });
    current_ = wanted.is_none() ? nullptr : RequestOf(wanted);
    if (nb::cast<bool>(python_context.attr("stop_requested"))) context.RequestStop();
    return current_ ? &current_->args : nullptr;
  }
  void AfterRun(SessionRunContext& context, std::span<const Tensor> values) override {
    nb::gil_scoped_acquire gil;
    nb::object python_context = ContextOf(context);
    nb::object results = nb::none();
    if (current_) {
      nb::list flat;
      size_t next = 0;
      for (bool is_output : current_->is_output) flat.append(is_output ? ToPython(values[next++]) : nb::none());
      results = nb::borrow(current_->rebuild.get())(flat);
    }
    EndsLoop(
        [&] { return Method("after_run")(python_context, Skin("SessionRunValues")(results, nb::none(), nb::none())); });
    if (nb::cast<bool>(python_context.attr("stop_requested"))) context.RequestStop();
  }
  void End(Session& session, int64_t) override {
    nb::gil_scoped_acquire gil;
    Method("end")(SessionToPython(session));
  }
  bool RunsEveryStep() const override { return every_step_; }

 private:
  nb::object Method(const char* name) const { return nb::borrow(hook_.get()).attr(name); }

  // A context as Python has it, with what the loop itself runs.
  static nb::object ContextOf(const SessionRunContext& context) {
    nb::list fetches;
    for (Node* target : context.original_args().targets) fetches.append(NodeToPython(target));
    for (const Output& fetch : context.original_args().fetches) fetches.append(OutputToPython(fetch));
    return Skin("SessionRunContext")(Skin("SessionRunArgs")(fetches), SessionToPython(context.session()));
  }

  // The request for these arguments; those that differ only in the values fed share one.
  const Request* RequestOf(const nb::object& wanted) {
    nb::tuple parsed = nb::tuple(Skin("parse_request")(wanted));
    SessionRunArgs args;
    std::vector<bool> is_output;
    for (nb::handle fetch : parsed[0]) {
      is_output.push_back(nb::isinstance<TensorRef>(fetch));
      if (is_output.back()) {
        args.fetches.push_back(OutputFromPython(fetch));
      } else {
        args.targets.push_back(NodeFromPython(fetch));
      }
    }
    for (auto [key, value] : nb::dict(parsed[2])) {
      Output output = OutputFromPython(key);
      args.feeds.emplace_back(output, ToFedTensor(value, output.dtype()));
    }
    const auto same_place = [](const auto& a, const auto& b) { return a.first == b.first; };
    for (const auto& request : requests_) {
      SessionRunArgs& known = request->args;
      if (known.fetches != args.fetches || known.targets != args.targets || request->is_output != is_output ||
          !std::equal(known.feeds.begin(), known.feeds.end(), args.feeds.begin(), args.feeds.end(), same_place)) {
        continue;
      }
      known.feeds = std::move(args.feeds);
      request->rebuild = Kept(parsed[1]);
      return request.get();
    }
    constexpr size_t kMostKept = 32;  // a hook may ask for something else in each step
    if (requests_.size() >= kMostKept) requests_.erase(requests_.begin());
    requests_.push_back(std::make_unique<Request>(Request{std::move(args), std::move(is_output), Kept(parsed[1])}));
    return requests_.back().get();
  }

  Kept hook_;
  bool every_step_;
  std::vector<std::unique_ptr<Request>> requests_;
  const Request* current_ = nullptr;
};

// A library hook that is made when the graph is there, since it names tensors of it.
class DeferredHook : public SessionRunHook {
 public:
  explicit DeferredHook(nb::handle make) : make_(make) {}
  void Begin() override {
    {
      nb::gil_scoped_acquire gil;
      hook_ = nb::cast<std::shared_ptr<SessionRunHook>>(nb::borrow(make_.get())());
    }
    hook_->Begin();
  }
  void AfterCreateSession(Session& session, int64_t step) override { hook_->AfterCreateSession(session, step); }
  const SessionRunArgs* BeforeRun(SessionRunContext& context) override { return hook_->BeforeRun(context); }
  void AfterRun(SessionRunContext& context, std::span<const Tensor> values) override {
    hook_->AfterRun(context, values);
  }
  void End(Session& session, int64_t step) override { hook_->End(session, step); }

 private:
  Kept make_;
  std::shared_ptr<SessionRunHook> hook_;
};

class PythonListener : public CheckpointSaverListener {
 public:
  explicit PythonListener(nb::handle listener) : listener_(listener) {}
  void Begin() override {
    nb::gil_scoped_acquire gil;
    Method("begin")();
  }
  void BeforeSave(Session& session, int64_t step) override {
    nb::gil_scoped_acquire gil;
    Method("before_save")(SessionToPython(session), step);
  }
  bool AfterSave(Session& session, int64_t step) override {
    nb::gil_scoped_acquire gil;
    nb::object stop = Method("after_save")(SessionToPython(session), step);
    return PyObject_IsTrue(stop.ptr()) == 1;
  }
  void End(Session& session, int64_t step) override {
    nb::gil_scoped_acquire gil;
    Method("end")(SessionToPython(session), step);
  }

 private:
  nb::object Method(const char* name) const { return nb::borrow(listener_.get()).attr(name); }
  Kept listener_;
};

template <class T>
std::optional<T> Optional(nb::handle value) {
  return value.is_none() ? std::optional<T>() : nb::cast<T>(value);
}

using HookPtr = std::shared_ptr<SessionRunHook>;

void BindFactories(nb::module_& m) {
  m.def(
      "stop_at_step_hook",
      [](nb::handle num_steps, nb::handle last_step) {
        return AsValueError([&] { return StopAtStepHook(Optional<int64_t>(num_steps), Optional<int64_t>(last_step)); });
      },
      nb::arg().none(), nb::arg().none());
  m.def(
      "logging_tensor_hook",
      [](nb::handle tensors, nb::handle every_n_iter, nb::handle every_n_secs, bool at_end, nb::handle formatter) {
        LoggingTensorOptions options;
        for (nb::handle pair : tensors) {
          options.tensors.emplace_back(nb::cast<std::string>(pair[0]), OutputFromPython(pair[1]));
        }
        options.every_n_iter = Optional<int64_t>(every_n_iter);
        options.every_n_secs = Optional<double>(every_n_secs);
        options.at_end = at_end;
        if (!formatter.is_none()) {
          options.formatter = [kept = Kept(formatter)](const std::vector<std::pair<std::string, Tensor>>& values) {
            nb::gil_scoped_acquire gil;
            nb::dict by_name;
            for (const auto& [name, value] : values) by_name[name.c_str()] = ToPython(value);
            return nb::cast<std::string>(nb::borrow(kept.get())(by_name));
          };
        }
        return AsValueError([&] { return LoggingTensorHook(std::move(options)); });
      },
      nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg().none());
  m.def(
      "step_counter_hook",
      [](nb::handle steps, nb::handle secs, const std::string& output_dir) {
        return StepCounterHook({.every_n_steps = Optional<int64_t>(steps),
                                .every_n_secs = Optional<double>(secs),
                                .output_dir = output_dir});
      },
      nb::arg().none(), nb::arg().none(), nb::arg());
  m.def(
      "summary_saver_hook",
      [](nb::handle steps, nb::handle secs, const std::string& output_dir, Output summary) {
        return SummarySaverHook({.save_steps = Optional<int64_t>(steps),
                                 .save_secs = Optional<double>(secs),
                                 .output_dir = output_dir,
                                 .summary = summary});
      },
      nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg());
  m.def("nan_tensor_hook", [](Output loss, bool fail) { return NanTensorHook(loss, fail); });
  m.def(
      "checkpoint_saver_hook",
      [](const std::string& directory, nb::handle secs, nb::handle steps, nb::handle saver, const std::string& basename,
         nb::handle listeners) -> HookPtr {
        CheckpointSaverOptions options;
        options.checkpoint_dir = directory;
        options.save_secs = Optional<double>(secs);
        options.save_steps = Optional<int64_t>(steps);
        if (!saver.is_none()) options.saver = nb::cast<std::shared_ptr<Saver>>(saver);
        options.checkpoint_basename = basename;
        options.listeners = ListenersFromPython(listeners);
        return std::make_shared<CheckpointSaverHook>(std::move(options));
      },
      nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg().none());
}

}  // namespace

Hooks HooksFromPython(nb::handle hooks) {
  Hooks list;
  if (hooks.is_none()) return list;
  for (nb::handle hook : hooks) {
    nb::object make = nb::getattr(hook, "_make_native", nb::none());
    if (!make.is_none()) {
      list.push_back(std::make_shared<DeferredHook>(make));
    } else {
      list.push_back(std::make_shared<PythonHook>(hook));
    }
  }
  return list;
}

CheckpointListeners ListenersFromPython(nb::handle listeners) {
  CheckpointListeners list;
  if (listeners.is_none()) return list;
  for (nb::handle listener : listeners) list.push_back(std::make_shared<PythonListener>(listener));
  return list;
}

void BindHooks(nb::module_& m) {
  nb::class_<SessionRunHook>(m, "NativeHook");
  BindFactories(m);
}

}  // namespace headrace::python
