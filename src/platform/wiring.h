// Ports of one room answered by another: the rooms themselves never see each other.
#pragma once

#include <string>

#include "network/services.h"
#include "node/logs.h"
#include "node/runtime.h"
#include "server/server.h"
#include "store/store.h"

namespace platform {

/// The node's traffic gate, kept by the network room.
class TrafficOfServices final : public node::Traffic {
 public:
    explicit TrafficOfServices(network::Services& services) : services_(services) {}
    void exclude(const std::string& pod_uid, const std::string& ip, std::move_only_function<void()> done) override {
        services_.exclude(pod_uid, ip, std::move(done));
    }
    void forget(const std::string& pod_uid, const std::string& ip) override { services_.forget(pod_uid, ip); }

 private:
    network::Services& services_;
};

/// The API's pods/log, read by the node once it is there.
class LogsOfNode final : public server::Logs {
 public:
    void attach(node::LogReader& reader) { reader_ = &reader; }
    std::unique_ptr<Reading> read(server::LogRequest request, server::LogSink sink) override;

 private:
    node::LogReader* reader_ = nullptr;
};

/// Pods' tokens, signed by the API server.
class TokensOfServer final : public node::Tokens {
 public:
    TokensOfServer(server::ApiServer& server, store::Store& store) : server_(server), store_(store) {}
    base::Result<std::string> token(const Request& request) override {
        const auto account = store_.get({{"", "serviceaccounts"}, request.ns, request.account});
        if (!account) return base::fail(base::Code::not_found, "serviceaccount \"" + request.account + "\" not found");
        const auto pod = store_.get({{"", "pods"}, request.ns, request.pod_name});
        std::vector<std::string> audiences;
        if (!request.audience.empty()) audiences.push_back(request.audience);
        return server_.issue_token(*account, pod.get(), std::move(audiences), std::chrono::seconds(request.seconds));
    }

 private:
    server::ApiServer& server_;
    store::Store& store_;
};

}  // namespace platform
