// Feature columns: numbers, names and variables as TensorFlow 2.15's compat.v1.feature_column gives them.
#include "headrace/feature_column.h"

#include <gmock/gmock.h>

#include "headrace/operators.h"
#include "headrace/session.h"
#include "kernels/fingerprint.h"

namespace headrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FeatureColumns : public ::testing::Test {
 protected:
  FeatureColumns() : graph_(std::make_shared<Graph>()), scope_(*graph_), session_(graph_) {}

  template <class T>
  static Output Matrix(const Shape& shape, std::vector<T> values) {
    return Constant(Tensor::Of<T>(shape, values));
  }
  Features Records() {
    return {{"lat", Matrix<float>({3}, {40.7f, 39.9f, 50.0f})},
            {"lon", Matrix<float>({3}, {-73.9f, -75.0f, 0.0f})},
            {"word", Matrix<std::string>({3, 1}, {"a", "bb", ""})},
            {"id", Matrix<int64_t>({3}, {2, 0, 1})},
            {"v", Matrix<float>({3, 2}, {1, 2, 3, 4, 5, 6})}};
  }
  Tensor Run(Output output) {
    if (!graph_->variables().empty()) session_.Run({}, {}, {GlobalVariablesInitializer()});
    for (const CollectionItem& item : graph_->collection(keys::kTableInitializers)) {
      session_.Run({}, {}, {std::get<Node*>(item)});
    }
    return session_.Run({output})[0];
  }
  // Which elements of each row are not zero, "0 4|1 5|2 5", of the column as an indicator.
  std::string Hot(const FeatureColumnPtr& column) {
    const Tensor t = Run(InputLayer(Records(), {IndicatorColumn(column)}));
    std::string text;
    for (int64_t row = 0; row < t.dim(0); ++row) {
      if (row > 0) text += "|";
      for (int64_t i = 0; i < t.dim(1); ++i) {
        if (t.data<float>()[row * t.dim(1) + i] != 0)
          text += (text.empty() || text.back() == '|' ? "" : " ") + std::to_string(i);
      }
    }
    return text;
  }

  const FeatureColumnPtr lat_ = BucketizedColumn(NumericColumn("lat"), {38, 40, 42});
  const FeatureColumnPtr lon_ = BucketizedColumn(NumericColumn("lon"), {-76, -74, -72});
  const FeatureColumnPtr v_ = BucketizedColumn(NumericColumn("v", {.shape = {2}}), {2, 4});
  std::shared_ptr<Graph> graph_;
  GraphScope scope_;
  Session session_;
};

TEST_F(FeatureColumns, InputLayer_JoinsColumnsInTheOrderOfTheirNames) {
  const auto normal = NumericColumn("lat", {.normalizer = [](Output x) { return (x - 40.0) / 2.0; }});
  const Tensor t = Run(InputLayer(Records(), {NumericColumn("lon"), NumericColumn("v", {.shape = {2}}), lat_, normal}));
  EXPECT_EQ(t.shape(), (Shape{3, 8}));
  EXPECT_FLOAT_EQ(t.data<float>()[0], 0.35000038f);
  EXPECT_EQ(t.Slice(2, 3).ToString(), "float32[1,8] [5, 0, 0, 0, 1, 0, 5, 6]");
}

TEST_F(FeatureColumns, InputLayer_TakesTheScopesName) {
  const VariableScope dnn("dnn");
  const VariableScope from("input_from_feature_columns");
  EXPECT_EQ(InputLayer(Records(), {NumericColumn("lat"), NumericColumn("lon")}).name(),
            "dnn/input_from_feature_columns/input_layer/concat:0");
}

TEST_F(FeatureColumns, AMissingFeatureIsNamed) {
  try {
    InputLayer(Records(), {NumericColumn("speed")});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("speed"));
    EXPECT_THAT(error.what(), HasSubstr("lat"));
  }
}

TEST_F(FeatureColumns, InputLayer_RefusesCategoricalAndDuplicateColumns) {
  EXPECT_THROW(InputLayer(Records(), {CategoricalColumnWithIdentity("id", 3)}), Error);
  EXPECT_THROW(InputLayer(Records(), {NumericColumn("lat"), NumericColumn("lat")}), Error);
}

TEST_F(FeatureColumns, BucketsOfAVectorFollowOneAnother) {
  EXPECT_EQ(Hot(v_), "0 4|1 5|2 5");
}

TEST_F(FeatureColumns, CrossesHashAsTensorFlow) {
  const auto place = CrossedColumn({lat_, lon_}, 100);
  EXPECT_EQ(Hot(place), "91|41|85");
  EXPECT_EQ(Hot(CrossedColumn({place, "word"}, 1000)), "956|775|112");
  EXPECT_EQ(Hot(CrossedColumn({"word", v_}, 777)), "0 551|76 764|231 552");
}

TEST_F(FeatureColumns, IdsOfOneFeature) {
  EXPECT_EQ(Hot(CategoricalColumnWithIdentity("id", 3)), "2|0|1");
  EXPECT_EQ(Hot(CategoricalColumnWithHashBucket("word", 50)), "39|32|");
  const Tensor words = Tensor::Vector(std::vector<std::string>{"bb", "a"});
  EXPECT_EQ(Hot(CategoricalColumnWithVocabularyList("word", words)), "1|0|");
  const Tensor one = Tensor::Vector(std::vector<std::string>{"bb"});
  EXPECT_EQ(Hot(CategoricalColumnWithVocabularyList("word", one, {.num_oov_buckets = 5})), "5|0|");
}

TEST_F(FeatureColumns, EmbeddingsCombineARecordsRows) {
  std::vector<float> rows(12);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
  const auto embedded = [&](const std::string& combiner) {
    const auto initializer = ValueInitializer(Tensor::Of<float>({6, 2}, rows));
    return Run(InputLayer(Records(), {EmbeddingColumn(v_, 2, {.combiner = combiner, .initializer = initializer})}))
        .ToString();
  };
  EXPECT_EQ(embedded("mean"), "float32[3,2] [4, 5, 6, 7, 7, 8]");
  EXPECT_EQ(embedded("sum"), "float32[3,2] [8, 10, 12, 14, 14, 16]");
  EXPECT_THAT(embedded("sqrtn"), HasSubstr("[5.65685, 7.07107, 8.48528"));
}

TEST_F(FeatureColumns, LinearModel_VariablesAreNamedAs1_15NamesThem) {
  const auto place = CrossedColumn({lat_, lon_}, 100);
  const Output logits = LinearModel(Records(), {lat_, lon_, place, NumericColumn("v", {.shape = {2}})});
  std::vector<std::string> names;
  for (const auto& variable : graph_->variables()) names.push_back(variable->name + variable->shape().ToString());
  EXPECT_THAT(names, ElementsAre("linear_model/lat_bucketized/weights[4,1]",
                                 "linear_model/lat_bucketized_X_lon_bucketized/weights[100,1]",
                                 "linear_model/lon_bucketized/weights[4,1]", "linear_model/v/weights[2,1]",
                                 "linear_model/bias_weights[1]"));
  EXPECT_EQ(Run(logits).ToString(), "float32[3,1] [0, 0, 0]");
}

TEST_F(FeatureColumns, LinearModel_SumsWeightsOfIdsAndNumbers) {
  ColumnParts parts;
  const FeatureColumnPtr v = NumericColumn("v", {.shape = {2}});
  const Output logits = LinearModel(Records(), {lat_, v}, {}, &parts);
  session_.Run({}, {}, {GlobalVariablesInitializer()});
  session_.Run({}, {},
               {AssignVariable(*parts.variables.at(lat_.get()).at(0), Matrix<float>({4, 1}, {1, 10, 100, 1000})),
                AssignVariable(*parts.variables.at(v.get()).at(0), Matrix<float>({2, 1}, {0.5f, 0.25f})),
                AssignVariable(*parts.bias, Matrix<float>({1}, {7}))});
  EXPECT_EQ(session_.Run({logits})[0].ToString(), "float32[3,1] [108, 19.5, 1011]");
}

TEST_F(FeatureColumns, ParseExampleSpec) {
  const auto spec = MakeParseExampleSpec({CrossedColumn({lat_, lon_}, 100), NumericColumn("v", {.shape = {2}}),
                                          EmbeddingColumn(CategoricalColumnWithHashBucket("word", 50), 4)});
  ASSERT_EQ(spec.size(), 4u);
  EXPECT_EQ(std::get<FixedLenFeature>(spec.at("v")).shape, (Shape{2}));
  EXPECT_EQ(std::get<FixedLenFeature>(spec.at("lat")).dtype, DType::kFloat);
  EXPECT_EQ(std::get<VarLenFeature>(spec.at("word")).dtype, DType::kString);
}

// tf.strings.to_hash_bucket_fast(s, 2**62) of byte i = (37 i + 11) mod 251.
TEST(Fingerprint, IsFarmHashsForAllLengths) {
  const std::vector<std::pair<size_t, uint64_t>> expected{
      {0, 1936946117179621455},  {1, 176124231402506090},   {3, 3979540680440595841},  {4, 873266774625119593},
      {7, 1587581522672208245},  {8, 1081479215267182365},  {15, 2740426556496838470}, {16, 2161736752036300631},
      {17, 2725916275072538286}, {31, 1385149198537606287}, {32, 3102690546285487215}, {33, 4423707028526043062},
      {63, 1373741527600390380}, {64, 1907212410693397370}, {65, 3608805524996258718}, {127, 1809689891077521335},
      {128, 500231257745944714}, {129, 465292574767080835}, {200, 4344849323043487291}};
  for (const auto& [length, hash] : expected) {
    std::string bytes;
    for (size_t i = 0; i < length; ++i) bytes += static_cast<char>((i * 37 + 11) % 251);
    EXPECT_EQ(Fingerprint64(bytes) % (uint64_t{1} << 62), hash) << length;
  }
}

}  // namespace
}  // namespace headrace
