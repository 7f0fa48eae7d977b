// As much of nftables as our transactions use: tables, chains, rules, sets and maps, with the kernel's rules of
// reference. What a rule leads to is found by following its jumps and translations.
#include "sim/kernel.h"

#include <fmt/format.h>

namespace sim {

using base::Code;
using base::Result;
using object::Ref;
using namespace std::chrono_literals;

void Kernel::apply(std::string nftables_json, std::move_only_function<void(Result<void>)> done) {
    enqueue({.transaction = std::move(nftables_json), .forget = {}, .done = std::move(done)});
}

void Kernel::forget_flows(std::vector<std::string> addresses, Flows, std::move_only_function<void(Result<void>)> done) {
    enqueue({.transaction = {}, .forget = std::move(addresses), .done = std::move(done)});
}

void Kernel::enqueue(Work work) {
    queue_.push_back(std::move(work));
    if (queue_.size() == 1) begin();
}

void Kernel::begin() {
    working_ = loop_.after(base::Duration(100us) * (1 + rng_.below(100)), [this] {
        auto work = std::move(queue_.front());
        queue_.pop_front();
        const bool fails = !work.transaction.empty() && rng_.chance(faults_.kernel_refusal);
        auto result = fails ? Result<void>(base::fail(Code::unavailable, "a simulated refusal")) : carry_out(work);
        ++version_;
        if (!queue_.empty()) begin();
        work.done(std::move(result));
    });
}

void Kernel::daemon_died() {
    working_.cancel();
    if (!queue_.empty() && rng_.chance(0.5)) {
        [[maybe_unused]] const auto unheard = carry_out(queue_.front());
        ++version_;
    }
    queue_.clear();
}

Result<void> Kernel::carry_out(const Work& work) {
    for (const auto& address : work.forget)
        if (!addresses_.contains(address)) remembered_.erase(address);
    if (work.transaction.empty()) return {};
    const auto parsed = json::parse(work.transaction);
    auto tables = tables_;
    for (const Ref each : Ref(parsed)["nftables"].items())
        for (const auto& [verb, body] : each.members())
            for (const auto& [what, object] : Ref(body).members()) {
                const Ref o(object);
                const std::string name(o[what == "table" ? "name" : "table"].str());
                if (what == "table") {
                    if (verb == "add")
                        tables.try_emplace(name);
                    else
                        tables.erase(name);
                    continue;
                }
                const auto table = tables.find(name);
                auto done = table == tables.end() ? base::fail(Code::not_found, "no table " + name)
                                                  : command(table->second, verb, what, o);
                if (done) continue;
                refused_ =
                    fmt::format("{} {}: {}", std::string_view(verb), std::string_view(what), done.error().message);
                return done;
            }
    tables_ = std::move(tables);
    note_addresses();
    return {};
}

Result<void> Kernel::command(Table& table, std::string_view verb, std::string_view what, Ref body) {
    const std::string name(body["name"].str());
    if (what == "chain") return chain_command(table, verb, name);
    if (what == "element") return element_command(table, verb, body);
    if (what == "set" || what == "map") {
        if (verb == "add") {
            table.sets.try_emplace(name);
            return {};
        }
        for (const auto& [chain, content] : table.chains)
            for (const auto& rule : content.rules)
                if (refers(rule, "@" + name))
                    return base::fail(Code::conflict, "set " + name + " is in use by " + chain);
        if (!table.sets.erase(name)) return base::fail(Code::not_found, "no set " + name);
        return {};
    }
    const auto chain = table.chains.find(std::string(body["chain"].str()));
    if (chain == table.chains.end()) return base::fail(Code::not_found, "a rule for no chain");
    TRY(check_references(table, *body["expr"].value()));
    chain->second.rules.push_back(body["expr"].items());
    return {};
}

Result<void> Kernel::chain_command(Table& table, std::string_view verb, const std::string& name) {
    if (verb == "add") {
        table.chains.try_emplace(name);
        return {};
    }
    const auto chain = table.chains.find(name);
    if (chain == table.chains.end()) return base::fail(Code::not_found, "no chain " + name);
    chain->second.rules.clear();
    if (verb == "flush") return {};
    for (const auto& [set, content] : table.sets)
        for (const auto& [key, verdict] : content.elements)
            if (refers(verdict, name)) return base::fail(Code::conflict, "chain " + name + " is in use by " + set);
    for (const auto& [other, content] : table.chains)
        for (const auto& rule : content.rules)
            if (refers(rule, name)) return base::fail(Code::conflict, "chain " + name + " is in use by " + other);
    table.chains.erase(chain);
    return {};
}

Result<void> Kernel::element_command(Table& table, std::string_view verb, Ref body) {
    const auto set = table.sets.find(std::string(body["name"].str()));
    if (set == table.sets.end()) return base::fail(Code::not_found, "an element for no set");
    for (const auto& element : body["elem"].items()) {
        const auto* pair = element.if_array();
        const auto key = json::serialize(pair ? (*pair)[0] : element);
        if (verb == "delete") {
            if (!set->second.elements.erase(key)) return base::fail(Code::not_found, "no element " + key);
            continue;
        }
        const json::value verdict = pair ? (*pair)[1] : json::value();
        TRY(check_references(table, verdict));
        const auto [at, added] = set->second.elements.emplace(key, verdict);
        if (!added && at->second != verdict) return base::fail(Code::already_exists, "another element " + key);
    }
    return {};
}

/// Chains that are jumped to and sets that are looked in must be there.
Result<void> Kernel::check_references(const Table& table, const json::value& value) {
    if (const auto* list = value.if_array())
        for (const auto& item : *list) TRY(check_references(table, item));
    if (const auto* text = value.if_string(); text && text->starts_with('@'))
        if (!table.sets.contains(std::string(text->subview(1))))
            return base::fail(Code::not_found, "no set " + std::string(*text));
    if (const auto* object = value.if_object())
        for (const auto& [name, member] : *object) {
            if (name == "target" && !table.chains.contains(std::string(Ref(member).str())))
                return base::fail(Code::not_found, "no chain " + std::string(Ref(member).str()));
            TRY(check_references(table, member));
        }
    return {};
}

/// Whether it leads to that chain, or looks in that "@set".
bool Kernel::refers(const json::value& value, std::string_view name) {
    if (const auto* text = value.if_string()) return name.starts_with('@') && std::string_view(*text) == name;
    if (const auto* list = value.if_array())
        for (const auto& item : *list)
            if (refers(item, name)) return true;
    if (const auto* object = value.if_object())
        for (const auto& [key, member] : *object)
            if ((key == "target" && Ref(member).str() == name) || refers(member, name)) return true;
    return false;
}

/// Everything that the expressions may translate to, jumps followed.
void Kernel::collect(const json::value& value, std::set<std::string>& backends) const {
    if (const auto* list = value.if_array()) {
        for (const auto& item : *list) collect(item, backends);
        return;
    }
    const auto* object = value.if_object();
    if (!object) return;
    for (const auto& [name, member] : *object) {
        const Ref m(member);
        if (name == "dnat" && !m["addr"].str().empty())
            backends.insert(fmt::format("{}:{}", m["addr"].str(), m["port"].num()));
        if (name == "dnat")
            for (const Ref entry : m["addr"]["map"]["data"]["set"].items()) {
                const auto to = entry[std::size_t{1}]["concat"];
                backends.insert(fmt::format("{}:{}", to[std::size_t{0}].str(), to[std::size_t{1}].num()));
            }
        if (name == "target")
            for (const auto& [table_name, table] : tables_)
                if (const auto chain = table.chains.find(std::string(m.str())); chain != table.chains.end())
                    for (const auto& rule : chain->second.rules) collect(json::value(rule), backends);
        if (name != "dnat") collect(member, backends);
    }
}

std::set<std::string> Kernel::backends(const std::string& ip, const std::string& protocol, std::uint16_t port) const {
    std::set<std::string> found;
    const auto key = json::serialize(json::object{{"concat", json::array{ip, protocol, port}}});
    for (const auto& [name, table] : tables_) {
        const auto services = table.sets.find("services");
        if (services == table.sets.end()) continue;
        const auto element = services->second.elements.find(key);
        if (element != services->second.elements.end()) collect(element->second, found);
    }
    return found;
}

void Kernel::note_addresses() {
    std::set<std::string> all;
    for (const auto& [name, table] : tables_)
        for (const auto& [set, content] : table.sets)
            for (const auto& [key, verdict] : content.elements) collect(verdict, all);
    addresses_.clear();
    for (const auto& backend : all) addresses_.insert(backend.substr(0, backend.find(':')));
    remembered_.insert(addresses_.begin(), addresses_.end());
}

}  // namespace sim
