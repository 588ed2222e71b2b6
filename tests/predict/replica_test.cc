// The replica as a process: it answers over a unix socket and a port, says what is wrong with a request, and stops on
// SIGTERM. The process is this test binary, run again with the one test that serves.
#include "predict/replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "formats/oracle.h"
#include "formats/saved_model.h"
#include "headrace/graph.h"
#include "http/client.h"

namespace headrace {
namespace {

using testing::HasSubstr;

// y = 2 x + v, v a variable that the checkpoint holds.
void WriteModel(const std::string& directory) {
  Graph graph;
  GraphScope scope(graph);
  PartialShape column({-1});
  Output x = ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", column}}, "x");
  Node* v = graph.Apply("VariableV2", {}, {{"dtype", DType::kFloat}, {"shape", PartialShape(Shape())}}, "v");
  Output doubled = ApplyOp("Mul", {{x}, {Constant(Tensor::Scalar<float>(2))}});
  Output y = ApplyOp("AddV2", {{doubled}, {ApplyOp("Identity", {{v->output()}}, {}, "v/read")}}, {}, "y");
  Output file = Constant(Tensor::Scalar("model"), "save/Const");
  Output names = Constant(Tensor::Vector(std::vector<std::string>{"v"}));
  Output slices = Constant(Tensor::Vector(std::vector<std::string>{""}));
  Output restored = ApplyOp("RestoreV2", {{file}, {names}, {slices}}, {{"dtypes", std::vector<DType>{DType::kFloat}}});
  Node* restore = graph.Apply("Assign", {{v->output()}, {restored}}, {{"validate_shape", false}}, "save/Assign");
  MetaGraphInfo info{.tags = {"serve"}};
  info.signatures["serving_default"] = {{{"x", InfoOf(x)}}, {{"y", InfoOf(y)}}, "tensorflow/serving/predict"};
  info.saver = SaverInfo{file.name(), file.name(), restore->name()};
  SavedModelWriter writer(directory);
  writer.variables().Add("v", Tensor::Scalar<float>(0.5f));
  writer.AddMetaGraph(graph, info);
  writer.Finish();
}

class ReplicaTest : public FormatsTest {
 protected:
  ~ReplicaTest() override {
    if (process_ > 0) Stop(SIGKILL);
  }

  // Starts a replica and waits until it is ready; returns where it listens.
  http::Endpoint Start(bool on_socket) {
    WriteModel(Path("m"));
    process_ = fork();
    if (process_ == 0) {
      setenv("REPLICA_MODEL", Path("m").c_str(), 1);
      setenv("REPLICA_READY", Path("ready").c_str(), 1);
      setenv("REPLICA_SOCKET", on_socket ? Path("socket").c_str() : "", 1);
      execl("/proc/self/exe", "predict_test", "--gtest_filter=ReplicaProcess.DISABLED_Serves",
            "--gtest_also_run_disabled_tests", nullptr);
      _exit(9);
    }
    for (int i = 0; i < 600 && !FileExists(Path("ready")); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    http::Endpoint endpoint;
    if (on_socket) {
      endpoint.unix_path = ReadFile(Path("ready"));
    } else {
      endpoint.host = "127.0.0.1";
      endpoint.port = std::stoi(ReadFile(Path("ready")));
    }
    return endpoint;
  }

  int Stop(int signal) {
    kill(process_, signal);
    int status = -1;
    waitpid(process_, &status, 0);
    process_ = 0;
    return status;
  }

  static http::Response Post(http::Client& client, const std::string& body) {
    http::Request request;
    request.method = "POST";
    request.target = "/predict";
    request.body = body;
    return client.Send(request);
  }

  pid_t process_ = 0;
};

TEST(ReplicaProcess, DISABLED_Serves) {
  ReplicaOptions options;
  options.model_directory = std::getenv("REPLICA_MODEL");
  options.ready_file = std::getenv("REPLICA_READY");
  options.unix_socket = std::getenv("REPLICA_SOCKET");
  EXPECT_EQ(RunReplica(options), 0);
}

TEST_F(ReplicaTest, ServesOverAUnixSocketUntilTold) {
  http::Client client(Start(/*on_socket=*/true));
  EXPECT_THAT(client.Send({.target = "/healthz"}).body, HasSubstr("SERVING"));
  EXPECT_EQ(Post(client, R"({"instances": [1, {"x": 2.25}]})").body, R"({"predictions": [{"y": 2.5}, {"y": 5.0}]})");
  EXPECT_EQ(Stop(SIGTERM), 0);
}

TEST_F(ReplicaTest, ServesOverAPort_AndNamesBadInput) {
  http::Client client(Start(/*on_socket=*/false));
  EXPECT_EQ(Post(client, R"({"instances": [4]})").body, R"({"predictions": [{"y": 8.5}]})");
  http::Response bad = Post(client, R"({"instances": [{"z": 4}]})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.body, HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(bad.body, HasSubstr("unexpected input 'z'"));
  EXPECT_EQ(client.Send({.target = "/nothing"}).status, 404);
}

TEST_F(ReplicaTest, WithoutAModel_ExitsWithTheReason) {
  testing::internal::CaptureStderr();
  ReplicaOptions options;
  options.model_directory = Path("none");
  EXPECT_EQ(RunReplica(options), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("no SavedModel in " + Path("none")));
}

}  // namespace
}  // namespace headrace
