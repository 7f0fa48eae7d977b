// Recorded answers of a real cluster, replayed without a server: every create of kinds-a and kinds-b goes through
// shape, defaults, admission, preparation and validation, and what comes out is compared with what was recorded. Cases
// whose answer needs other objects are counted by reason. Runs where ../shared/golden stands beside the checkout.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "kinds/admission.h"
#include "kinds/registry.h"
#include "kinds/rules.h"
#include "object/decode.h"

namespace kinds {
namespace {

using object::Ref;

constexpr const char* golden_folder = RECORDINGS;

std::vector<json::value> recorded_cases(const std::string& file) {
    std::ifstream in(std::string(golden_folder) + "/" + file);
    std::stringstream text;
    text << in.rdbuf();
    auto content = text.str();
    for (auto at = content.find("$NS"); at != std::string::npos; at = content.find("$NS", at))
        content.replace(at, 3, "ns");
    const auto parsed = json::parse(content);
    return {parsed.as_array().begin(), parsed.as_array().end()};
}

/// "POST /apis/apps/v1/namespaces/$NS/deployments?x" -> its kind, for creates of whole objects.
const Kind* created_kind(std::string_view request) {
    if (!request.starts_with("POST /")) return nullptr;
    auto path = request.substr(6);
    path = path.substr(0, path.find('?'));
    std::vector<std::string> parts;
    std::stringstream stream{std::string(path)};
    for (std::string part; std::getline(stream, part, '/');) parts.push_back(part);
    std::size_t at = 0;
    if (parts.size() < 3) return nullptr;
    const std::string group = parts[0] == "api" ? "" : parts[1];
    at = parts[0] == "api" ? 1 : 2;
    const auto version = parts[at++];
    if (at + 2 < parts.size() && parts[at] == "namespaces") at += 2;
    if (at + 1 != parts.size()) return nullptr;
    return by_resource(group, version, parts[at]);
}

struct Outcome {
    json::object object;
    Causes causes;
};

base::Result<Outcome> create(const Kind& kind, json::object body) {
    auto shaped = TRY(object::shape(*kind.message, std::move(body)));
    Outcome out{.object = std::move(shaped.object), .causes = {}};
    auto& metadata = object::child(out.object, "metadata");
    if (kind.namespaced()) metadata["namespace"] = "ns";
    if (const auto prefix = Ref(metadata)["generateName"].str(); !prefix.empty() && !metadata.contains("name"))
        metadata["name"] = std::string(prefix) + "x7k2p";
    metadata["uid"] = "6a1b40b3-5c1c-4a7e-9f5a-0c5a4a1f7d11";
    set_defaults(kind, out.object);
    if (kind.group.empty() && kind.kind == "Pod") {
        admit_pod(out.object);
        add_service_account(out.object, Ref(out.object)["spec"]["serviceAccountName"].str("default"), {}, "x7k2p");
    }
    prepare_create(kind, out.object);
    out.causes = validate_create(kind, out.object);
    return out;
}

std::string cause_list(Ref causes) {
    std::string text;
    for (const auto& cause : causes.items())
        text += std::string(Ref(cause)["reason"].str()) + " " + std::string(Ref(cause)["field"].str()) + "; ";
    return text;
}

std::string cause_list(const Causes& causes) {
    std::string text;
    for (const auto& cause : causes) text += cause.reason + " " + cause.field + "; ";
    return text;
}

/// Marks and, in cells, null stand for what differs from run to run.
bool is_mark(const json::value& value) {
    const auto text = Ref(value).str();
    return text.find('<') != std::string_view::npos && text.find('>') != std::string_view::npos;
}

/// Where `got` lacks or contradicts what was recorded; marks stand for anything.
void differences(const std::string& at, const json::value& want, Ref got, std::vector<std::string>& out) {
    if (is_mark(want) || (at.starts_with("cells[") && want.is_null())) return;
    const auto* value = got.value();
    if (const auto* fields = want.if_object()) {
        for (const auto& field : *fields)
            differences(at + "." + std::string(field.key()), field.value(), got[field.key()], out);
        for (const auto& field : got.members())
            if (!fields->contains(field.key())) out.push_back(at + "." + std::string(field.key()) + " too much");
    } else if (const auto* items = want.if_array()) {
        if (items->size() != got.size()) return out.push_back(at + " has another length");
        for (std::size_t i = 0; i < items->size(); ++i)
            differences(at + "[" + std::to_string(i) + "]", (*items)[i], got[i], out);
    } else if (!value ? !want.is_null() : *value != want) {
        out.push_back(at + ": " + (value ? json::serialize(*value) : "absent") + ", not " + json::serialize(want));
    }
}

/// Parts of an answer that other objects, the clock or the generator decide.
void drop_undecided(json::object& object) {
    object.erase("metadata");
    auto* spec = object.if_contains("spec") ? object["spec"].if_object() : nullptr;
    if (!spec) return;
    for (const auto* key : {"clusterIP", "clusterIPs", "volumes", "tolerations", "priority", "storageClassName"})
        spec->erase(key);
    for (const auto* key : {"containers", "initContainers"})
        if (spec->contains(key))
            for (auto& container : (*spec)[key].as_array()) container.as_object().erase("volumeMounts");
    if (spec->contains("ports"))
        for (auto& port : (*spec)["ports"].as_array())
            if (port.is_object()) port.as_object().erase("nodePort");
}

/// JSON merge patch (RFC 7386): the recorded updates' usual form.
void merge(json::object& target, const json::object& patch) {
    for (const auto& entry : patch) {
        if (entry.value().is_null()) {
            target.erase(entry.key());
        } else if (const auto* inner = entry.value().if_object()) {
            merge(object::child(target, entry.key()), *inner);
        } else {
            target[entry.key()] = entry.value();
        }
    }
}

/// A request on one stored object: "PATCH /api/v1/namespaces/ns/pods/p/status".
struct Place {
    std::string object;  ///< path of the object
    std::string subresource;
    std::string query;
};
Place place_of(std::string_view request, const std::map<std::string, const Kind*>& known) {
    auto path = std::string(request.substr(request.find('/')));
    Place place;
    if (const auto mark = path.find('?'); mark != std::string::npos) {
        place.query = path.substr(mark + 1);
        path.resize(mark);
    }
    place.object = path;
    if (!known.contains(path)) {
        const auto slash = path.rfind('/');
        place.subresource = path.substr(slash + 1);
        place.object = path.substr(0, slash);
    }
    return place;
}

/// One recorded case's objects as they stand after each step.
class Story {
 public:
    void create(const std::string& path, const Kind& kind, json::object object) {
        const auto name = std::string(Ref(object)["metadata"]["name"].str());
        kinds_[path + "/" + name] = &kind;
        objects_[path + "/" + name] = std::move(object);
    }
    /// The causes of a refused update; nothing when the object is not known here.
    std::optional<Causes> update(std::string_view request, const json::object& patch) {
        const auto place = place_of(request, kinds_);
        const auto known = kinds_.find(place.object);
        if (known == kinds_.end() || place.subresource == "scale" || place.subresource == "approval") return {};
        const auto& kind = *known->second;
        const auto& live = objects_[place.object];
        json::object merged = live;
        merge(merged, patch);
        auto shaped = object::shape(*kind.message, std::move(merged));
        if (!shaped) return {};
        auto updated = std::move(shaped->object);
        set_defaults(kind, updated);
        prepare_update(kind, updated, live, place.subresource);
        auto causes = validate_update(kind, updated, live, place.subresource);
        if (causes.empty() && place.query.find("dryRun") == std::string::npos)
            objects_[place.object] = std::move(updated);
        return causes;
    }
    std::optional<json::array> row(std::string_view request) {
        const auto place = place_of(request, kinds_);
        const auto known = kinds_.find(place.object);
        if (known == kinds_.end() || !place.subresource.empty()) return {};
        return cells(*known->second, objects_[place.object], base::Time());
    }

 private:
    std::map<std::string, const Kind*> kinds_;
    std::map<std::string, json::object> objects_;
};

/// Answers that this room does not give: allocation, controllers, query parameters, and expressions or device claims,
/// whose validation is not here.
const char* decided_elsewhere(std::string_view where) {
    static constexpr std::pair<std::string_view, const char*> elsewhere[] = {
        {"pod unknown fields under Strict, Warn and Ignore step 4", "a query parameter is wrong"},
        {"service of type NodePort step 2", "allocates a node port"},
        {"service validation of the rest step 1", "allocates an address"},
        {"service cluster address is immutable and may be asked for", "needs the allocated address"},
        {"pv minimal create is defaulted and becomes available step 2", "a controller writes status"},
        {"flowschema defaults, table, dangling status step 2", "a controller writes status"},
        {"csr approval, denial and certificate of a foreign signer", "needs the approval path"},
        {"webhook configurations what is refused step 2", "expressions are not compiled here"},
        {"validatingadmissionpolicy what is refused", "expressions are not compiled here"},
        {"mutatingadmissionpolicy what is refused", "expressions are not compiled here"},
        {"flowschema defaults, table, dangling status step 3", "flow control is not validated"},
        {"resourceclaim defaults, immutable spec, status step 5", "device claims are not validated"},
        {"resourceslice create, update, table, refusals step 5", "device slices are not validated"},
        {"vap without a binding", "an admission policy refuses"},
        {"vap ", "an admission policy refuses"},
        {"map ", "an admission policy changes"},
    };
    const auto name = where.substr(where.find('/') + 1);
    for (const auto& [start, why] : elsewhere)
        if (name.starts_with(start)) return why;
    return nullptr;
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, CreatesAnswerAsRecorded) {
    if (!std::filesystem::exists(golden_folder)) GTEST_SKIP() << "no recorded answers beside the checkout";
    std::map<std::string, int> skipped;
    int checked = 0;
    for (const auto& item : recorded_cases(GetParam())) {
        const Ref recorded(item);
        for (std::size_t i = 0; i < recorded["steps"].size(); ++i) {
            const Ref step = recorded["steps"][i];
            const Ref want = recorded["want"][i];
            const auto* kind = created_kind(step["do"].str());
            if (!kind || !kind->has_verb("get") || !step["body"].as_object()) continue;
            const auto where = std::string(recorded["name"].str()) + " step " + std::to_string(i);
            const auto code = want["code"].num();
            const auto text = json::serialize(*step["body"].value());
            if (const auto* why = decided_elsewhere(where)) {
                ++skipped[why];
                continue;
            }
            if (text.find("${") != std::string::npos) {
                ++skipped["takes a value from an earlier answer"];
                continue;
            }
            if (code != 201 && code != 422) {
                ++skipped["code " + std::to_string(code)];
                continue;
            }
            const auto outcome = create(*kind, step["body"].members());
            ++checked;
            if (!outcome) {
                ADD_FAILURE() << where << ": " << outcome.error().message;
            } else if (code == 422) {
                EXPECT_EQ(cause_list(outcome->causes), cause_list(want["body"]["details"]["causes"])) << where << "\n"
                                                                                                      << text;
            } else {
                EXPECT_EQ(cause_list(outcome->causes), "") << where << "\n" << text;
                if (!want["body"]["kind"] || !want["body"]["metadata"]) continue;
                auto expected = want["body"].members();
                auto got = outcome->object;
                drop_undecided(expected);
                drop_undecided(got);
                if (!expected.contains("status")) got.erase("status");  // left out of the record
                std::vector<std::string> found;
                differences("", json::value(expected), Ref(got), found);
                std::string all;
                for (const auto& line : found) all += line + "\n";
                EXPECT_EQ(all, "") << where << "\n" << text;
            }
        }
    }
    std::string reasons;
    for (const auto& [reason, count] : skipped) reasons += reason + ": " + std::to_string(count) + "; ";
    RecordProperty("checked", checked);
    std::cout << GetParam() << ": " << checked << " creates compared; left out: " << reasons << "\n";
}

/// Steps that this test cannot follow: the objects are not what they would be after them.
bool leaves_known_ground(Ref step) {
    const auto request = step["do"].str();
    return request.starts_with("PUT") || request.starts_with("DELETE") || step["type"];
}

TEST_P(Golden, UpdatesAndRowsAnswerAsRecorded) {
    if (!std::filesystem::exists(golden_folder)) GTEST_SKIP() << "no recorded answers beside the checkout";
    int refused = 0, taken = 0, rows = 0;
    for (const auto& item : recorded_cases(GetParam())) {
        const Ref recorded(item);
        Story story;
        for (std::size_t i = 0; i < recorded["steps"].size(); ++i) {
            const Ref step = recorded["steps"][i];
            const Ref want = recorded["want"][i];
            const auto request = std::string(step["do"].str());
            const auto where = std::string(recorded["name"].str()) + " step " + std::to_string(i) + " " + request;
            const auto code = want["code"].num();
            if (leaves_known_ground(step)) break;
            if (decided_elsewhere(where)) continue;
            if (const auto* kind = created_kind(request); kind && code == 201 && step["body"].as_object()) {
                auto outcome = create(*kind, step["body"].members());
                const auto path = request.substr(5, request.find('?') - 5);
                if (outcome && kind->has_verb("get")) story.create(path, *kind, std::move(outcome->object));
            } else if (request.starts_with("PATCH") && (code == 200 || code == 422) && step["body"].as_object()) {
                const auto causes = story.update(request, step["body"].members());
                if (!causes) continue;
                const auto expected = code == 422 ? cause_list(want["body"]["details"]["causes"]) : "";
                EXPECT_EQ(cause_list(*causes), expected) << where << "\n" << json::serialize(*step["body"].value());
                ++(code == 422 ? refused : taken);
            } else if (want["body"]["kind"].str() == "Table" && want["body"]["rows"].size() == 1) {
                const auto row = story.row(request);
                if (!row) continue;
                ++rows;
                std::vector<std::string> found;
                const json::value got(*row);
                differences("cells", *want["body"]["rows"][0UL]["cells"].value(), Ref(got), found);
                std::string all;
                for (const auto& line : found) all += line + "\n";
                EXPECT_EQ(all, "") << where;
            }
        }
    }
    std::cout << GetParam() << ": " << taken << " updates taken, " << refused << " refused, " << rows
              << " rows compared\n";
}

INSTANTIATE_TEST_SUITE_P(Recorded, Golden, ::testing::Values("kinds-a.json", "kinds-b.json"),
                         [](const auto& info) { return info.param.substr(0, 5) + info.param.substr(6, 1); });

}  // namespace
}  // namespace kinds
