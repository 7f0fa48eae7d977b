// The simulated service rules: addresses that get new connections, kept in the kernel (they outlive the daemon) and
// written by the daemon from EndpointSlices some time after they change.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/rng.h"
#include "node/runtime.h"
#include "run/loop.h"
#include "store/store.h"

namespace sim {

/// What the kernel holds.
struct Rules {
    std::set<std::string> addresses;
};

enum class Excluding : std::uint8_t { works, skipped /* a bug put in on purpose, to see that it is found */ };

class Traffic final : public node::Traffic {
 public:
    Traffic(run::Loop& loop, base::Rng& rng, store::Store& store, Rules& rules, Excluding excluding);

    void exclude(const std::string& pod_uid, const std::string& ip, std::move_only_function<void()> done) override;
    void forget(const std::string& pod_uid, const std::string& ip) override;

 private:
    void write_rules();
    base::Duration soon();

    run::Loop& loop_;
    base::Rng& rng_;
    store::Store& store_;
    Rules& rules_;
    Excluding excluding_;
    std::map<std::string, std::string> excluded_;  ///< pod uid to address
    std::unique_ptr<store::Watch> watch_;
    run::Timer write_;
    std::map<std::uint64_t, run::Timer> answers_;
    std::uint64_t next_ = 0;
};

}  // namespace sim
