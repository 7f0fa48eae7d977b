// libnftables is used with buffered output, so that it never writes to our own. Work of one lane runs in order.
#include "edge/nft_kernel.h"

#include <nftables/libnftables.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "edge/conntrack.h"

namespace edge {
namespace {
constexpr auto lane = "kernel";
}

void NftKernel::Close::operator()(nft_ctx* context) const { nft_ctx_free(context); }

struct NftKernel::Forgetting {
    using Done = std::move_only_function<void(base::Result<void>)>;
    explicit Forgetting(Flows flows) : which(flows) {}
    const Flows which;
    std::mutex mutex;  ///< the loop adds until the lane takes
    bool taken = false;
    std::vector<std::string> addresses;
    std::vector<Done> done;

    /// False when it is too late.
    bool add(std::vector<std::string>& more, Done& answer) {
        const std::lock_guard lock(mutex);
        if (taken) return false;
        std::ranges::move(more, std::back_inserter(addresses));
        done.push_back(std::move(answer));
        return true;
    }
};

NftKernel::NftKernel(run::Loop& loop) : loop_(loop) {}

NftKernel::~NftKernel() { workers_.stop(); }

base::Result<void> NftKernel::run(const std::string& transaction) {
    if (!context_) {
        context_.reset(nft_ctx_new(NFT_CTX_DEFAULT));
        if (!context_) return base::fail(base::Code::unavailable, "nftables cannot be opened");
        nft_ctx_buffer_output(context_.get());
        nft_ctx_buffer_error(context_.get());
        nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_JSON);  // it says what input is, too
    }
    if (nft_run_cmd_from_buffer(context_.get(), transaction.c_str()) == 0) return {};
    std::string why = nft_ctx_get_error_buffer(context_.get());
    if (const auto end = why.find('\n'); end != std::string::npos) why.resize(end);
    context_.reset();  // its cache is of no use after a failure
    return base::fail(base::Code::internal, "nftables: " + why);
}

void NftKernel::apply(std::string nftables_json, std::move_only_function<void(base::Result<void>)> done) {
    open_.reset();  // what is to be forgotten after these rules must not be before them
    workers_.submit(lane, Workers::Weight::light,
                    [this, text = std::move(nftables_json), done = std::move(done)]() mutable {
                        loop_.post([done = std::move(done), result = run(text)]() mutable { done(std::move(result)); });
                    });
}

void NftKernel::forget_flows(std::vector<std::string> addresses, Flows which,
                             std::move_only_function<void(base::Result<void>)> done) {
    if (open_ && open_->which == which && open_->add(addresses, done)) return;
    open_ = std::make_shared<Forgetting>(which);
    open_->add(addresses, done);
    workers_.submit(lane, Workers::Weight::light, [this, batch = open_] { forget(*batch); });
}

void NftKernel::forget(Forgetting& batch) {
    {
        const std::lock_guard lock(batch.mutex);
        batch.taken = true;
    }
    auto result = delete_flows(batch.addresses, batch.which == Flows::all ? FlowFilter::all : FlowFilter::past);
    loop_.post([done = std::move(batch.done), result = std::move(result)]() mutable {
        for (auto& each : done) each(result);
    });
}

base::Result<void> remove_rules(const std::string& table) {
    const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT), nft_ctx_free);
    if (!context) return base::fail(base::Code::unavailable, "nftables cannot be opened");
    nft_ctx_buffer_error(context.get());
    // To add what stands already changes nothing, so the removal always finds its table.
    const auto text = "add table ip " + table + "\ndelete table ip " + table + "\n";
    if (nft_run_cmd_from_buffer(context.get(), text.c_str()) == 0) return {};
    return base::fail(base::Code::internal, std::string("nftables: ") + nft_ctx_get_error_buffer(context.get()));
}

}  // namespace edge
