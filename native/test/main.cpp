#include <gtest/gtest.h>

#include "runtime/inference_threads.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  resnet::InferenceThreads::shared().stop();  // as lib/native/addon.ts does before a process ends
  return result;
}
