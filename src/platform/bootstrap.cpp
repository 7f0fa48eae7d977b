#include "platform/bootstrap.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "kinds/registry.h"

namespace platform {

using base::Result;
namespace json = object::json;

namespace {

constexpr std::string_view manager = "slipway";
constexpr auto mend_delay = std::chrono::seconds(1), retry_delay = std::chrono::seconds(10);
constexpr std::string_view namespaces[] = {"default", "kube-system", "kube-public", "kube-node-lease"};
constexpr std::pair<std::string_view, std::string_view> fronts[] = {{"default", "kubernetes"},
                                                                    {"kube-system", "kube-dns"}};

/// The address that is `offset` above the range's first; an Error names a range that is none.
Result<std::string> address_in(std::string_view cidr, std::uint32_t offset) {
    const std::string network(cidr.substr(0, cidr.find('/')));
    in_addr address{};
    if (cidr.find('/') == cidr.npos || inet_pton(AF_INET, network.c_str(), &address) != 1)
        return base::fail(base::Code::bad_request, fmt::format("\"{}\" is no IPv4 range like 10.96.0.0/16", cidr));
    address.s_addr = htonl(ntohl(address.s_addr) + offset);
    char text[INET_ADDRSTRLEN];
    return std::string(inet_ntop(AF_INET, &address, text, sizeof text));
}

Result<void> ensure(verbs::Api& api, std::string_view ns, json::object body) {
    const object::Ref ref(body);
    const auto* kind = kinds::by_kind(ref["apiVersion"].str(), ref["kind"].str());
    base::check(kind != nullptr, "what bootstrap makes is of a served kind");
    const verbs::Target target{kind, std::string(ns), std::string(ref["metadata"]["name"].str())};
    const verbs::WriteOptions options{.field_manager = std::string(manager)};
    if (api.get(target)) {
        TRY(api.patch(target, verbs::PatchType::merge, std::move(body), options));
        return {};
    }
    TRY(api.create(target, std::move(body), options));
    return {};
}

json::object space(std::string_view name) {
    return {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}};
}

struct Front {  ///< a service without pods: an address that leads to this machine
    std::string_view ns, name;
    std::string_view cluster_ip;
    json::object labels;
    json::array service_ports, slice_ports;
};

Result<void> ensure_front(verbs::Api& api, const Front& front, const std::string& gateway) {
    TRY(ensure(api, front.ns,
               {{"apiVersion", "v1"},
                {"kind", "Service"},
                {"metadata", {{"name", front.name}, {"labels", front.labels}}},
                {"spec", {{"clusterIP", front.cluster_ip}, {"ports", front.service_ports}}}}));
    json::array subset_ports = front.slice_ports;
    TRY(ensure(api, front.ns,
               {{"apiVersion", "v1"},
                {"kind", "Endpoints"},
                {"metadata", {{"name", front.name}, {"labels", {{"endpointslice.kubernetes.io/skip-mirror", "true"}}}}},
                {"subsets",
                 json::array{{{"addresses", json::array{{{"ip", gateway}}}}, {"ports", std::move(subset_ports)}}}}}));
    return ensure(api, front.ns,
                  {{"apiVersion", "discovery.k8s.io/v1"},
                   {"kind", "EndpointSlice"},
                   {"metadata", {{"name", front.name}, {"labels", {{"kubernetes.io/service-name", front.name}}}}},
                   {"addressType", "IPv4"},
                   {"endpoints",
                    json::array{{{"addresses", json::array{json::value(gateway)}}, {"conditions", {{"ready", true}}}}}},
                   {"ports", front.slice_ports}});
}

json::object port(std::string_view name, int number, std::string_view protocol) {
    return {{"name", name}, {"port", number}, {"protocol", protocol}};
}

json::object service_port(std::string_view name, int number, int target, std::string_view protocol) {
    return {{"name", name}, {"port", number}, {"targetPort", target}, {"protocol", protocol}};
}

/// Whether `key` names one of the objects that bootstrap makes.
bool ours(const store::Key& key) {
    const std::string_view plural = key.resource.plural;
    if (plural == "namespaces") return std::ranges::find(namespaces, key.name) != std::end(namespaces);
    if (plural != "services" && plural != "endpoints" && plural != "endpointslices") return false;
    return std::ranges::any_of(fronts,
                               [&](const auto& front) { return key.ns == front.first && key.name == front.second; });
}

}  // namespace

Result<Addresses> addresses_of(std::string_view pod_cidr, std::string_view service_cidr, std::uint16_t api_port) {
    return Addresses{.gateway = TRY(address_in(pod_cidr, 1)),
                     .api_port = api_port,
                     .api_service = TRY(address_in(service_cidr, 1)),
                     .dns_service = TRY(address_in(service_cidr, 10))};
}

Result<void> bootstrap(verbs::Api& api, const Addresses& addresses) {
    for (const auto name : namespaces) TRY(ensure(api, "", space(name)));
    TRY(ensure_front(api,
                     {.ns = "default",
                      .name = "kubernetes",
                      .cluster_ip = addresses.api_service,
                      .labels = {{"component", "apiserver"}, {"provider", "kubernetes"}},
                      .service_ports = {service_port("https", 443, addresses.api_port, "TCP")},
                      .slice_ports = {port("https", addresses.api_port, "TCP")}},
                     addresses.gateway));
    return ensure_front(api,
                        {.ns = "kube-system",
                         .name = "kube-dns",
                         .cluster_ip = addresses.dns_service,
                         .labels = {{"k8s-app", "kube-dns"}, {"kubernetes.io/name", "CoreDNS"}},
                         .service_ports = {service_port("dns", 53, 53, "UDP"), service_port("dns-tcp", 53, 53, "TCP")},
                         .slice_ports = {port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP")}},
                        addresses.gateway);
}

Upkeep::Upkeep(run::Loop& loop, store::Store& store, verbs::Api& api, Addresses addresses, Complain complain)
    : loop_(loop), api_(api), addresses_(std::move(addresses)), complain_(std::move(complain)) {
    changes_ = store.subscribe([this](const store::EventPtr& event) {
        if (ours(event->key)) mend_after(mend_delay);
    });
}

/// What it writes is a change too; the pass that follows finds nothing to do and writes nothing.
void Upkeep::mend_after(run::Duration delay) {
    if (std::exchange(due_, true)) return;
    next_ = loop_.after(delay, [this] {
        due_ = false;
        const auto mended = bootstrap(api_, addresses_);
        if (mended) return;
        complain_(mended.error().message);
        mend_after(retry_delay);
    });
}

}  // namespace platform
