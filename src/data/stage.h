// Transforms that only choose and order elements are written once, for elements and for rows: a stage is a class
// template over what flows (Element or Row) that takes its input from a Flow<T>::Input and has `bool Next(T*)`.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "data/dataset.h"
#include "data/rows.h"

namespace headrace::data {

template <class T>
struct Flow;

template <>
struct Flow<Element> {
  using Input = ElementIterator;
  static std::unique_ptr<Input> Open(const DatasetObject& dataset, IteratorContext& context,
                                     const RowOptions& options) {
    return dataset.MakeIterator(context, options.needed);
  }
  static void Discard(Element*) {}
};

template <>
struct Flow<Row> {
  using Input = RowReader;
  static std::unique_ptr<Input> Open(const DatasetObject& dataset, IteratorContext& context,
                                     const RowOptions& options) {
    auto source = dataset.MakeRowSource(context, options);
    return source ? std::make_unique<RowReader>(std::move(source)) : nullptr;
  }
  static void Discard(Row* row) { Release(row->block); }
};

template <class Stage>
class StageIterator final : public ElementIterator {
 public:
  explicit StageIterator(Stage stage) : stage_(std::move(stage)) {}
  bool Next(Element* out) override { return stage_.Next(out); }
  std::string Position() const override { return stage_.Position(); }

 private:
  Stage stage_;
};

template <class Stage>
class StageSource final : public RowSource {
 public:
  explicit StageSource(Stage stage) : stage_(std::move(stage)) {}
  bool Fill(std::vector<Row>* rows, int64_t wanted) override {
    return FillByStep(rows, wanted, &pending_, [&] {
      Row row;
      if (!stage_.Next(&row)) return false;
      rows->push_back(row);
      return true;
    });
  }

 private:
  Stage stage_;
  std::exception_ptr pending_;
};

// A dataset with one input whose two forms are the stage made by `Derived::MakeStage<T>(input, context, options)`.
template <class Derived>
class StageDataset : public DatasetObject {
 public:
  bool pure() const override { return input_->pure(); }
  bool may_run_ahead() const override { return input_->may_run_ahead(); }
  bool gives_lines() const override { return input_->gives_lines(); }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed& needed) const override {
    const RowOptions options = self().InputOptions({.needed = needed});
    auto stage = self().template MakeStage<Element>(Flow<Element>::Open(*input_, context, options), context, options);
    return std::make_unique<StageIterator<decltype(stage)>>(std::move(stage));
  }
  std::unique_ptr<RowSource> MakeRowSource(IteratorContext& context, const RowOptions& asked) const override {
    const RowOptions options = self().InputOptions(asked);
    auto input = Flow<Row>::Open(*input_, context, options);
    if (!input) return nullptr;
    auto stage = self().template MakeStage<Row>(std::move(input), context, options);
    return std::make_unique<StageSource<decltype(stage)>>(std::move(stage));
  }

 protected:
  explicit StageDataset(DatasetPtr input) : DatasetObject(input->dtypes(), input->shapes()), input_(std::move(input)) {}
  RowOptions InputOptions(RowOptions options) const { return options; }
  DatasetPtr input_;

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }
};

}  // namespace headrace::data
