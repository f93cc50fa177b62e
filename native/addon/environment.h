#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "runtime/interrupt.h"

namespace resnet {

/// One JavaScript environment (the main thread or a worker), to which other threads post their results. Jobs share its
/// ownership, so it may outlive the JavaScript side; tasks that are posted after that are dropped.
class Environment {
 public:
  using Task = std::function<void(Napi::Env)>;

  /// Called once for each `env`, when the addon is loaded there.
  static void attach(Napi::Env env);
  static std::shared_ptr<Environment> of(Napi::Env env);

  explicit Environment(Napi::Env env);

  /// Queues `task` for the JavaScript thread. From any thread.
  void post(Task task);

  /// Announce the begin and the end of work on an inference thread. From any thread.
  /// @returns false if the environment has ended: the work must not begin
  bool begin(Interrupt& interrupt);
  void end(Interrupt& interrupt);

  /// As Node's ref() and unref(), in pairs: the event loop stays alive between them. On the JavaScript thread.
  void ref(Napi::Env env);
  void unref(Napi::Env env);

  /// The wrapped classes' constructors: each environment has its own. On the JavaScript thread.
  Napi::FunctionReference module_class, optimized_class, trainer_class;

 private:
  static void run_tasks(napi_env env, napi_value, void* context, void*);

  /// Interrupts this environment's running work and waits for its end, because what libtorch has allocated may be torn
  /// down right after.
  void close();

  std::mutex mutex_;
  std::condition_variable ended_;
  std::deque<Task> tasks_;
  std::unordered_set<Interrupt*> running_;
  bool open_ = true;
  int references_ = 0;
  napi_threadsafe_function wake_ = nullptr;
};

}  // namespace resnet
