// Exporters: when to export after an evaluation, and which older exports to remove.
#include <algorithm>
#include <charconv>

#include "formats/event_file.h"
#include "headrace/estimator.h"
#include "headrace/file_system.h"
#include "headrace/log.h"

namespace headrace {
namespace {

// Removes all but the newest exports: directories whose names are numbers.
void RemoveOldExports(const std::string& base, std::optional<int> keep) {
  if (!keep) return;
  std::vector<std::pair<int64_t, std::string>> exports;
  for (const std::string& name : FileSystemFor(base).List(base)) {
    int64_t timestamp = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), timestamp);
    if (error == std::errc() && end == name.data() + name.size()) exports.emplace_back(timestamp, JoinPath(base, name));
  }
  std::ranges::sort(exports);
  for (size_t i = 0; i + static_cast<size_t>(*keep) < exports.size(); ++i) {
    try {
      RemoveTree(exports[i].second);
    } catch (const Error& error) {
      LogWarning("Can not delete ", exports[i].second, " recursively: ", error.what());
    }
  }
}

class SimpleExporter : public Exporter {
 public:
  SimpleExporter(std::string name, ServingInputFn serving_input, ExporterOptions options)
      : name_(std::move(name)), serving_input_(std::move(serving_input)), options_(std::move(options)) {
    if (name_.empty()) throw InvalidArgument("an exporter's name must not be empty");
    if (options_.exports_to_keep && *options_.exports_to_keep <= 0) {
      throw InvalidArgument("`exports_to_keep`, if provided, must be a positive number. Got ",
                            *options_.exports_to_keep);
    }
  }
  std::string name() const override { return name_; }

 protected:
  std::string ExportNow(Estimator& estimator, const std::string& export_path, const std::string& checkpoint_path) {
    std::string path = estimator.ExportSavedModel(
        export_path, serving_input_, {.checkpoint_path = checkpoint_path, .assets_extra = options_.assets_extra});
    RemoveOldExports(export_path, options_.exports_to_keep);
    return path;
  }

 private:
  std::string name_;
  ServingInputFn serving_input_;
  ExporterOptions options_;
};

class Latest : public SimpleExporter {
 public:
  using SimpleExporter::SimpleExporter;
  std::string Export(Estimator& estimator, const std::string& export_path, const std::string& checkpoint_path,
                     const EvalResult&, bool) override {
    return ExportNow(estimator, export_path, checkpoint_path);
  }
};

class Final : public SimpleExporter {
 public:
  using SimpleExporter::SimpleExporter;
  std::string Export(Estimator& estimator, const std::string& export_path, const std::string& checkpoint_path,
                     const EvalResult&, bool is_the_final_export) override {
    if (!is_the_final_export) return "";
    LogInfo("Performing the final export in the end of training.");
    return ExportNow(estimator, export_path, checkpoint_path);
  }
};

bool SmallerLoss(const EvalResult& best, const EvalResult& current) {
  const auto loss = [](const EvalResult& result, const char* which) {
    const auto found = result.find("loss");
    if (found == result.end()) throw InvalidArgument(which, " evaluation result has no 'loss' to compare");
    return found->second.AsDouble();
  };
  return loss(best, "best") > loss(current, "current");
}

class Best : public SimpleExporter {
 public:
  Best(ServingInputFn serving_input, const BestExporterOptions& options)
      : SimpleExporter(options.name, std::move(serving_input),
                       {.assets_extra = options.assets_extra, .exports_to_keep = options.exports_to_keep}),
        pattern_(options.event_file_pattern),
        better_(options.better ? options.better : SmallerLoss) {}

  std::string Export(Estimator& estimator, const std::string& export_path, const std::string& checkpoint_path,
                     const EvalResult& result, bool) override {
    if (!read_earlier_ && !pattern_.empty()) best_ = BestOfEvents(JoinPath(estimator.model_dir(), pattern_));
    read_earlier_ = true;
    // The first evaluation is exported whatever the events say: they hold that very evaluation already.
    if (has_exported_ && best_ && !better_(*best_, result)) return "";
    LogInfo("Performing best model export.");
    best_ = result;
    has_exported_ = true;
    return ExportNow(estimator, export_path, checkpoint_path);
  }

 private:
  std::optional<EvalResult> BestOfEvents(const std::string& pattern) const {
    std::optional<EvalResult> best;
    for (const std::string& file : MatchFiles(pattern)) {
      for (const EventRecord& event : ReadEvents(file)) {
        if (event.scalars.empty()) continue;
        EvalResult result;
        for (const auto& [name, value] : event.scalars) result[name] = Tensor::Scalar(value);
        result["global_step"] = Tensor::Scalar(event.step);
        if (!best || better_(*best, result)) best = result;
      }
    }
    return best;
  }

  std::string pattern_;
  std::function<bool(const EvalResult&, const EvalResult&)> better_;
  std::optional<EvalResult> best_;
  bool read_earlier_ = false, has_exported_ = false;
};

}  // namespace

std::shared_ptr<Exporter> LatestExporter(std::string name, ServingInputFn serving_input, ExporterOptions options) {
  return std::make_shared<Latest>(std::move(name), std::move(serving_input), std::move(options));
}

std::shared_ptr<Exporter> FinalExporter(std::string name, ServingInputFn serving_input, ExporterOptions options) {
  options.exports_to_keep = {};
  return std::make_shared<Final>(std::move(name), std::move(serving_input), std::move(options));
}

std::shared_ptr<Exporter> BestExporter(ServingInputFn serving_input, const BestExporterOptions& options) {
  return std::make_shared<Best>(std::move(serving_input), options);
}

}  // namespace headrace
