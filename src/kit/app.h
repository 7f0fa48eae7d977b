// A service's life: settings, log, metrics, database, routes, other services; /health, /ready, /metrics, /openapi.json,
// /version; start, and on SIGTERM a drain that loses no request. A service's main is one call of kit::run.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/auth/identity.h"
#include "kit/db/database.h"
#include "kit/http/client.h"
#include "kit/log.h"
#include "kit/metrics.h"
#include "kit/redis/redis.h"
#include "kit/setting.h"
#include "kit/web/peer.h"
#include "kit/web/router.h"
#include "kit/web/static_files.h"

namespace kit {

/// What every service can be told.
struct AppSettings {
    Setting<std::string> address{"address", "The IPv4 address to listen on.", "0.0.0.0"};
    Setting<std::uint16_t> port{"port", "The port to listen on; 0 picks a free one.", "8080"};
    Setting<std::string> log_level{"log-level", "The least level that is logged: debug, info, warn or error.", "info"};
    Setting<std::string> version{"app-version", "The version that pages, /version and X-App-Version show.", "dev"};
    Setting<std::chrono::milliseconds> drain_grace{
        "drain-grace", "After SIGTERM, how long a kept-alive connection may still send a request.", "2s"};
    Setting<std::chrono::milliseconds> drain_limit{"drain-limit", "After SIGTERM, when what is still open is cut.",
                                                   "25s"};
    Setting<std::int64_t> body_bytes_max{"body-bytes-max", "The largest request body.", "1048576"};
    Setting<std::string> docs_pages{"docs-pages", "The folder of the API page that /docs shows.", "build/web/docs"};
    Setting<std::chrono::milliseconds> migrate_patience{
        "migrate-patience", "How long the command `migrate` waits for a database that is away.", "10s"};
};

class App {
 public:
    App(boost::asio::io_context& io, std::string name, const AppSettings& settings);
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    Router& routes() { return *router_; }
    Log& log() { return *log_; }
    Metrics& metrics() { return metrics_; }
    run::Loop& loop() { return *loop_; }
    /// For parts that speak to the network by themselves.
    boost::asio::io_context& io() { return io_; }
    std::string_view version() const { return settings_.version.get(); }
    std::uint16_t port() const { return server_ ? server_->port() : 0; }

    /// Makes a part that lives as long as the app; parts go in the opposite order.
    template <class Part, class... Arguments>
    Part& own(Arguments&&... arguments) {
        auto part = std::make_shared<Part>(std::forward<Arguments>(arguments)...);
        auto& reference = *part;
        parts_.push_back(std::move(part));
        return reference;
    }
    /// Opens the database; its migrations run before /ready says yes, and again as soon as it can be reached.
    db::Database& database(std::string_view url, std::vector<db::Migration> migrations);
    /// The client for calls to others, made when first asked for.
    http::Client& client();
    /// Another service that this one calls.
    Peer& peer(PeerOptions options);
    /// Null for "": no Redis. With one, /ready says nothing of it: a cache or a limit that is away is no reason not to
    /// serve; who cannot serve without it says so by ready_when().
    redis::Redis* redis(std::string_view url);
    /// Who checks the logins that routes need; /ready says when it has no keys.
    auth::Verifier& verify_with(auth::VerifierOptions options);
    /// Pages from a folder.
    void static_files(StaticFiles options);
    /// /ready says no while `check` gives a reason.
    void ready_when(std::string name, std::function<std::optional<std::string>()> check);
    /// From start() on.
    void every(run::Duration period, std::string name, std::function<void()> work);
    /// A field in every answer's header, made once.
    void fixed_header(std::string_view name, std::string_view value);
    /// What must come to its end before the process does: called when it is told to stop, beside the drain and no
    /// longer than that may take.
    void before_end(std::function<void(run::Callback done)> finish) { finishers_.push_back(std::move(finish)); }
    /// What kept assemble from its work: run() says it and ends with 1.
    void give_up(base::Error error);

    /// Waits until the databases' migrations have run; an Error: within `migrate-patience` they did not.
    void migrate_only(std::function<void(base::Result<void>)> done);
    base::Result<void> start();
    /// Drains, then calls `done`.
    void stop(run::Callback done);

 private:
    struct Periodic;
    struct Stored;
    void add_own_routes();
    void migrate(const std::shared_ptr<Stored>& stored);
    std::optional<std::string> not_migrated() const;
    void tell_migrated();
    std::vector<std::pair<std::string, std::string>> not_ready() const;

    boost::asio::io_context& io_;
    std::string name_;
    AppSettings settings_;
    std::unique_ptr<run::Loop> loop_;
    std::unique_ptr<Log> log_;
    Metrics metrics_;
    std::unique_ptr<Router> router_;
    std::vector<std::pair<std::string, std::function<std::optional<std::string>()>>> checks_;
    std::vector<std::shared_ptr<void>> parts_;
    std::vector<Stored*> databases_;
    std::vector<Periodic*> periodics_;
    std::vector<std::function<void(run::Callback)>> finishers_;
    run::Timer end_limit_;
    std::function<void(base::Result<void>)> migrated_;
    run::Timer migrate_limit_;
    http::Client* client_ = nullptr;
    std::string fixed_head_;
    std::string openapi_;
    std::optional<base::Error> broken_;
    std::unique_ptr<http::Server> server_;
    bool stopping_ = false;
};

using Assemble = std::function<void(App&)>;
int run_app(const std::string& name, const std::vector<SettingEntry>& entries, const AppSettings& app_settings,
            const std::vector<std::string>& arguments, const Assemble& assemble);

/// The whole main of a service: reads the settings, assembles, serves until SIGTERM or SIGINT. The exit code.
template <class Settings>
int run(const std::string& name, int argc, char** argv, void (*assemble)(App&, const Settings&)) {
    Settings settings;
    AppSettings app_settings;
    auto entries = setting_entries(settings);
    for (auto& entry : setting_entries(app_settings)) entries.push_back(std::move(entry));
    return run_app(name, entries, app_settings, {argv + 1, argv + argc}, [&](App& app) { assemble(app, settings); });
}

}  // namespace kit
