// The kernel's side of the network room: nftables transactions by libnftables in process, and connection tracking by
// netlink, one after the other on a thread of its own, in the network namespace that this process runs in.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edge/workers.h"
#include "network/kernel.h"
#include "run/loop.h"

struct nft_ctx;

namespace edge {

class NftKernel final : public network::Kernel {
 public:
    explicit NftKernel(run::Loop& loop);
    ~NftKernel() override;

    void apply(std::string nftables_json, std::move_only_function<void(base::Result<void>)> done) override;
    void forget_flows(std::vector<std::string> addresses, Flows which,
                      std::move_only_function<void(base::Result<void>)> done) override;

 private:
    struct Close {
        void operator()(nft_ctx* context) const;
    };
    /// Requests that wait together are one: a dump of the kernel's table costs the same for all of them.
    struct Forgetting;
    base::Result<void> run(const std::string& transaction);
    void forget(Forgetting& batch);

    run::Loop& loop_;
    std::shared_ptr<Forgetting> open_;         ///< may still take requests: nothing was applied after it
    std::unique_ptr<nft_ctx, Close> context_;  ///< used by work of our lane only
    Workers workers_;                          ///< last: ends before what its work uses
};

/// Removes a platform's whole table; fine when there is none. Blocking, for `down`: the daemon must have ended.
base::Result<void> remove_rules(const std::string& table);

}  // namespace edge
