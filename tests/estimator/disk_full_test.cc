// A disk that fills up while a checkpoint is written: training fails clearly, and the checkpoint before it stays the
// latest, whole and good to resume from. The fault is walked through every write of a save.
#include <gmock/gmock.h>

#include "estimator/rides.h"
#include "files/fault_injection.h"
#include "formats/checkpoint.h"
#include "formats/saved_model.h"

namespace headrace {
namespace {

class DiskFullTest : public RidesTest {
 protected:
  DiskFullTest() {
    auto faulty = std::make_unique<FaultInjectingFileSystem>("faulty", FileSystemFor("/"));
    disk_ = faulty.get();
    RegisterFileSystem("faulty", std::move(faulty));
  }

  // Arms the disk when a save after the first step begins.
  class FailWhileSaving : public CheckpointSaverListener {
   public:
    FailWhileSaving(FaultInjectingFileSystem* disk, int64_t call, FaultKind kind)
        : disk_(disk), call_(call), kind_(kind) {}
    void BeforeSave(Session&, int64_t global_step) override {
      if (global_step > start_) disk_->FailAt(call_, kind_);
    }
    bool AfterSave(Session&, int64_t global_step) override {
      if (start_ < 0) start_ = global_step;
      return false;
    }

   private:
    FaultInjectingFileSystem* disk_;
    int64_t call_;
    FaultKind kind_;
    int64_t start_ = -1;
  };

  FaultInjectingFileSystem* disk_;
};

TEST_F(DiskFullTest, WhileSaving_ThePreviousCheckpointStaysValid) {
  const std::string model_dir = "faulty://" + Path("m");
  Model("linear", model_dir)->Train(TrainInput(), {.steps = 5});
  int failures = 0;
  for (const FaultKind kind : {FaultKind::kDiskFull, FaultKind::kTornWrite}) {
    for (int64_t call = 0;; ++call) {
      const int64_t before = CheckpointReader(LatestCheckpoint(model_dir)).Read("global_step").AsInt64();
      std::string error;
      try {
        Model("linear", model_dir)
            ->Train(TrainInput(),
                    {.steps = 2, .saving_listeners = {std::make_shared<FailWhileSaving>(disk_, call, kind)}});
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), Code::kResourceExhausted) << e.what();
        error = e.what();
      }
      const bool reached = disk_->calls() > call;
      disk_->Disarm();
      // The latest checkpoint reads in full, whether it is the old one or, if the fault came after it, the new.
      const CheckpointReader latest(LatestCheckpoint(model_dir));
      for (const auto& [name, info] : latest.Variables()) EXPECT_EQ(latest.Read(name).shape(), info.shape);
      EXPECT_GE(latest.Read("global_step").AsInt64(), before);
      if (!reached) break;
      failures += !error.empty();
    }
  }
  EXPECT_GT(failures, 8);
  Model("linear", model_dir)->Train(TrainInput(), {.steps = 1});  // and goes on from there
}

// Training and exporting, cut off at each call in turn; whatever was said to be there before is there after it.
TEST_F(DiskFullTest, APowerLoss_LeavesCheckpointsAndExportsWhole) {
  const std::string model_dir = "faulty://" + Path("p"), exports = model_dir + "/export";
  Model("linear", model_dir)->Train(TrainInput(), {.steps = 2});
  disk_->LosePower();  // what Train left is synced
  ASSERT_NE(LatestCheckpoint(model_dir), "");
  int64_t step = CheckpointReader(LatestCheckpoint(model_dir)).Read("global_step").AsInt64();
  EXPECT_EQ(step, 2);
  size_t exported = 0;
  bool finished = false;
  for (int64_t call = 0; !finished; call += 3) {
    ASSERT_LT(call, 400);
    disk_->FailAt(call, FaultKind::kPowerLoss);
    size_t acknowledged = exported;
    int64_t trained = step;
    try {
      const auto model = Model("linear", model_dir);
      model->Train(TrainInput(), {.steps = 1});
      trained = step + 1;
      model->ExportSavedModel(exports, RawServingInput(kRideInputs));
      ++acknowledged;
      finished = true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kResourceExhausted) << error.what();
    }
    disk_->LosePower();
    const CheckpointReader latest(LatestCheckpoint(model_dir));
    for (const auto& [name, info] : latest.Variables()) EXPECT_EQ(latest.Read(name).shape(), info.shape);
    const int64_t found = latest.Read("global_step").AsInt64();
    EXPECT_GE(found, trained) << "at call " << call;
    EXPECT_LE(found, step + 1);
    step = found;
    size_t whole = 0;
    if (FileExists(exports)) {
      for (const std::string& name : FileSystemFor(exports).List(exports)) {
        if (name.starts_with("temp-")) continue;
        const std::string export_dir = JoinPath(exports, name);
        EXPECT_NO_THROW(ReadSavedModel(export_dir)) << "at call " << call;
        const CheckpointReader variables(SavedModelVariablesPrefix(export_dir));
        for (const auto& [variable, info] : variables.Variables()) variables.Read(variable);
        ++whole;
      }
    }
    EXPECT_GE(whole, acknowledged) << "at call " << call;
    exported = whole;
  }
}

}  // namespace
}  // namespace headrace
