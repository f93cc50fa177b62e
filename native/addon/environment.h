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

/// One JavaScript environment (the main thread or a worker): how other threads hand results to it, and whether it
/// still takes any. Held by jobs, so it outlives its environment; what is posted after the end is dropped.
class Environment {
 public:
  using Task = std::function<void(Napi::Env)>;

  /// Makes the environment of `env`; called once, when the addon is loaded there.
  static void attach(Napi::Env env);
  static std::shared_ptr<Environment> of(Napi::Env env);

  explicit Environment(Napi::Env env);

  /// Runs `task` on the JavaScript thread, some time soon. From any thread.
  void post(Task task);

  /// Announces work that begins on an inference thread for this environment, and its end. False where the
  /// environment has gone: the work is not to begin. From any thread.
  bool begin(Interrupt& interrupt);
  void end(Interrupt& interrupt);

  /// Keeps the event loop alive between the two, as Node's ref() and unref(). On the JavaScript thread, in pairs.
  void ref(Napi::Env env);
  void unref(Napi::Env env);

  /// The wrapped classes, for this environment alone. On the JavaScript thread.
  Napi::FunctionReference module_class, optimized_class;

 private:
  static void run_tasks(napi_env env, napi_value, void* context, void*);

  /// Interrupts the work that runs for this environment and waits for its end: what libtorch has made so far may be
  /// torn down right after.
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
