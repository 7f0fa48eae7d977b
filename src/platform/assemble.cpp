// The one place that sees every room. Order at start: what must answer first comes first; the API is up while
// containerd still starts. Order at the end: nobody is cut off, then parts go in the reverse order of their making.
#include "platform/assemble.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fstream>
#include <memory>
#include <random>

#include "control/controllers.h"
#include "edge/containerd/containerd_runtime.h"
#include "edge/dns_socket.h"
#include "edge/files.h"
#include "edge/logs/log_files.h"
#include "edge/nft_kernel.h"
#include "edge/prober.h"
#include "engine/engine.h"
#include "kit/http/server.h"
#include "kit/log.h"
#include "network/services.h"
#include "node/node.h"
#include "platform/bootstrap.h"
#include "platform/machine.h"
#include "platform/pki.h"
#include "platform/wiring.h"
#include "run/asio_loop.h"
#include "server/default_roles.h"
#include "server/server.h"
#include "store/sqlite_journal.h"

namespace platform {

using base::Result;
using namespace std::chrono_literals;

namespace {

base::Rng fresh_rng() {
    std::random_device device;
    return base::Rng((static_cast<std::uint64_t>(device()) << 32) ^ device());
}

edge::EdgeSettings edge_settings(const Settings& settings) {
    edge::EdgeSettings edge;
    edge.data_dir = settings.data_dir;
    edge.run_dir = settings.run_dir;
    edge.log_dir = settings.data_dir.get() + "/logs";
    edge.cgroup_root = settings.name;
    edge.bridge = settings.name.get() + "0";
    edge.pod_cidr = settings.pod_cidr;
    edge.service_cidr = settings.service_cidr;
    return edge;
}

node::Settings node_settings(const Settings& settings, const Addresses& addresses, const Machine& machine) {
    node::Settings node;
    node.node_name = settings.node_name.get().empty() ? machine.hostname : settings.node_name.get();
    node.host_ip = addresses.gateway;
    node.cpu = std::to_string(machine.cpus);
    node.memory = fmt::format("{}Ki", machine.memory_kib);
    node.ephemeral_storage = fmt::format("{}Ki", machine.disk_kib);
    node.pods_max = static_cast<int>(settings.pods_max.get());
    node.dns.service_ip = addresses.dns_service;
    node.machine.architecture = machine.architecture;
    node.machine.boot_id = machine.boot_id;
    node.machine.machine_id = node.machine.system_uuid = machine.machine_id;
    node.machine.kernel_version = machine.kernel;
    node.machine.os_image = machine.os_image;
    // systemd-resolved's stub would be a link to nowhere in a pod; its own file names the real resolvers.
    if (std::filesystem::exists("/run/systemd/resolve/resolv.conf"))
        node.resolv_conf_path = "/run/systemd/resolve/resolv.conf";
    return node;
}

kit::Level level_of(const std::string& name) {
    if (name == "debug") return kit::Level::debug;
    if (name == "warn") return kit::Level::warn;
    return name == "error" ? kit::Level::error : kit::Level::info;
}

/// Every name and address under which the API may be met.
std::vector<std::string> api_names(const Settings& settings, const Addresses& addresses) {
    std::vector<std::string> names{"localhost",
                                   "kubernetes",
                                   "kubernetes.default",
                                   "kubernetes.default.svc",
                                   "kubernetes.default.svc.cluster.local",
                                   "127.0.0.1",
                                   addresses.gateway,
                                   addresses.api_service};
    if (settings.address.get() != "127.0.0.1" && settings.address.get() != "0.0.0.0") names.push_back(settings.address);
    return names;
}

class Platform {
 public:
    Platform(const Settings& settings, std::function<void()> ready)
        : settings_(settings),
          ready_(std::move(ready)),
          loop_(io_),
          log_(loop_, STDERR_FILENO, "slipway", level_of(settings.log_level)) {}

    Result<void> run();

 private:
    Result<void> make();
    Result<void> listen();
    void start_machine();
    void start_pods();
    void listen_to_pods();
    void announce();
    void stop();
    kit::http::ServerOptions api_options(const std::string& address) const;
    void complain(std::string_view what, std::string_view why) { log_.error(what, {{"error", why}}); }

    const Settings& settings_;
    std::function<void()> ready_;
    boost::asio::io_context io_{1};
    run::AsioLoop loop_;
    kit::Log log_;
    Addresses addresses_;
    Pki pki_;
    store::Opened opened_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<verbs::Api> api_;
    std::unique_ptr<Upkeep> upkeep_;
    std::unique_ptr<engine::Engine> engine_;
    LogsOfNode logs_;
    std::unique_ptr<server::ApiServer> server_;
    std::unique_ptr<kit::http::Server> listener_, pod_listener_;
    std::unique_ptr<edge::ContainerdRuntime> runtime_;
    std::unique_ptr<edge::NftKernel> kernel_;
    std::unique_ptr<network::Services> services_;
    std::unique_ptr<edge::DnsSocket> dns_;
    std::unique_ptr<edge::Prober> prober_;
    std::unique_ptr<edge::Files> files_;
    std::unique_ptr<TrafficOfServices> traffic_;
    std::unique_ptr<TokensOfServer> tokens_;
    std::unique_ptr<node::Node> node_;
    std::unique_ptr<edge::LogFiles> log_files_;
    std::unique_ptr<node::LogReader> log_reader_;
    std::optional<base::Error> failure_;
};

kit::http::ServerOptions Platform::api_options(const std::string& address) const {
    kit::http::ServerOptions options;
    options.address = address;
    options.port = settings_.port;
    options.tls = kit::http::TlsFiles{pki_.server_certificate, pki_.server_key, pki_.ca_certificate};
    options.refusal = server::refusal;
    return options;
}

Result<void> Platform::make() {
    addresses_ = TRY(addresses_of(settings_.pod_cidr.get(), settings_.service_cidr.get(), settings_.port));
    const std::filesystem::path data = settings_.data_dir.get();
    pki_ = TRY(load_pki(data / "pki", api_names(settings_, addresses_), loop_.now()));
    opened_ = TRY(store::open_sqlite_journal(data / "store.db", loop_, [this](std::string_view why) {
        loop_.post([this, text = std::string(why)] { complain("the journal cannot be written", text); });
    }));
    store_ = std::make_unique<store::Store>(loop_, std::move(opened_.loaded), opened_.journal.get());
    api_ = verbs::make_api(*store_, loop_, fresh_rng(), {.service_cidr = settings_.service_cidr});
    if (auto made = bootstrap(*api_, addresses_); !made)
        return std::unexpected(std::move(made).error().in(
            "the cluster's own objects (were --service-cidr or --pod-cidr changed since this data was made?)"));
    upkeep_ = std::make_unique<Upkeep>(loop_, *store_, *api_, addresses_,
                                       [this](std::string_view why) { complain("the cluster's own objects", why); });
    TRY(server::ensure_default_roles(*api_));
    engine_ = std::make_unique<engine::Engine>(loop_, *api_, control::all({.root_ca_pem = pki_.ca_certificate}));
    engine_->start();
    server::Ports ports;
    ports.logs = &logs_;
    server_ = std::make_unique<server::ApiServer>(server::Settings{.token_key_pem = pki_.account_key}, loop_, *api_,
                                                  fresh_rng(), ports);
    return {};
}

Result<void> Platform::listen() {
    listener_ = TRY(kit::http::serve(io_, api_options(settings_.address), server_->handler()));
    const auto host = settings_.address.get() == "0.0.0.0" ? std::string("127.0.0.1") : settings_.address.get();
    return write_file(kubeconfig_path(settings_),
                      kubeconfig(pki_, fmt::format("https://{}:{}", host, settings_.port.get()), settings_.name), 0600);
}

void Platform::start_machine() {
    const auto edge = edge_settings(settings_);
    runtime_ = std::make_unique<edge::ContainerdRuntime>(loop_, edge, [this](const std::string& note) {
        log_.warn("containerd", {{"note", note}});
    });
    runtime_->start([this](Result<void> started) {
        if (!started) {
            failure_ = std::move(started).error().in("the container runtime cannot start");
            return io_.stop();
        }
        start_pods();
    });
}

void Platform::start_pods() {
    const auto edge = edge_settings(settings_);
    kernel_ = std::make_unique<edge::NftKernel>(loop_);
    services_ = std::make_unique<network::Services>(
        loop_, *store_, *kernel_,
        network::Settings{.table = settings_.name,
                          .bridge = edge.bridge,
                          .pod_cidr = settings_.pod_cidr,
                          .service_cidr = settings_.service_cidr,
                          .complain = [this](std::string_view what) { complain("the service rules", what); }});
    services_->start();
    listen_to_pods();
    prober_ = std::make_unique<edge::Prober>(io_, loop_);
    files_ = std::make_unique<edge::Files>(edge);
    traffic_ = std::make_unique<TrafficOfServices>(*services_);
    tokens_ = std::make_unique<TokensOfServer>(*server_, *store_);
    const auto machine = this_machine(settings_.data_dir);
    node_ = std::make_unique<node::Node>(loop_, *api_, node::Ports{*runtime_, *prober_, *files_, *traffic_, *tokens_},
                                         fresh_rng(), node_settings(settings_, addresses_, machine));
    log_files_ = std::make_unique<edge::LogFiles>(io_);
    log_reader_ = std::make_unique<node::LogReader>(loop_, *node_, *store_, *files_, *log_files_);
    logs_.attach(*log_reader_);
    node_->start();
    announce();
}

/// Pods reach the API and DNS at the bridge's address, which nobody outside this machine can.
void Platform::listen_to_pods() {
    auto listening = kit::http::serve(io_, api_options(addresses_.gateway), server_->handler());
    if (listening)
        pod_listener_ = std::move(*listening);
    else if (settings_.address.get() != "0.0.0.0")
        complain("pods cannot reach the API", listening.error().message);
    dns_ = std::make_unique<edge::DnsSocket>(io_, *services_, addresses_.gateway,
                                             edge::DnsOptions{.service_cidr = settings_.service_cidr});
    if (const auto bound = dns_->start(); !bound) complain("pods cannot reach DNS", bound.error().message);
}

/// The node has written itself Ready; what remains is that this is durable and that the rules are in the kernel.
void Platform::announce() {
    services_->on_ready([this] {
        store_->when_durable(store_->revision(), [this] {
            log_.info("the node is ready", {{"address", settings_.address.get()}, {"port", settings_.port.get()}});
            if (const auto ready = std::exchange(ready_, nullptr)) ready();
        });
    });
}

void Platform::stop() {
    log_.info("stopping; pods go on running");
    server_->end_watches();
    pod_listener_.reset();
    listener_->drain(0s, 2s, [this] { io_.stop(); });
}

Result<void> Platform::run() {
    TRY(make());
    TRY(listen());
    log_.info("the API answers", {{"address", settings_.address.get()}, {"port", settings_.port.get()}});
    boost::asio::signal_set signals(io_, SIGTERM, SIGINT);
    signals.async_wait([this](const boost::system::error_code& error, int) {
        if (!error) stop();
    });
    start_machine();
    io_.run();
    log_.flush();
    if (failure_) return std::unexpected(std::move(*failure_));
    return {};
}

}  // namespace

std::string kubeconfig_path(const Settings& settings) { return settings.data_dir.get() + "/kubeconfig"; }

Result<void> serve(const Settings& settings, std::function<void()> ready) {
    return Platform(settings, std::move(ready)).run();
}

Result<void> wipe(const Settings& settings) {
    TRY(edge::wipe(edge_settings(settings)));
    return edge::remove_rules(settings.name);
}

Result<std::vector<std::string>> load_image(const Settings& settings, const std::string& archive) {
    const auto edge = edge_settings(settings);
    edge::Rpc rpc(edge.containerd_socket(), edge::containerd_namespace);
    edge::Images images(rpc);
    auto names = images.import(archive);
    if (!names) return std::unexpected(std::move(names).error().in(archive));
    return names;
}

}  // namespace platform
