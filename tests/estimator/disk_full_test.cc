// A disk that fills up while a checkpoint is written: training fails clearly, and the checkpoint before it stays the
// latest, whole and good to resume from. The fault is walked through every write of a save.
#include <gmock/gmock.h>

#include "estimator/rides.h"
#include "files/fault_injection.h"
#include "formats/checkpoint.h"

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

}  // namespace
}  // namespace headrace
