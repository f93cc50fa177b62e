#include "addon/environment.h"

#include <dlfcn.h>

#include <utility>

namespace resnet {
namespace {

/// Keeps this addon loaded until the process ends. Node unloads an addon with the last environment that uses it, while
/// the inference threads are still running its code.
void stay_loaded() {
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&stay_loaded), &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

}  // namespace

void Environment::attach(Napi::Env env) {
  stay_loaded();
  auto environment = std::make_shared<Environment>(env);
  // Hooks run in reverse order: this one runs before the wake function is torn down, and no thread calls it afterward.
  env.AddCleanupHook([environment] { environment->close(); });
  env.SetInstanceData(new std::shared_ptr<Environment>(std::move(environment)));
}

std::shared_ptr<Environment> Environment::of(Napi::Env env) {
  return *env.GetInstanceData<std::shared_ptr<Environment>>();
}

Environment::Environment(Napi::Env env) {
  const auto name = Napi::String::New(env, "libtorch-resnet");
  const auto status =
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, run_tasks, &wake_);
  if (status != napi_ok) throw Napi::Error::New(env);
  napi_unref_threadsafe_function(env, wake_);
}

void Environment::post(Task task) {
  const std::lock_guard lock(mutex_);
  if (!open_) return;
  tasks_.push_back(std::move(task));
  napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

void Environment::ref(Napi::Env env) {
  if (references_++ == 0) napi_ref_threadsafe_function(env, wake_);
}

void Environment::unref(Napi::Env env) {
  if (--references_ == 0) napi_unref_threadsafe_function(env, wake_);
}

void Environment::run_tasks(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // the environment is going away
  auto& self = *static_cast<Environment*>(context);
  while (true) {
    Task task;
    {
      const std::lock_guard lock(self.mutex_);
      if (!self.open_ || self.tasks_.empty()) return;
      task = std::move(self.tasks_.front());
      self.tasks_.pop_front();
    }
    try {
      const Napi::HandleScope scope(env);
      task(env);
    } catch (const Napi::Error&) {
      return;  // a worker that is being terminated: no JavaScript runs there any more
    }
  }
}

bool Environment::begin(Interrupt& interrupt) {
  const std::lock_guard lock(mutex_);
  if (open_) running_.insert(&interrupt);
  return open_;
}

void Environment::end(Interrupt& interrupt) {
  const std::lock_guard lock(mutex_);
  running_.erase(&interrupt);
  if (running_.empty()) ended_.notify_all();
}

void Environment::close() {
  module_class.Reset();  // here, because the last owner of this object may be another thread
  optimized_class.Reset();
  std::deque<Task> dropped;
  std::unique_lock lock(mutex_);
  open_ = false;
  dropped.swap(tasks_);
  for (auto* interrupt : running_) *interrupt = true;
  ended_.wait(lock, [this] { return running_.empty(); });
}

}  // namespace resnet
