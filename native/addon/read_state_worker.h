#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/network.h"
#include "runtime/read_state.h"

namespace resnet {

/// Starts filling a network's parameters from a file, on one of libuv's threads, which are there to wait for disks.
/// The network is busy until then.
/// @returns a promise of undefined
Napi::Promise start_read_state(Napi::Env env, std::shared_ptr<Network> network, std::string path,
                               std::vector<Extent> extents);

}  // namespace resnet
