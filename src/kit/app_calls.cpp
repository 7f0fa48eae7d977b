// An App's ways to other services.
#include "kit/app.h"

namespace kit {

http::Client& App::client() {
    if (client_) return *client_;
    auto& made = own<std::unique_ptr<http::Client>>(http::make_client(io_));
    client_ = made.get();
    metrics_.gauge("app_client_connections", "Open connections to other services.",
                   [this] { return static_cast<double>(client_->connections()); });
    metrics_.gauge("app_client_waiting", "Calls to other services that wait for a connection.",
                   [this] { return static_cast<double>(client_->waiting()); });
    return *client_;
}

auth::Verifier& App::verify_with(auth::VerifierOptions options) {
    auto& made = own<std::unique_ptr<auth::Verifier>>(auth::make_verifier(client(), *loop_, *log_, std::move(options)));
    router_->verify_with(*made);
    ready_when("logins", [verifier = made.get()] { return verifier->away(); });
    return *made;
}

Peer& App::peer(PeerOptions options) { return own<Peer>(client(), *loop_, metrics_, std::move(options)); }

}  // namespace kit
