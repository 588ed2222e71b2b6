// Checkpoints: all element types, partitioned variables, damage, a full disk, and both directions with TensorFlow.
#include "formats/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "files/fault_injection.h"
#include "formats/oracle.h"
#include "formats/table.h"
#include "headrace/error.h"

namespace headrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

bool SameTensor(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.dtype() == DType::kString) {
    return std::equal(a.flat<std::string>().begin(), a.flat<std::string>().end(), b.flat<std::string>().begin());
  }
  return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// The values that oracle_files.py writes and expects.
std::map<std::string, Tensor> SampleVariables() {
  std::map<std::string, Tensor> values;
  std::vector<float> kernel(6);
  for (int i = 0; i < 6; ++i) kernel[i] = 0.5f * static_cast<float>(i) - 1;
  values["dnn/hiddenlayer_0/kernel"] = Tensor::Of<float>({2, 3}, kernel);
  values["dnn/hiddenlayer_0/bias"] = Tensor::Vector(std::vector<float>{1, 2, 3});
  values["global_step"] = Tensor::Scalar<int64_t>(1234567890123);
  values["words"] = Tensor::Vector(std::vector<std::string>{"a", "", std::string(300, 'q')});
  values["empty"] = Tensor(DType::kFloat, {0, 4});
  values["double"] = Tensor::Scalar<double>(2.25);
  values["int32"] = Tensor::Vector(std::vector<int32_t>{-1, 7});
  values["uint8"] = Tensor::Vector(std::vector<uint8_t>{0, 255});
  Tensor flags(DType::kBool, {2});
  flags.data<bool>()[0] = true;
  flags.data<bool>()[1] = false;
  values["bool"] = flags;
  return values;
}

class CheckpointTest : public FormatsTest {
 protected:
  void Write(const std::string& prefix, const std::map<std::string, Tensor>& values) {
    CheckpointWriter writer(prefix);
    for (const auto& [name, value] : values) writer.Add(name, value);
    writer.Finish();
  }
  void ExpectSample(const CheckpointReader& reader) {
    for (const auto& [name, value] : SampleVariables()) {
      ASSERT_TRUE(reader.Has(name)) << name;
      EXPECT_TRUE(SameTensor(reader.Read(name), value)) << name << " " << reader.Read(name);
      EXPECT_EQ(reader.Variables().at(name).shape, value.shape());
      EXPECT_EQ(reader.Variables().at(name).dtype, value.dtype());
    }
  }
};

TEST_F(CheckpointTest, ReadGivesWhatWasWritten) {
  Write(Path("model.ckpt-1"), SampleVariables());
  CheckpointReader reader(Path("model.ckpt-1"));
  ExpectSample(reader);
  EXPECT_FALSE(reader.Has("nothing"));
  EXPECT_THROW(reader.Read("nothing"), Error);
  EXPECT_THAT(FileSystemFor(directory_).List(directory_),
              ElementsAre("model.ckpt-1.data-00000-of-00001", "model.ckpt-1.index"));
}

TEST_F(CheckpointTest, ManyVariables_SpanBlocks) {
  std::map<std::string, Tensor> values;
  for (int i = 0; i < 20'000; ++i) values["layer_" + std::to_string(i) + "/kernel"] = Tensor::Scalar<int32_t>(i);
  Write(Path("big"), values);
  CheckpointReader reader(Path("big"));
  EXPECT_EQ(reader.Variables().size(), values.size());
  EXPECT_EQ(reader.Read("layer_12345/kernel").scalar<int32_t>(), 12345);
}

TEST_F(CheckpointTest, PartitionedVariables_ReadAsOne) {
  CheckpointWriter writer(Path("p"));
  writer.AddSlice("embedding", {5, 2}, {0, 0}, Tensor::Of<float>({3, 2}, std::vector<float>{0, 1, 2, 3, 4, 5}));
  writer.AddSlice("embedding", {5, 2}, {3, 0}, Tensor::Of<float>({2, 2}, std::vector<float>{6, 7, 8, 9}));
  writer.Finish();
  CheckpointReader reader(Path("p"));
  EXPECT_EQ(reader.Variables().size(), 1u);
  Tensor whole = reader.Read("embedding");
  EXPECT_THAT(whole.flat<float>(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(reader.ReadSlice("embedding", {2, 1}, {2, 1}).flat<float>(), ElementsAre(5, 7));
  EXPECT_THROW(reader.ReadSlice("embedding", {4, 0}, {2, 2}), Error);
}

// A whole of which the files hold only a part would be memory nobody filled, of any size.
TEST_F(CheckpointTest, PartsThatDoNotMakeUpTheWhole_AreDamage) {
  CheckpointWriter writer(Path("p"));
  for (int64_t i : {0, 1}) writer.AddSlice("v", {5, 2}, {3 * i, 0}, Tensor::Zeros(DType::kFloat, {3 - i, 2}));
  writer.Finish();
  EXPECT_EQ(CheckpointReader(Path("p")).Read("v").shape(), Shape({5, 2}));
  const std::string five("\x12\x02\x08\x05", 4), larger("\x12\x04\x08\xff\xff\x7f", 6);
  auto entries = ReadTable(ReadFile(Path("p.index")), "p.index");
  std::string& entry = entries.at("v");
  // The shape is a message of two sizes of four bytes each; the first becomes two bytes longer.
  const size_t at = entry.find(five);
  ASSERT_NE(at, std::string::npos);
  ASSERT_EQ(entry[at - 1], 8);
  entry[at - 1] = 10;
  entry.replace(at, five.size(), larger);
  WriteFile(Path("p.index"), BuildTable(entries));
  CheckpointReader reader(Path("p"));
  EXPECT_EQ(reader.Variables().at("v").shape, Shape({0x1fffff, 2}));
  try {
    reader.Read("v");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("its parts do not make up the whole"));
  }
}

TEST_F(CheckpointTest, PartThatIsTheWhole_IsStoredAsTheWhole) {
  const Tensor value = Tensor::Vector(std::vector<float>{1, 2, 3});
  CheckpointWriter parts(Path("parts")), plain(Path("plain"));
  parts.AddSlice("v", {3}, {0}, value);
  parts.Finish();
  plain.Add("v", value);
  plain.Finish();
  EXPECT_EQ(ReadFile(Path("parts.index")), ReadFile(Path("plain.index")));
}

TEST_F(CheckpointTest, Merge_JoinsShards) {
  Write(Path("a"), {{"x", Tensor::Scalar<float>(1)}});
  Write(Path("b"), {{"y", Tensor::Scalar<float>(2)}});
  MergeCheckpoints({Path("a"), Path("b")}, Path("ab"), /*delete_old=*/true);
  CheckpointReader reader(Path("ab"));
  EXPECT_EQ(reader.Read("y").scalar<float>(), 2);
  EXPECT_FALSE(CheckpointExists(Path("a")));
  EXPECT_THAT(FileSystemFor(directory_).List(directory_), ElementsAre("ab.data-00000-of-00001", "ab.index"));
}

TEST_F(CheckpointTest, DamageIsNoticed) {
  Write(Path("m"), SampleVariables());
  std::string index = ReadFile(Path("m.index")), data = ReadFile(Path("m.data-00000-of-00001"));
  auto read_all = [&] {
    CheckpointReader reader(Path("m"));
    for (const auto& [name, info] : reader.Variables()) reader.Read(name);
  };
  for (size_t i = 0; i < data.size(); ++i) {
    std::string bad = data;
    bad[i] ^= 1;
    WriteFile(Path("m.data-00000-of-00001"), bad);
    EXPECT_THROW(read_all(), Error) << "data byte " << i;
  }
  WriteFile(Path("m.data-00000-of-00001"), data);
  // The footer of 48 bytes is mostly padding.
  for (size_t i = 0; i + 48 < index.size(); ++i) {
    std::string bad = index;
    bad[i] ^= 1;
    WriteFile(Path("m.index"), bad);
    EXPECT_THROW(read_all(), Error) << "index byte " << i;
  }
  for (size_t size = 0; size < index.size(); ++size) {
    WriteFile(Path("m.index"), index.substr(0, size));
    EXPECT_THROW(read_all(), Error) << "index cut at " << size;
  }
}

TEST_F(CheckpointTest, AFailureAtAnyCall_LeavesThePreviousOneValid) {
  auto owned = std::make_unique<FaultInjectingFileSystem>("ckptfault", FileSystemFor("/"));
  FaultInjectingFileSystem& faults = *owned;
  RegisterFileSystem("ckptfault", std::move(owned));
  std::string remote = "ckptfault://" + directory_;
  Write(Path("model.ckpt-1"), {{"x", Tensor::Scalar<float>(1)}});
  WriteCheckpointState(directory_, {.latest = Path("model.ckpt-1"), .all = {Path("model.ckpt-1")}});
  for (FaultKind kind : {FaultKind::kDiskFull, FaultKind::kTornWrite, FaultKind::kPowerLoss}) {
    bool failed = true;
    for (int64_t call = 0; failed; ++call) {
      ASSERT_LT(call, 100);
      faults.FailAt(call, kind);
      failed = false;
      try {
        Write(remote + "/model.ckpt-2", {{"x", Tensor::Scalar<float>(2)}});
        std::string one = remote + "/model.ckpt-1", two = remote + "/model.ckpt-2";
        WriteCheckpointState(remote, {.latest = two, .all = {one, two}});
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::kResourceExhausted);
        failed = true;
      }
      faults.Disarm();
      std::string latest = LatestCheckpoint(directory_);
      ASSERT_NE(latest, "") << call;
      float expected = latest == Path("model.ckpt-2") ? 2 : 1;
      EXPECT_EQ(CheckpointReader(latest).Read("x").scalar<float>(), expected);
      EXPECT_EQ(CheckpointReader(Path("model.ckpt-1")).Read("x").scalar<float>(), 1);
      RemoveCheckpoint(Path("model.ckpt-2"));
      WriteCheckpointState(directory_, {.latest = Path("model.ckpt-1"), .all = {Path("model.ckpt-1")}});
    }
  }
}

// Power is lost at each call in turn, and once behind the last: what was not synced is gone, or some of it.
TEST_F(CheckpointTest, APowerLossWhileItIsReplaced_LeavesTheOldOneOrTheNew) {
  auto owned = std::make_unique<FaultInjectingFileSystem>("ckptpower", FileSystemFor("/"));
  FaultInjectingFileSystem& disk = *owned;
  RegisterFileSystem("ckptpower", std::move(owned));
  const std::string prefix = "ckptpower://" + Path("model");
  const auto value_there = [&] { return CheckpointReader(Path("model")).Read("x").AsDouble(); };
  Write(prefix, {{"x", Tensor::Scalar<float>(1)}, {"y", Tensor::Vector(std::vector<float>(100, 1))}});
  float value = 2;
  for (const unsigned luck : {0, 1, 2, 3, 4, 5, 6, 7, 8}) {
    bool acknowledged = false;
    int64_t call = 0;
    for (; !acknowledged; ++value, ++call) {
      ASSERT_LT(call, 100);
      const double before = value_there();
      if (CheckpointReader(Path("model")).num_shards() != 1) {  // so that each attempt begins alike
        Write(prefix, {{"x", Tensor::Scalar(static_cast<float>(before))}});
      }
      disk.FailAt(call, FaultKind::kPowerLoss);
      try {
        Write(prefix, {{"x", Tensor::Scalar(value)}});
        acknowledged = true;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::kResourceExhausted);
      }
      disk.LosePower(luck);
      const double after = value_there();
      if (acknowledged) {
        EXPECT_EQ(after, value);
      }
      EXPECT_TRUE(after == before || after == value) << "luck " << luck << ", call " << call << ": " << after;
    }
    EXPECT_GT(call, 18);
  }
  EXPECT_THAT(FileSystemFor(directory_).List(directory_), IsSupersetOf({"model.data-00000-of-00001", "model.index"}));
}

TEST_F(CheckpointTest, ReplacedOften_KeepsTheUsualNames) {
  for (float value = 0; value < 4; ++value) {
    Write(Path("m"), {{"x", Tensor::Scalar(value)}});
    EXPECT_EQ(CheckpointReader(Path("m")).Read("x").AsDouble(), value);
    EXPECT_THAT(FileSystemFor(directory_).List(directory_), ElementsAre("m.data-00000-of-00001", "m.index"));
  }
}

TEST_F(CheckpointTest, Errors_NameWhatIsAbsent) {
  try {
    CheckpointReader reader(Path("none"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr(Path("none.index")));
  }
  CheckpointWriter writer(Path("twice"));
  writer.Add("x", Tensor::Scalar<float>(1));
  EXPECT_THROW(writer.Add("x", Tensor::Scalar<float>(1)), Error);
}

TEST_F(CheckpointTest, State_KeepsPathsRelative) {
  EXPECT_FALSE(ReadCheckpointState(directory_).has_value());
  EXPECT_EQ(LatestCheckpoint(directory_), "");
  Write(Path("model.ckpt-5"), {{"x", Tensor::Scalar<float>(1)}});
  WriteCheckpointState(directory_,
                       {.latest = Path("model.ckpt-5"), .all = {"/elsewhere/model.ckpt-0", Path("model.ckpt-5")}});
  EXPECT_EQ(ReadFile(Path("checkpoint")),
            "model_checkpoint_path: \"model.ckpt-5\"\n"
            "all_model_checkpoint_paths: \"/elsewhere/model.ckpt-0\"\n"
            "all_model_checkpoint_paths: \"model.ckpt-5\"\n");
  EXPECT_THAT(ReadCheckpointState(directory_)->all, ElementsAre("/elsewhere/model.ckpt-0", Path("model.ckpt-5")));
  EXPECT_EQ(LatestCheckpoint(directory_), Path("model.ckpt-5"));
}

TEST(Table, KeysComeBackSorted) {
  std::map<std::string, std::string> entries;
  for (int i = 0; i < 5000; ++i) entries["key" + std::to_string(i)] = std::string(static_cast<size_t>(i % 200), 'v');
  EXPECT_EQ(ReadTable(BuildTable(entries), "t"), entries);
  EXPECT_TRUE(ReadTable(BuildTable({}), "t").empty());
}

TEST_F(CheckpointTest, TensorFlowReadsOursAndWeReadTensorFlows) {
  SKIP_WITHOUT_ORACLE();
  Write(Path("ours"), SampleVariables());
  CheckpointWriter parts(Path("ours_parts"));
  std::vector<float> values(200);
  for (int i = 0; i < 200; ++i) values[i] = static_cast<float>(i);
  Tensor all = Tensor::Of<float>({100, 2}, values);
  parts.AddSlice("embedding", {100, 2}, {0, 0}, all.Slice(0, 70));
  parts.AddSlice("embedding", {100, 2}, {70, 0}, all.Slice(70, 100));
  parts.Finish();
  RunOracle("oracle_files.py", "checkpoint " + directory_, directory_);
  ExpectSample(CheckpointReader(Path("theirs")));
  EXPECT_EQ(ReadFile(Path("theirs.index")), ReadFile(Path("ours.index")));
  EXPECT_EQ(ReadFile(Path("theirs.data-00000-of-00001")), ReadFile(Path("ours.data-00000-of-00001")));
  EXPECT_TRUE(SameTensor(CheckpointReader(Path("theirs_parts")).Read("embedding"), all));
  EXPECT_EQ(ReadFile(Path("theirs_parts.index")), ReadFile(Path("ours_parts.index")));
  ExpectSample(CheckpointReader(Path("theirs_sharded")));
  // Many entries: the second index block's separator keys must be theirs too.
  std::map<std::string, Tensor> many;
  for (int i = 0; i < 9000; ++i) many["layer_" + std::to_string(i) + "/kernel"] = Tensor::Scalar<int32_t>(i);
  Write(Path("ours_many"), many);
  EXPECT_EQ(ReadFile(Path("theirs_many.index")), ReadFile(Path("ours_many.index")));
}

}  // namespace
}  // namespace headrace
