#include "addon/read_state_worker.h"

#include <exception>
#include <optional>
#include <utility>

#include "addon/errors.h"

namespace resnet {
namespace {

class ReadStateWorker : public Napi::AsyncWorker {
 public:
  ReadStateWorker(Napi::Env env, std::shared_ptr<Network> network, std::string path, std::vector<Extent> extents)
      : AsyncWorker(env),
        deferred_(env),
        in_flight_(std::in_place, std::move(network)),
        path_(std::move(path)),
        extents_(std::move(extents)) {}

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      read_state(path_, extents_);
    } catch (...) {
      failure_ = std::current_exception();
    }
    in_flight_.reset();
  }

  void OnOK() override {
    if (failure_) {
      deferred_.Reject(to_js_error(Env(), failure_).Value());
    } else {
      deferred_.Resolve(Env().Undefined());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::optional<Network::InFlight> in_flight_;
  std::string path_;
  std::vector<Extent> extents_;
  std::exception_ptr failure_;
};

}  // namespace

Napi::Promise start_read_state(Napi::Env env, std::shared_ptr<Network> network, std::string path,
                               std::vector<Extent> extents) {
  auto* worker = new ReadStateWorker(env, std::move(network), std::move(path), std::move(extents));
  const auto promise = worker->promise();
  worker->Queue();  // deletes itself when it is done
  return promise;
}

}  // namespace resnet
