// libnftables is used with buffered output, so that it never writes to our own. Work of one lane runs in order.
#include "edge/nft_kernel.h"

#include <nftables/libnftables.h>

#include <utility>

#include "edge/conntrack.h"

namespace edge {
namespace {
constexpr auto lane = "kernel";
}

void NftKernel::Close::operator()(nft_ctx* context) const { nft_ctx_free(context); }

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
    workers_.submit(lane, Workers::Weight::light,
                    [this, text = std::move(nftables_json), done = std::move(done)]() mutable {
                        loop_.post([done = std::move(done), result = run(text)]() mutable { done(std::move(result)); });
                    });
}

void NftKernel::forget_flows(std::vector<std::string> addresses, Flows which,
                             std::move_only_function<void(base::Result<void>)> done) {
    workers_.submit(lane, Workers::Weight::light,
                    [this, addresses = std::move(addresses), which, done = std::move(done)]() mutable {
                        const auto deletes = which == Flows::all ? FlowFilter::all : FlowFilter::past;
                        loop_.post([done = std::move(done), result = delete_flows(addresses, deletes)]() mutable {
                            done(std::move(result));
                        });
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
