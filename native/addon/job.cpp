#include "addon/job.h"

#include <exception>
#include <future>
#include <memory>
#include <utility>

#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/tensors.h"
#include "error.h"

namespace resnet {
namespace {

struct Outcome {
  at::Tensor value;
  std::exception_ptr failure;
};

Outcome run(Compute compute, const Interrupt& interrupt) {
  Outcome outcome;
  try {
    if (interrupt) throw Error("ERR_ABORTED", "The work was aborted before it began.");
    outcome.value = compute(interrupt);
  } catch (...) {
    outcome.failure = std::current_exception();
  }
  return outcome;
}

void settle(Napi::Env env, napi_deferred deferred, Outcome outcome, const Deliver& deliver) {
  try {
    if (outcome.failure) std::rethrow_exception(outcome.failure);
    napi_resolve_deferred(env, deferred,
                          deliver ? deliver(env, outcome.value) : give_to_js(env, std::move(outcome.value)));
  } catch (const Napi::Error& error) {
    napi_reject_deferred(env, deferred, error.Value());
  } catch (...) {  // no memory for the answer, for instance
    napi_reject_deferred(env, deferred, to_js_error(env, std::current_exception()).Value());
  }
}

}  // namespace

Napi::Object start_job(Napi::Env env, Compute compute, int threads, Deliver deliver, Napi::Object keep,
                       InferenceThreads& queue) {
  queue.ensure(1);  // throws where no thread can be had, and nothing is promised or held yet
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) throw Napi::Error::New(env);
  // Bare, because it may only be deleted on this thread; where the environment ends first, it goes with it.
  napi_ref kept = nullptr;
  if (!keep.IsEmpty() && napi_create_reference(env, keep, 1, &kept) != napi_ok) throw Napi::Error::New(env);

  const auto interrupt = std::make_shared<Interrupt>(false);
  auto environment = Environment::of(env);
  queue.submit(
      [environment, deferred, kept, interrupt, compute = std::move(compute), deliver = std::move(deliver)]() mutable {
        if (!environment->begin(*interrupt)) return;
        auto outcome = run(std::move(compute), *interrupt);
        environment->end(*interrupt);
        environment->post([environment = environment.get(), deferred, kept, outcome = std::move(outcome),
                           deliver = std::move(deliver)](Napi::Env env) mutable {
          environment->release(env);
          if (kept != nullptr) napi_delete_reference(env, kept);
          settle(env, deferred, std::move(outcome), deliver);
        });
      },
      threads);
  environment->hold(env);  // before its release, which runs on this thread later

  auto job = Napi::Object::New(env);
  job.Set("promise", promise);
  job.Set("cancel", Napi::Function::New(env, [interrupt](const Napi::CallbackInfo&) { *interrupt = true; }));
  return job;
}

at::Tensor run_job(Compute compute, int threads) {
  // Held by the work alone: work that is dropped because the process is ending breaks the promise.
  auto done = std::make_shared<std::promise<Outcome>>();
  auto waiting = done->get_future();
  InferenceThreads::shared().submit(
      [done = std::move(done), compute = std::move(compute)]() mutable {
        const Interrupt never{false};
        auto outcome = run(std::move(compute), never);
        done->set_value(std::move(outcome));
      },
      threads);
  Outcome outcome;
  try {
    outcome = waiting.get();
  } catch (const std::future_error&) {
    throw Error("ERR_ABORTED", "The forward was aborted: the process is ending.");
  }
  if (outcome.failure) std::rethrow_exception(outcome.failure);
  return outcome.value;
}

}  // namespace resnet
