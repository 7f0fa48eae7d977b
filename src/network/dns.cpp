// Which records a name of the cluster has.
#include "network/dns.h"

#include <algorithm>
#include <charconv>

#include "network/dns_message.h"

namespace network {
namespace {

constexpr std::string_view domain = "cluster.local";
constexpr std::string_view reverse_domain = "in-addr.arpa";
constexpr std::uint32_t ttl_s = 5;  ///< names follow the store at once; resolvers shall too
constexpr int aliases_max = 8;

std::vector<std::string> labels_of(std::string_view name) {
    std::vector<std::string> out;
    while (!name.empty()) {
        const auto dot = std::min(name.find('.'), name.size());
        out.emplace_back(name.substr(0, dot));
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return out;
}

/// `name` without the domain behind it; nothing when it is of another one.
std::optional<std::string_view> below(std::string_view name, std::string_view of) {
    if (name == of) return std::string_view();
    if (!name.ends_with(of) || name.size() <= of.size() || name[name.size() - of.size() - 1] != '.') return {};
    return name.substr(0, name.size() - of.size() - 1);
}

std::optional<std::uint32_t> address(std::string_view text) {
    std::uint32_t out = 0;
    int parts = 0;
    while (true) {
        std::uint32_t part = 0;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), part);
        if (problem != std::errc() || part > 255) return {};
        out = out << 8 | part;
        ++parts;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (text.empty()) break;
        if (text[0] != '.' || parts == 4) return {};
        text.remove_prefix(1);
    }
    return parts == 4 ? std::optional(out) : std::nullopt;
}

bool in_range(std::string_view ip, std::string_view cidr) {
    const auto slash = cidr.find('/');
    const auto base = address(cidr.substr(0, slash)), wanted = address(ip);
    unsigned bits = 32;
    if (slash != std::string_view::npos) std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), bits);
    if (!base || !wanted || bits > 32) return false;
    return bits == 0 || (*base ^ *wanted) >> (32 - bits) == 0;
}

DnsRecord record(std::string name, DnsType type, std::string data) {
    return {.name = std::move(name), .type = type, .ttl = ttl_s, .data = std::move(data)};
}

DnsRecord authority() {
    constexpr std::uint32_t serial = 1, refresh_s = 7200, retry_s = 1800, expire_s = 86400;
    return record(std::string(domain), DnsType::soa,
                  wire_name("ns.dns." + std::string(domain)) + wire_name("hostmaster." + std::string(domain)) +
                      wire_number(serial, 4) + wire_number(refresh_s, 4) + wire_number(retry_s, 4) +
                      wire_number(expire_s, 4) + wire_number(ttl_s, 4));
}

/// What stands under a name: whether it exists at all, and its records of the wanted type.
struct Found {
    bool exists = false;
    std::vector<DnsRecord> answers, additional;
    std::string alias;  ///< the answers' last record leads there
};

class Lookup {
 public:
    Lookup(const Zone& zone, DnsType type) : zone_(zone), type_(type) {}

    Found find(const std::string& name, std::string_view relative) {
        name_ = name;
        auto labels = labels_of(relative);
        if (labels.empty()) return apex();
        if (relative == "dns-version") return version();
        const auto kind = std::move(labels.back());
        labels.pop_back();
        if (kind == "pod") return pod(labels);
        if (kind != "svc") return {};
        if (labels.empty()) return {.exists = true};
        const auto ns = std::move(labels.back());
        labels.pop_back();
        if (labels.empty()) return {.exists = zone_.has_namespace(ns)};
        const auto* service = zone_.find(ns, labels.back());
        if (!service) return {};
        base_ = labels.back() + "." + ns + ".svc." + std::string(domain);
        labels.pop_back();
        if (labels.empty()) return whole(*service);
        if (labels.size() == 2 && labels[0].starts_with('_') && labels[1].starts_with('_'))
            return ports(*service, labels[0].substr(1), labels[1].substr(1));
        return labels.size() == 1 ? endpoint(*service, labels[0]) : Found{};
    }

 private:
    bool wants(DnsType type) const { return type_ == type || type_ == DnsType::any; }

    /// The domain itself.
    Found apex() const {
        Found out{.exists = true};
        if (wants(DnsType::soa)) out.answers.push_back(authority());
        if (wants(DnsType::ns))
            out.answers.push_back(record(name_, DnsType::ns, wire_name("ns.dns." + std::string(domain))));
        return out;
    }

    /// Of the specification that these answers keep to.
    Found version() const {
        constexpr std::string_view text = "1.1.0";
        Found out{.exists = true};
        if (wants(DnsType::txt))
            out.answers.push_back(record(name_, DnsType::txt,
                                         wire_number(static_cast<std::uint32_t>(text.size()), 1) + std::string(text)));
        return out;
    }

    void add_address(std::vector<DnsRecord>& to, const std::string& name, const std::string& ip) const {
        const auto value = address(ip);
        if (!value) return;
        auto added = record(name, DnsType::a, wire_number(*value, 4));
        const auto same = [&](const DnsRecord& r) { return r.name == added.name && r.data == added.data; };
        if (std::ranges::none_of(to, same)) to.push_back(std::move(added));
    }

    /// "10-244-0-7.default.pod"
    Found pod(const std::vector<std::string>& labels) const {
        if (labels.size() != 2) return {.exists = labels.size() < 2};
        auto ip = labels[0];
        std::ranges::replace(ip, '-', '.');
        Found out{.exists = address(ip).has_value()};
        if (wants(DnsType::a)) add_address(out.answers, name_, ip);
        return out;
    }

    Found whole(const ZoneService& service) const {
        Found out{.exists = true};
        if (!service.external_name.empty()) {
            out.alias = service.external_name;
            out.answers.push_back(record(name_, DnsType::cname, wire_name(service.external_name)));
            return out;
        }
        if (type_ == DnsType::srv) return ports(service, "", "");
        if (!wants(DnsType::a)) return out;
        if (!service.cluster_ip.empty()) add_address(out.answers, name_, service.cluster_ip);
        for (const auto& each : service.endpoints) add_address(out.answers, name_, each.ip);
        return out;
    }

    Found endpoint(const ZoneService& service, const std::string& label) const {
        Found out;
        for (const auto& each : service.endpoints) {
            if (endpoint_label(each) != label) continue;
            out.exists = true;
            if (wants(DnsType::a)) add_address(out.answers, name_, each.ip);
        }
        return out;
    }

    void add_port(Found& out, const std::string& target, std::uint16_t port, const std::string& ip) const {
        constexpr std::uint32_t priority = 0, weight = 100;
        out.answers.push_back(
            record(name_, DnsType::srv,
                   wire_number(priority, 2) + wire_number(weight, 2) + wire_number(port, 2) + wire_name(target)));
        add_address(out.additional, target, ip);
    }

    /// "_http._tcp.web.default.svc"; empty names mean every port.
    Found ports(const ZoneService& service, const std::string& port, const std::string& protocol) const {
        const auto matches = [&](const NamedPort& each) {
            return port.empty() || (each.name == port && each.protocol == protocol);
        };
        Found all{.exists = port.empty()};
        const auto note = [&](const NamedPort& each, const std::string& target, const std::string& ip) {
            if (!matches(each)) return;
            all.exists = true;
            if (wants(DnsType::srv)) add_port(all, target, each.port, ip);
        };
        if (!service.cluster_ip.empty())
            for (const auto& each : service.ports) note(each, base_, service.cluster_ip);
        for (const auto& endpoint : service.endpoints)
            for (const auto& each : endpoint.ports) note(each, endpoint_label(endpoint) + "." + base_, endpoint.ip);
        return all;
    }

    const Zone& zone_;
    DnsType type_;
    std::string name_, base_;
};

std::string finished(const DnsQuestion& question, DnsParts parts, Transport transport) {
    if (parts.answers.empty()) parts.authority = {authority()};
    auto out = write_answer(question, parts);
    if (transport == Transport::tcp || out.size() <= question.answer_max) return out;
    parts.additional.clear();
    out = write_answer(question, parts);
    if (out.size() <= question.answer_max) return out;
    return write_answer(question,
                        {.code = parts.code, .answers = {}, .authority = {}, .additional = {}, .truncated = true});
}

/// "7.0.244.10" -> "10.244.0.7"
std::string turned(std::string_view reversed) {
    auto labels = labels_of(reversed);
    std::string out;
    for (auto it = labels.rbegin(); it != labels.rend(); ++it) (out += out.empty() ? "" : ".") += *it;
    return out;
}

}  // namespace

DnsReply answer_dns(const Zone& zone, std::string_view query, Transport transport, std::string_view service_cidr) {
    using What = DnsReply::What;
    const auto question = read_question(query);
    if (!question) return {.what = What::ignore, .bytes = {}, .query = {}};
    if (const auto reversed = below(question->name, reverse_domain)) {
        const auto ip = turned(*reversed);
        const auto name = zone.name_of(ip);
        if (name.empty() && !in_range(ip, service_cidr)) return {.what = What::forward, .bytes = {}, .query = {}};
        DnsParts parts{.code = name.empty() ? DnsCode::no_such_name : DnsCode::ok};
        if (!name.empty() && (question->type == DnsType::ptr || question->type == DnsType::any))
            parts.answers.push_back(record(question->name, DnsType::ptr, wire_name(name + "." + std::string(domain))));
        return {.bytes = finished(*question, std::move(parts), transport), .query = {}};
    }
    auto name = question->name;
    auto relative = below(name, domain);
    if (!relative) return {.what = What::forward, .bytes = {}, .query = {}};
    DnsParts parts;
    for (int i = 0; relative && i < aliases_max; ++i) {
        auto found = Lookup(zone, question->type).find(name, *relative);
        if (!found.exists && i == 0) parts.code = DnsCode::no_such_name;
        std::ranges::move(found.answers, std::back_inserter(parts.answers));
        std::ranges::move(found.additional, std::back_inserter(parts.additional));
        if (found.alias.empty() || question->type == DnsType::cname)
            return {.bytes = finished(*question, std::move(parts), transport), .query = {}};
        name = found.alias;
        if (name.ends_with('.')) name.pop_back();
        relative = below(name, domain);
    }
    return {.what = What::follow,
            .bytes = finished(*question, std::move(parts), transport),
            .query = write_query(question->id, name, question->type)};
}

std::string with_followed(std::string_view alias_answer, std::string_view followed) {
    // our own answer has its answer section last but for the OPT record: write both sections anew
    const std::string question_bytes(alias_answer);
    auto as_query = question_bytes;
    as_query[2] = static_cast<char>(as_query[2] & 0x01);
    auto question = read_question(as_query);
    if (!question) return question_bytes;
    DnsParts parts{.answers = read_answers(alias_answer)};
    for (auto& each : read_answers(followed)) parts.answers.push_back(std::move(each));
    question->extended = false;
    return write_answer(*question, parts);
}

std::string dns_failure(std::string_view query) {
    const auto question = read_question(query);
    return question ? write_answer(*question, {.code = DnsCode::failure}) : "";
}

}  // namespace network
