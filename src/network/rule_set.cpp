// nftables rule sets: dispatch by one verdict map a packet, a chain a service port, and a reject for whatever in the
// service range leads nowhere. The shape of the table is in static_rules().
#include "network/rule_set.h"

#include <boost/json.hpp>
#include <optional>

namespace network {
namespace {

namespace json = boost::json;

constexpr std::size_t buckets = 128;

json::value payload(std::string_view protocol, std::string_view field) {
    return {{"payload", {{"protocol", protocol}, {"field", field}}}};
}
json::value meta(std::string_view key) { return {{"meta", {{"key", key}}}}; }
json::value match(std::string_view op, json::value left, json::value right) {
    return {{"match", {{"op", op}, {"left", std::move(left)}, {"right", std::move(right)}}}};
}
json::value concat(json::array parts) { return {{"concat", std::move(parts)}}; }
json::value jump(std::string_view chain) { return {{"jump", {{"target", chain}}}}; }

json::value prefix(std::string_view cidr) {
    const auto slash = cidr.find('/');
    return {{"prefix", {{"addr", cidr.substr(0, slash)}, {"len", std::stoi(std::string(cidr.substr(slash + 1)))}}}};
}

std::string key_text(json::array parts) { return json::serialize(concat(std::move(parts))); }

/// FNV-1a with a last mix, so that neighbouring buckets and addresses fall apart.
std::uint64_t hash(std::string_view text, std::uint64_t seed) {
    std::uint64_t h = 14695981039346656037ull ^ (seed * 0x9e3779b97f4a7c15ull);
    for (const unsigned char c : text) h = (h ^ c) * 1099511628211ull;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    return h ^ (h >> 33);
}

json::value of_protocol(const PortRule& rule) { return match("==", meta("l4proto"), json::value(rule.protocol)); }
json::value to_backend(const Backend& backend) {
    return {{"dnat", {{"family", "ip"}, {"addr", backend.ip}, {"port", backend.port}}}};
}
json::value go_to(std::string_view chain) { return {{"goto", {{"target", chain}}}}; }

/// The rules of a service port's chain. The first picks a backend from a map. While a transaction is being made, a
/// packet that entered by the old rules may find the old map gone already; without a second rule it would go on
/// untranslated and be refused. That one names a backend of the same rules, which still serves at that moment.
json::array to_backends(const PortRule& rule) {
    json::array entries;
    for (std::size_t i = 0; i < rule.backends.size(); ++i) {
        const auto& b = rule.backends[i];
        entries.push_back(json::array{i, concat({json::value(b.ip), json::value(b.port)})});
    }
    json::value key{{"numgen", {{"mode", "random"}, {"mod", rule.backends.size()}, {"offset", 0}}}};
    json::object target{{"key", std::move(key)}, {"data", {{"set", std::move(entries)}}}};
    json::value choice{{"dnat", {{"family", "ip"}, {"addr", {{"map", std::move(target)}}}}}};
    return {json::array{of_protocol(rule), std::move(choice)},
            json::array{of_protocol(rule), to_backend(rule.backends.front())}};
}

}  // namespace

class Transaction {
 public:
    explicit Transaction(const RuleSettings& settings) : settings_(settings) {}

    json::object in_table(json::object body) const {
        body["family"] = "ip";
        body["table"] = settings_.table;
        return body;
    }
    void command(std::string_view verb, std::string_view what, json::object body) {
        commands_.emplace_back(json::object{{verb, {{what, in_table(std::move(body))}}}});
    }
    /// Rules as serialized: a list of lists of expressions.
    void rules(std::string_view chain, const std::string& text) {
        auto parsed = json::parse(text);
        for (auto& each : parsed.as_array()) rule(chain, std::move(each.as_array()));
    }
    void rule(std::string_view chain, json::array expressions) {
        command("add", "rule", {{"chain", chain}, {"expr", std::move(expressions)}});
    }
    void element(std::string_view verb, std::string_view set, std::string_view key, std::string_view chain) {
        json::value value = json::parse(key);
        if (!chain.empty()) value = json::array{std::move(value), {{"goto", {{"target", chain}}}}};
        command(verb, "element", {{"name", set}, {"elem", json::array{std::move(value)}}});
    }
    void table(std::string_view verb) {
        commands_.emplace_back(json::object{{verb, {{"table", {{"family", "ip"}, {"name", settings_.table}}}}}});
    }
    void hook(std::string_view name, std::string_view type, std::string_view hook, int priority) {
        command("add", "chain",
                {{"name", name}, {"type", type}, {"hook", hook}, {"prio", priority}, {"policy", "accept"}});
    }
    void chain(std::string_view name) { command("add", "chain", {{"name", name}}); }
    void clients(std::string_view set, std::int64_t remembered_s) {
        command("add", "set",
                {{"name", set}, {"type", "ipv4_addr"}, {"flags", json::array{"timeout"}}, {"timeout", remembered_s}});
    }
    std::string text() && { return json::serialize(json::object{{"nftables", std::move(commands_)}}); }

    /// What stands there whatever the services are.
    void static_rules();

 private:
    void sets();
    void translation();
    void refusal();

    const RuleSettings& settings_;
    json::array commands_;
};

void Transaction::static_rules() {
    sets();
    translation();
    refusal();
}

void Transaction::sets() {
    const json::array meeting{"ipv4_addr", "inet_proto", "inet_service"};
    command("add", "map", {{"name", "services"}, {"type", meeting}, {"map", "verdict"}});
    command("add", "map", {{"name", "nodeports"}, {"type", {"inet_proto", "inet_service"}}, {"map", "verdict"}});
    command("add", "set", {{"name", "hairpins"}, {"type", {"ipv4_addr", "ipv4_addr"}}});
    command("add", "set", {{"name", "refused"}, {"type", meeting}});
    command("add", "set", {{"name", "refused_nodeports"}, {"type", {"inet_proto", "inet_service"}}});
}

static json::value meeting_key() { return concat({payload("ip", "daddr"), meta("l4proto"), payload("th", "dport")}); }

static json::value node_port_key() { return concat({meta("l4proto"), payload("th", "dport")}); }

static json::value to_this_machine() {
    return match("==", {{"fib", {{"result", "type"}, {"flags", json::array{"daddr"}}}}}, "local");
}

void Transaction::translation() {
    constexpr int dstnat = -100, srcnat = 100;
    chain("dispatch");
    rule("dispatch", {{{"vmap", {{"key", meeting_key()}, {"data", "@services"}}}}});
    rule("dispatch", {to_this_machine(), {{"vmap", {{"key", node_port_key()}, {"data", "@nodeports"}}}}});
    hook("prerouting", "nat", "prerouting", dstnat);
    rule("prerouting", {jump("dispatch")});
    hook("output", "nat", "output", dstnat);
    rule("output", {jump("dispatch")});

    const json::value masquerade{{"masquerade", nullptr}};
    const auto outside = [&] { return match("!=", meta("oifname"), json::value(settings_.bridge)); };
    hook("postrouting", "nat", "postrouting", srcnat);
    // a pod that reaches itself through its service must see another's address, or it would answer itself directly
    rule("postrouting",
         {match("==", concat({payload("ip", "saddr"), payload("ip", "daddr")}), "@hairpins"), masquerade});
    // a loopback source means nothing to a pod
    rule("postrouting", {match("==", payload("ip", "saddr"), prefix("127.0.0.0/8")),
                         match("==", meta("oifname"), json::value(settings_.bridge)), masquerade});
    // what pods send beyond this machine comes from this machine
    rule("postrouting", {match("==", payload("ip", "saddr"), prefix(settings_.pod_cidr)),
                         match("!=", payload("ip", "daddr"), prefix(settings_.pod_cidr)), outside(), masquerade});
}

void Transaction::refusal() {
    chain("refuse");
    rule("refuse", {match("==", meta("l4proto"), "tcp"), {{"reject", {{"type", "tcp reset"}}}}});
    rule("refuse", {{{"reject", {{"type", "icmp"}, {"expr", "port-unreachable"}}}}});
    for (const auto* where : {"input", "forward", "output"}) {
        const auto name = std::string("refuse_") + where;
        hook(name, "filter", where, 0);
        rule(name, {match("==", payload("ip", "daddr"), prefix(settings_.service_cidr)), jump("refuse")});
        rule(name, {match("==", meeting_key(), "@refused"), jump("refuse")});
    }
    // A packet that were let through would be tracked as it is, and those that follow it past a backend that came
    // since.
    for (const auto* chain : {"refuse_input", "refuse_output"})
        rule(chain, {to_this_machine(), match("==", node_port_key(), "@refused_nodeports"), jump("refuse")});
}

std::vector<std::size_t> bucket_backends(const std::vector<Backend>& backends) {
    std::vector<std::size_t> out(buckets);
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
        std::uint64_t best = 0;
        for (std::size_t i = 0; i < backends.size(); ++i) {
            const auto weight = hash(backends[i].ip + ":" + std::to_string(backends[i].port), bucket);
            if (i == 0 || weight > best) best = weight, out[bucket] = i;
        }
    }
    return out;
}

/// A chain for each backend, which remembers the clients that it leads there, and before anything else a look at who
/// is remembered. A new client's address decides (rendezvous hashing), so that a daemon that has forgotten whom it knew
/// leads most of them to where they were.
void RuleSet::keep_clients(Part& part, const std::string& chain, const PortRule& rule) {
    json::array rules, buckets_of;
    std::vector<std::string> chains;
    const auto client = payload("ip", "saddr");
    for (const auto& backend : rule.backends) {
        const auto place = chain + "/" + backend.ip + "/" + std::to_string(backend.port);
        const auto set = "clients/" + std::to_string(rule.affinity_s) + "/" + place;
        part.sets[set] = rule.affinity_s;
        const json::value remember{{"set", {{"op", "update"}, {"elem", client}, {"set", "@" + set}}}};
        const json::array own{json::array{of_protocol(rule), remember, to_backend(backend)},
                              json::array{of_protocol(rule), to_backend(backend)}};  // the set may be full
        part.chains[place] = json::serialize(own);
        rules.push_back(json::array{match("==", client, json::value("@" + set)), go_to(place)});
        chains.push_back(place);
    }
    const auto chosen = bucket_backends(rule.backends);
    for (std::size_t i = 0; i < chosen.size(); ++i) buckets_of.push_back(json::array{i, go_to(chains[chosen[i]])});
    const json::value hash{{"jhash", {{"mod", buckets}, {"expr", client}}}};
    const json::value choice{{"vmap", {{"key", hash}, {"data", {{"set", std::move(buckets_of)}}}}}};
    rules.push_back(json::array{choice});
    rules.push_back(json::array{go_to(chains.front())});  // a map that is being replaced leads nowhere
    part.chains[chain] = json::serialize(rules);
}

RuleSet::Part RuleSet::part_of(const ServiceName& service, const std::vector<PortRule>& ports) {
    Part part;
    for (const auto& rule : ports) {
        const auto meeting = [&](const std::string& ip) {
            return key_text({json::value(ip), json::value(rule.protocol), json::value(rule.port)});
        };
        const auto node_port = key_text({json::value(rule.protocol), json::value(rule.node_port)});
        if (rule.backends.empty()) {  // the service range is refused as a whole; what else it is met at by name
            for (const auto& ip : rule.addresses) part.elements[{"refused", meeting(ip)}] = "";
            if (rule.node_port != 0) part.elements[{"refused_nodeports", node_port}] = "";
            continue;
        }
        auto chain = "svc/" + service.ns + "/" + service.name + "/" + rule.protocol + "/" + std::to_string(rule.port);
        // Several rules may share a port, each for an address of its own.
        if (rule.cluster_ip.empty() && !rule.addresses.empty()) chain += "/" + rule.addresses.front();
        if (rule.balance == Balance::by_client)
            keep_clients(part, chain, rule);
        else
            part.chains[chain] = json::serialize(to_backends(rule));
        if (!rule.cluster_ip.empty()) part.elements[{"services", meeting(rule.cluster_ip)}] = chain;
        for (const auto& ip : rule.addresses) part.elements[{"services", meeting(ip)}] = chain;
        if (rule.node_port != 0) part.elements[{"nodeports", node_port}] = chain;
        for (const auto& backend : rule.backends)
            part.elements[{"hairpins", key_text({json::value(backend.ip), json::value(backend.ip)})}] = "";
    }
    return part;
}

void RuleSet::put(const ServiceName& service, const std::vector<PortRule>& ports) {
    auto part = part_of(service, ports);
    if (const auto old = parts_.find(service); old != parts_.end()) {
        for (const auto& [chain, rule] : old->second.chains) {
            changed_chains_.insert(chain);
            chain_owners_.erase(chain);
        }
        for (const auto& [element, chain] : old->second.elements) {
            changed_elements_.insert(element);
            auto& claims = claims_[element];
            claims.erase(service);
            if (claims.empty()) claims_.erase(element);
        }
    }
    for (const auto& [chain, rule] : part.chains) {
        changed_chains_.insert(chain);
        chain_owners_[chain] = service;
    }
    for (const auto& [element, chain] : part.elements) {
        changed_elements_.insert(element);
        claims_[element][service] = chain;
    }
    if (part.chains.empty() && part.elements.empty())
        parts_.erase(service);
    else
        parts_[service] = std::move(part);
}

std::string RuleSet::wanted_chain(const std::string& name) const {
    const auto owner = chain_owners_.find(name);
    return owner == chain_owners_.end() ? "" : parts_.at(owner->second).chains.at(name);
}

const std::string* RuleSet::wanted_element(const Element& element) const {
    const auto claims = claims_.find(element);
    return claims == claims_.end() ? nullptr : &claims->second.begin()->second;
}

std::map<std::string, std::int64_t> RuleSet::wanted_sets() const {
    std::map<std::string, std::int64_t> sets;
    for (const auto& [service, part] : parts_) sets.insert(part.sets.begin(), part.sets.end());
    return sets;
}

std::string RuleSet::everything() {
    Transaction out(settings_);
    out.table("add");  // so that deleting never fails
    out.table("delete");
    out.table("add");
    out.static_rules();
    sent_chains_.clear();
    sent_elements_.clear();
    changed_chains_.clear();
    changed_elements_.clear();
    sent_sets_ = wanted_sets();
    for (const auto& [set, seconds] : sent_sets_) out.clients(set, seconds);
    for (const auto& [chain, owner] : chain_owners_) out.chain(chain);
    for (const auto& [chain, owner] : chain_owners_) {
        sent_chains_[chain] = wanted_chain(chain);
        out.rules(chain, sent_chains_[chain]);
    }
    for (const auto& [element, claims] : claims_) {
        sent_elements_[element] = claims.begin()->second;
        out.element("add", element.set, element.key, claims.begin()->second);
    }
    return std::move(out).text();
}

/// Chains are all there before a rule of any leads to them.
bool RuleSet::change_chains(Transaction& out, std::vector<std::string>& gone) {
    std::vector<std::string> changed;
    for (const auto& chain : changed_chains_) {
        const auto rules = wanted_chain(chain);
        const auto sent = sent_chains_.find(chain);
        if (sent != sent_chains_.end() ? sent->second == rules : rules.empty()) continue;
        if (rules.empty()) {
            gone.push_back(chain);
            continue;
        }
        changed.push_back(chain);
        if (sent == sent_chains_.end())
            out.chain(chain);
        else
            out.command("flush", "chain", {{"name", chain}});
        sent_chains_[chain] = rules;
    }
    for (const auto& chain : changed) out.rules(chain, sent_chains_[chain]);
    changed_chains_.clear();
    return !changed.empty() || !gone.empty();
}

bool RuleSet::change_elements(Transaction& out) {
    bool any = false;
    for (const auto& element : changed_elements_) {
        const auto* wanted = wanted_element(element);
        const auto sent = sent_elements_.find(element);
        if (sent != sent_elements_.end() ? wanted && sent->second == *wanted : !wanted) continue;
        any = true;
        if (sent != sent_elements_.end()) {
            out.element("delete", element.set, element.key, "");
            sent_elements_.erase(sent);
        }
        if (!wanted) continue;
        out.element("add", element.set, element.key, *wanted);
        sent_elements_[element] = *wanted;
    }
    changed_elements_.clear();
    return any;
}

std::string RuleSet::changes() {
    Transaction out(settings_);
    std::vector<std::string> gone;
    const auto sets = changed_chains_.empty() ? sent_sets_ : wanted_sets();
    for (const auto& [set, seconds] : sets)
        if (!sent_sets_.contains(set)) out.clients(set, seconds);
    const bool chains = change_chains(out, gone);
    const bool elements = change_elements(out);
    for (const auto& chain : gone) {  // last: nothing may lead there any more
        out.command("flush", "chain", {{"name", chain}});
        sent_chains_.erase(chain);
    }
    for (const auto& chain : gone) out.command("delete", "chain", {{"name", chain}});
    for (const auto& [set, seconds] : sent_sets_)
        if (!sets.contains(set)) out.command("delete", "set", {{"name", set}});
    sent_sets_ = sets;
    return chains || elements ? std::move(out).text() : "";
}

}  // namespace network
