// Runs a Python script under real TensorFlow, the judge of what we write and the author of what we read.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "headrace/file_system.h"

namespace headrace {

inline bool HasOracle() {
  const char* python = std::getenv("HEADRACE_ORACLE_PYTHON");
  return python && *python;
}

// Runs tests/formats/SCRIPT with the arguments; the test fails, with the script's output, unless it exits with 0.
inline void RunOracle(const std::string& script, const std::string& arguments, const std::string& directory) {
  std::string log = directory + "/oracle.log";
  std::string command = std::string(std::getenv("HEADRACE_ORACLE_PYTHON")) + " " HEADRACE_TESTS_DIR "/formats/" +
                        script + " " + arguments + " >" + log + " 2>&1";
  int status = std::system(command.c_str());
  ASSERT_EQ(status, 0) << command << "\n" << ReadFile(log);
}

// A directory for one test.
class FormatsTest : public testing::Test {
 protected:
  FormatsTest() {
    char name[] = "/tmp/headrace_formats_XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~FormatsTest() override { RemoveTree(directory_); }
  std::string Path(const std::string& name) const { return JoinPath(directory_, name); }

  std::string directory_;
};

#define SKIP_WITHOUT_ORACLE() \
  if (!HasOracle()) GTEST_SKIP() << "HEADRACE_ORACLE_PYTHON names no interpreter with TensorFlow"

}  // namespace headrace
