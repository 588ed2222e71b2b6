// MapDataset and FilterDataset.
#include "data/block_stages.h"
#include "data/dataset.h"
#include "data/decoded_files.h"
#include "data/rows.h"

namespace headrace::data {
namespace {

// Calls a dataset's function on elements; errors tell where the element came from.
class ElementFunction {
 public:
  ElementFunction(const BoundFunction& f, IteratorContext& context)
      : context_(context), call_(f, context.functions()) {}
  Element operator()(Element args, const ElementIterator& input) {
    try {
      return call_(std::move(args), context_.cancellation());
    } catch (const Error& error) {
      throw AtPosition(error, input.Position());
    }
  }

 private:
  IteratorContext& context_;
  BoundCall call_;
};

Needed AllOf(const DatasetObject& dataset) {
  return Needed(dataset.dtypes().size(), true);
}

// The stage that lifts `f` onto the input's rows; nullptr if either can't.
template <class Stage>
std::unique_ptr<RowSource> MakeBlockStage(const DatasetObject& input, const BoundFunction& f, const Needed& needed,
                                          bool lines, IteratorContext& context) {
  auto program = BlockProgram::Make(f, input.dtypes(), input.shapes(), needed, lines, context);
  if (!program) return nullptr;
  auto source = input.MakeRowSource(context, {.needed = AllOf(input), .lines = program->takes_lines()});
  if (!source) return nullptr;
  return std::make_unique<Stage>(std::move(source), std::move(program));
}

class MapDataset final : public DatasetObject {
 public:
  MapDataset(DatasetPtr input, BoundFunction f, std::vector<DType> dtypes, std::vector<PartialShape> shapes)
      : DatasetObject(std::move(dtypes), std::move(shapes)), input_(std::move(input)), f_(std::move(f)) {
    if (f_.function->results.size() != dtypes_.size()) {
      throw InvalidArgument("the function '", f_.function->name, "' of MapDataset returns ",
                            f_.function->results.size(), " values, expected ", dtypes_.size());
    }
  }
  std::string DebugString() const override { return "MapDataset"; }
  bool pure() const override { return f_.pure && input_->pure(); }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed&) const override {
    struct Iterator final : ElementIterator {
      Iterator(std::unique_ptr<ElementIterator> input, ElementFunction f) : input(std::move(input)), f(std::move(f)) {}
      bool Next(Element* out) override {
        Element args;
        if (!input->Next(&args)) return false;
        *out = f(std::move(args), *input);
        return true;
      }
      std::string Position() const override { return input->Position(); }
      std::unique_ptr<ElementIterator> input;
      ElementFunction f;
    };
    return std::make_unique<Iterator>(input_->MakeIterator(context, AllOf(*input_)), ElementFunction(f_, context));
  }

  std::unique_ptr<RowSource> MakeRowSource(IteratorContext& context, const RowOptions& options) const override {
    auto stage = [&]() -> std::unique_ptr<RowSource> {
      return MakeBlockStage<BlockMap>(*input_, f_, options.needed, input_->gives_lines(), context);
    };
    if (options.repeats && !input_->files().empty()) {
      auto decoded = context.State<DecodedFiles>(id(), [&] { return std::make_shared<DecodedFiles>(input_->files()); });
      return decoded->Read(stage);
    }
    return stage();
  }

 private:
  DatasetPtr input_;
  BoundFunction f_;
};

class FilterDataset final : public DatasetObject {
 public:
  FilterDataset(DatasetPtr input, BoundFunction predicate)
      : DatasetObject(input->dtypes(), input->shapes()), input_(std::move(input)), predicate_(std::move(predicate)) {
    const auto& results = predicate_.function->results;
    if (results.size() != 1 || results[0].dtype() != DType::kBool) {
      throw InvalidArgument("predicate function '", predicate_.function->name, "' must return a scalar bool");
    }
  }
  std::string DebugString() const override { return "FilterDataset"; }
  bool pure() const override { return predicate_.pure && input_->pure(); }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed&) const override {
    struct Iterator final : ElementIterator {
      Iterator(std::unique_ptr<ElementIterator> input, ElementFunction predicate)
          : input(std::move(input)), predicate(std::move(predicate)) {}
      bool Next(Element* out) override {
        while (input->Next(out)) {
          if (predicate(*out, *input).at(0).scalar<bool>()) return true;
        }
        return false;
      }
      std::string Position() const override { return input->Position(); }
      std::unique_ptr<ElementIterator> input;
      ElementFunction predicate;
    };
    return std::make_unique<Iterator>(input_->MakeIterator(context, AllOf(*input_)),
                                      ElementFunction(predicate_, context));
  }

  std::unique_ptr<RowSource> MakeRowSource(IteratorContext& context, const RowOptions& options) const override {
    if (options.lines) return nullptr;
    return MakeBlockStage<BlockFilter>(*input_, predicate_, {true}, false, context);
  }

 private:
  DatasetPtr input_;
  BoundFunction predicate_;
};

}  // namespace

DatasetPtr MakeMapDataset(DatasetPtr input, BoundFunction f, std::vector<DType> dtypes,
                          std::vector<PartialShape> shapes) {
  return std::make_shared<MapDataset>(std::move(input), std::move(f), std::move(dtypes), std::move(shapes));
}
DatasetPtr MakeFilterDataset(DatasetPtr input, BoundFunction predicate) {
  return std::make_shared<FilterDataset>(std::move(input), std::move(predicate));
}

}  // namespace headrace::data
