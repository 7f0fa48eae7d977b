#include "kit/app.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>

#include "kit/json_text.h"
#include "kit/web/docs.h"
#include "run/asio_loop.h"

namespace kit {
namespace {

constexpr auto migrate_again = std::chrono::milliseconds(250);

std::string app_help(const std::string& name, const std::vector<SettingEntry>& entries) {
    return settings_help(name, entries) + fmt::format(
                                              "\n{0} migrate: brings the database's tables to the newest version and "
                                              "ends.\nWithout a command, {0} serves until SIGTERM or SIGINT.\n",
                                              name);
}

Level level_of(std::string_view name) {
    if (name == "debug") return Level::debug;
    if (name == "warn") return Level::warn;
    return name == "error" ? Level::error : Level::info;
}

}  // namespace

struct App::Periodic {
    App& app;
    run::Duration period;
    std::function<void()> work;
    run::Timer timer;
    void plan() {
        timer = app.loop().after(period, [this] {
            work();
            plan();
        });
    }
};

struct App::Stored {
    std::unique_ptr<db::Database> database;
    std::vector<db::Migration> migrations;
    run::Timer retry;
    bool migrated = false;
    std::string problem = "its migrations have not run yet";
};

App::App(boost::asio::io_context& io, std::string name, const AppSettings& settings)
    : io_(io),
      name_(std::move(name)),
      settings_(settings),
      loop_(std::make_unique<run::AsioLoop>(io)),
      log_(std::make_unique<Log>(*loop_, STDOUT_FILENO, name_, level_of(*settings_.log_level))),
      router_(std::make_unique<Router>(*loop_, *log_, metrics_, auth::random_seed())) {
    fixed_header("X-App-Version", version());
    fixed_header("X-Content-Type-Options", "nosniff");
}

App::~App() {
    server_.reset();
    while (!parts_.empty()) parts_.pop_back();
}

void App::fixed_header(std::string_view name, std::string_view value) {
    fixed_head_ += name;
    fixed_head_ += ": ";
    for (const char c : value) fixed_head_ += c == '\r' || c == '\n' ? ' ' : c;
    fixed_head_ += "\r\n";
}

void App::give_up(base::Error error) {
    if (!broken_) broken_ = std::move(error);
}

void App::static_files(StaticFiles options) {
    if (auto served = serve_files(*router_, std::move(options)); !served) give_up(std::move(served).error());
}

void App::ready_when(std::string name, std::function<std::optional<std::string>()> check) {
    checks_.emplace_back(std::move(name), std::move(check));
}

void App::every(run::Duration period, std::string, std::function<void()> work) {
    auto& periodic = own<Periodic>(*this, period, std::move(work), run::Timer{});
    if (server_) return periodic.plan();
    periodics_.push_back(&periodic);
}

db::Database& App::database(std::string_view url, std::vector<db::Migration> migrations) {
    auto opened = db::open(io_, *log_, url);
    if (!opened) {
        give_up(std::move(opened).error());
        opened = db::open(io_, *log_, "sqlite::memory:");  // never used: start() fails
        base::check(opened.has_value(), "a database in memory opens");
    }
    auto stored = std::make_shared<Stored>();
    stored->database = std::move(*opened);
    stored->migrations = std::move(migrations);
    parts_.push_back(stored);
    databases_.push_back(stored.get());
    auto& database = *stored->database;
    ready_when("database", [stored = stored.get()]() -> std::optional<std::string> {
        if (auto why = stored->database->away()) return why;
        if (!stored->migrated) return stored->problem;
        return std::nullopt;
    });
    metrics_.gauge("app_db_connections", "Open connections to the database.",
                   [&database] { return static_cast<double>(database.connections()); });
    metrics_.gauge("app_db_waiting", "Statements that wait for a connection.",
                   [&database] { return static_cast<double>(database.waiting()); });
    log_->info("database", {{"url", db::without_password(url)}});
    if (!broken_) migrate(stored);
    return database;
}

void App::migrate(const std::shared_ptr<Stored>& stored) {
    std::weak_ptr<Stored> weak = stored;
    db::migrate(*stored->database, stored->migrations, [this, weak](base::Result<void> done) {
        const auto stored = weak.lock();
        if (!stored) return;
        stored->migrated = done.has_value();
        if (done) {
            log_->info("migrations are done",
                       {{"newest", stored->migrations.empty() ? 0 : stored->migrations.back().version}});
            return tell_migrated();
        }
        const bool new_problem = stored->problem != done.error().message;
        stored->problem = done.error().message;
        if (new_problem) log_->warn("migrations cannot run yet", {{"error", stored->problem}});
        stored->retry = loop_->after(migrate_again, [this, weak] {
            if (const auto again = weak.lock()) migrate(again);
        });
    });
}

std::optional<std::string> App::not_migrated() const {
    for (const auto* stored : databases_) {
        if (!stored->migrated) return stored->database->away().value_or(stored->problem);
    }
    return std::nullopt;
}

void App::tell_migrated() {
    if (!migrated_ || not_migrated()) return;
    migrate_limit_.cancel();
    std::exchange(migrated_, nullptr)({});
}

void App::migrate_only(std::function<void(base::Result<void>)> done) {
    if (broken_) return done(std::unexpected(*broken_));
    migrated_ = std::move(done);
    migrate_limit_ = loop_->after(*settings_.migrate_patience, [this] {
        std::exchange(migrated_, nullptr)(base::fail(base::Code::unavailable, not_migrated().value_or("")));
    });
    tell_migrated();
}

std::vector<std::pair<std::string, std::string>> App::not_ready() const {
    std::vector<std::pair<std::string, std::string>> reasons;
    if (stopping_) reasons.emplace_back("life", "it is stopping");
    for (const auto& [name, check] : checks_) {
        if (auto why = check()) reasons.emplace_back(name, std::move(*why));
    }
    return reasons;
}

void App::add_own_routes() {
    static constexpr const char* status_schema =
        R"({"type":"object","required":["status"],"properties":{"status":{"type":"string"}}})";
    const auto healthy = std::make_shared<const std::string>("{\"status\":\"ok\"}");
    router_->get("/health")
        .doc("Says that the process lives.")
        .replies(200, "It does.", status_schema)
        .quiet()
        .calls([healthy](Call call) {
            http::Response response;
            response.headers.add("Content-Type", "application/json");
            response.body = healthy;
            call.answer(std::move(response));
        });
    router_->get("/ready")
        .doc("Says whether it can serve: its database answers and it is not stopping.")
        .replies(200, "It can.", status_schema)
        .replies(503, "It cannot; each reason has its field.", status_schema)
        .quiet()
        .calls([this](Call call) {
            const auto reasons = not_ready();
            std::string text;
            JsonText json(text);
            json.open('{').field("status", reasons.empty() ? "ready" : "not ready");
            for (const auto& [name, why] : reasons) json.field(name, why);
            json.close('}');
            call.answer(json_response(reasons.empty() ? 200 : 503, std::move(text)));
        });
    router_->get("/metrics")
        .doc("Metrics as Prometheus reads them.")
        .replies_text(200, "The metrics.", "text/plain")
        .quiet()
        .calls([this](Call call) {
            call.answer(
                text_response(200, metrics_.text() + process_metrics(), "text/plain; version=0.0.4; charset=utf-8"));
        });
    router_->get("/version")
        .doc("The name and version of this service.")
        .replies(200, "Both.",
                 R"({"type":"object","required":["service","version"],"properties":{"service":{"type":"string"},
                 "version":{"type":"string"}}})")
        .calls([this](Call call) {
            std::string text;
            JsonText(text).open('{').field("service", name_).field("version", version()).close('}');
            call.answer(json_response(200, std::move(text)));
        });
    serve_docs(*this, *settings_.docs_pages);
    router_->get("/openapi.json").unlisted().calls([this](Call call) { call.answer(json_response(200, openapi_)); });
}

base::Result<void> App::start() {
    if (broken_) return std::unexpected(*broken_);
    base::check(router_->can_verify() || !router_->asks_for_login(), "routes need logins: call verify_with()");
    add_own_routes();
    openapi_ = openapi_text(*router_, name_, version());
    http::ServerOptions options{.address = *settings_.address,
                                .port = *settings_.port,
                                .body_bytes_max = static_cast<std::size_t>(*settings_.body_bytes_max),
                                .fixed_head = fixed_head_};
    options.refusal = [](int status, std::string_view message) {
        return problem_response({.status = status, .detail = std::string(message), .fields = {}});
    };
    options.plan_body = [this](const http::Request& head) {
        return router_->plan_body(head, static_cast<std::size_t>(*settings_.body_bytes_max));
    };
    auto serve = [this](http::Request request, http::Reply reply) {
        router_->serve(std::move(request), std::move(reply));
    };
    server_ = TRY(http::serve(io_, std::move(options), std::move(serve)));
    metrics_.gauge("app_connections", "Open connections of clients.",
                   [this] { return static_cast<double>(server_->connections()); });
    metrics_.gauge("app_long_lived", "Open WebSockets and event streams.",
                   [this] { return static_cast<double>(router_->long_lived()); });
    for (auto* periodic : std::exchange(periodics_, {})) periodic->plan();
    log_->info("listening", {{"address", *settings_.address}, {"port", server_->port()}, {"version", version()}});
    return {};
}

void App::stop(run::Callback done) {
    stopping_ = true;
    log_->info("stopping", {{"connections", server_->connections()}});
    router_->stop();
    struct Ending {
        std::size_t left;
        run::Callback done;
        void end() {
            if (auto now = std::exchange(done, nullptr)) now();
        }
    };
    const auto ending = std::make_shared<Ending>(finishers_.size() + 1, std::move(done));
    const auto one_less = [ending] {
        if (--ending->left == 0) ending->end();
    };
    end_limit_ = loop_->after(*settings_.drain_limit, [ending] { ending->end(); });
    for (const auto& finish : finishers_) finish(one_less);
    server_->drain(*settings_.drain_grace, *settings_.drain_limit, one_less);
}

static int run_migrate(boost::asio::io_context& io, App& app) {
    int code = 1;
    app.migrate_only([&](base::Result<void> done) {
        code = done ? 0 : 1;
        if (!done) app.log().error("cannot migrate", {{"error", done.error().message}});
        io.stop();
    });
    io.run();
    return code;
}

static int run_service(boost::asio::io_context& io, App& app) {
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    if (const auto started = app.start(); !started) {
        app.log().error("cannot start", {{"error", started.error().message}});
        return 1;
    }
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) app.stop([&] { io.stop(); });
    });
    io.run();
    app.log().info("stopped");
    return 0;
}

int run_app(const std::string& name, const std::vector<SettingEntry>& entries, const AppSettings& app_settings,
            const std::vector<std::string>& arguments, const Assemble& assemble) {
    const auto loaded = load_settings(entries, arguments, process_environment());
    if (!loaded) {
        std::fprintf(stderr, "%s: %s\n", name.c_str(), loaded.error().message.c_str());
        return 2;
    }
    if (loaded->help) return std::printf("%s", app_help(name, entries).c_str()) < 0 ? 1 : 0;
    if (loaded->version) return std::printf("%s %s\n", name.c_str(), app_settings.version->c_str()) < 0 ? 1 : 0;
    const auto& words = loaded->words;
    const bool migrates = words.size() == 1 && words[0] == "migrate";
    if (!words.empty() && !migrates) {
        std::fprintf(stderr, "%s: '%s' is no command; there is only migrate\n", name.c_str(), words.back().c_str());
        return 2;
    }
    boost::asio::io_context io{1};
    App app(io, name, app_settings);
    std::signal(SIGPIPE, SIG_IGN);  // a log reader or database that goes is an error to handle, not to die of
    assemble(app);
    return migrates ? run_migrate(io, app) : run_service(io, app);
}

}  // namespace kit
