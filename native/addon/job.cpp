#include "addon/job.h"

#include <exception>
#include <future>
#include <memory>
#include <utility>

#include "addon/environment.h"
#include "addon/errors.h"
#include "error.h"

namespace resnet {
namespace {

struct Outcome {
  Delivery delivery;
  std::exception_ptr failure;
};

/// @param work taken by value: it is destroyed when this returns
Outcome run(DeliveringWork work, const Interrupt& interrupt) {
  try {
    if (interrupt) throw Error("ERR_ABORTED", "The work was aborted before it began.");
    return {work(interrupt), nullptr};
  } catch (...) {
    return {nullptr, std::current_exception()};
  }
}

void settle(Napi::Env env, napi_deferred deferred, const Outcome& outcome) {
  try {
    if (outcome.failure) std::rethrow_exception(outcome.failure);
    napi_resolve_deferred(env, deferred, outcome.delivery(env));
  } catch (const Napi::Error& error) {
    napi_reject_deferred(env, deferred, error.Value());
  } catch (...) {  // no memory for the answer, for instance
    napi_reject_deferred(env, deferred, to_js_error(env, std::current_exception()).Value());
  }
}

}  // namespace

Napi::Object start_delivering_job(Napi::Env env, DeliveringWork work, int threads, Napi::Object keep_alive,
                                  InferenceThreads& queue) {
  queue.ensure(1);  // throws if no thread can be started, before the promise exists
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) throw Napi::Error::New(env);
  // A bare reference, because only this thread may delete it; if the environment ends first, it goes with it.
  napi_ref reference = nullptr;
  if (!keep_alive.IsEmpty() && napi_create_reference(env, keep_alive, 1, &reference) != napi_ok) {
    throw Napi::Error::New(env);
  }

  const auto interrupt = std::make_shared<Interrupt>(false);
  auto environment = Environment::of(env);
  queue.submit(
      [environment, deferred, reference, interrupt, work = std::move(work)]() mutable {
        if (!environment->begin(*interrupt)) return;
        auto outcome = run(std::move(work), *interrupt);
        environment->end(*interrupt);
        environment->post(
            [environment = environment.get(), deferred, reference, outcome = std::move(outcome)](Napi::Env env) {
              environment->unref(env);
              if (reference != nullptr) napi_delete_reference(env, reference);
              settle(env, deferred, outcome);
            });
      },
      threads);
  environment->ref(env);  // before its unref, which runs on this thread later

  auto job = Napi::Object::New(env);
  job.Set("promise", promise);
  job.Set("cancel", Napi::Function::New(env, [interrupt](const Napi::CallbackInfo&) { *interrupt = true; }));
  return job;
}

void run_and_wait(std::function<void(const Interrupt&)> work, int threads, InferenceThreads& queue) {
  // Owned only by the submitted function: when the process ends and drops it, the promise breaks.
  auto done = std::make_shared<std::promise<std::exception_ptr>>();
  auto failure = done->get_future();
  queue.submit(
      [done = std::move(done), work = std::move(work)]() mutable {
        const Interrupt never{false};
        auto outcome = run(
            [work = std::move(work)](const Interrupt& interrupt) -> Delivery {
              work(interrupt);
              return nullptr;
            },
            never);
        done->set_value(outcome.failure);
      },
      threads);
  try {
    if (const auto thrown = failure.get()) std::rethrow_exception(thrown);
  } catch (const std::future_error&) {
    throw Error("ERR_ABORTED", "The forward was aborted: the process is ending.");
  }
}

}  // namespace resnet
