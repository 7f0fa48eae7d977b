// The real network room in the simulated world, as the node's traffic gate: it writes its rules into the simulated
// kernel.
#pragma once

#include <string>

#include "network/services.h"
#include "node/runtime.h"

namespace sim {

enum class Excluding : std::uint8_t { works, skipped /* a bug put in on purpose, to see that it is found */ };

class Traffic final : public node::Traffic {
 public:
    Traffic(network::Services& services, run::Loop& loop, Excluding excluding)
        : services_(services), loop_(loop), excluding_(excluding) {}

    void exclude(const std::string& pod_uid, const std::string& ip, std::move_only_function<void()> done) override {
        if (excluding_ == Excluding::skipped) return loop_.post(std::move(done));
        services_.exclude(pod_uid, ip, std::move(done));
    }
    void forget(const std::string& pod_uid, const std::string& ip) override { services_.forget(pod_uid, ip); }

 private:
    network::Services& services_;
    run::Loop& loop_;
    Excluding excluding_;
};

}  // namespace sim
