// Patches and ownership on the real kinds: what a real server answered to recorded sequences of writes is replayed
// against the functions alone: managedFields, the fields of a conflict, what is refused, and (where neither admission
// nor addresses play a part) what the object became.
#include "object/patch.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "kinds/registry.h"
#include "kinds/rules.h"
#include "object/decode.h"
#include "object/managed.h"

namespace kinds {
namespace {

using base::Result;
using object::Ref;

/// "METHOD /path?query" of a recorded step.
struct Request {
    std::string method, subresource, name, key;
    const object::Kind* kind = nullptr;
    std::map<std::string, std::string> query;
};

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> out(1);
    for (const char c : text) {
        if (c == at)
            out.emplace_back();
        else
            out.back() += c;
    }
    return out;
}

std::optional<Request> read_request(std::string_view line) {
    Request request;
    const auto space = line.find(' ');
    request.method = line.substr(0, space);
    const auto url = split(line.substr(space + 2), '?');
    if (url.size() > 1) {
        for (const auto& pair : split(url[1], '&')) {
            const auto sides = split(pair, '=');
            request.query[sides[0]] = sides.size() > 1 ? sides[1] : "";
        }
    }
    auto parts = split(url[0], '/');
    const bool core = parts[0] == "api";
    const auto start = parts.begin() + (core ? 2 : 3);
    if (parts.end() <= start) return std::nullopt;
    const std::string group = core ? "" : parts[1], version = core ? parts[1] : parts[2];
    parts.erase(parts.begin(), start);
    if (parts.size() > 2 && parts[0] == "namespaces") parts.erase(parts.begin(), parts.begin() + 2);
    request.kind = by_resource(group, version, parts[0]);
    if (parts.size() > 1) request.name = parts[1];
    if (parts.size() > 2) request.subresource = parts[2];
    request.key = group + "/" + parts[0] + "/";
    if (!request.kind) return std::nullopt;
    return request;
}

/// The way of a write through the functions that `verbs` strings together, with objects in a map.
class Server {
 public:
    /// Empty when this server cannot play the step.
    std::optional<Result<json::object>> play(const Request& request, const json::object& step) {
        const auto body = body_of(step);
        if (!body || lost_.contains(request.key + request.name)) return std::nullopt;
        if (request.method == "POST" && request.name.empty()) return create(request, step, *body);
        if (request.subresource == "scale") return scale(request, step, *body);
        if (!request.subresource.empty() && request.subresource != "status") return std::nullopt;
        const auto at = objects_.find(request.key + request.name);
        if (request.method == "PUT" && at != objects_.end()) return replace(request, step, at->second, *body);
        if (request.method != "PATCH") return std::nullopt;
        const auto type = Ref(step)["type"].str("application/merge-patch+json");
        if (type == "application/apply-patch+yaml") return apply(request, step, *body);
        if (at == objects_.end()) return std::nullopt;
        auto patched = patch(request, type, at->second, *body);
        if (!patched) return Result<json::object>(std::unexpected(patched.error()));
        return replace(request, step, at->second, *patched);
    }
    void forget(const std::string& key) {
        objects_.erase(key);
        lost_.erase(key);
    }
    /// From here on nothing about that object is known, until it is deleted.
    void lose(const std::string& key) {
        objects_.erase(key);
        lost_.insert(key);
    }

 private:
    /// A scale is the main object seen through spec.replicas.
    std::optional<Result<json::object>> scale(const Request& request, const json::object& step,
                                              const json::value& body) {
        const auto at = objects_.find(request.key + request.name);
        const auto replicas = Ref(body)["spec"]["replicas"];
        if (at == objects_.end() || request.method != "PATCH" || !replicas) return std::nullopt;
        const json::object wanted{{"spec", {{"replicas", *replicas.value()}}}};
        if (Ref(step)["type"].str() == "application/apply-patch+yaml") return apply(request, step, wanted);
        return replace(request, step, at->second, object::merge_patch(at->second, wanted));
    }

    static std::optional<json::value> body_of(const json::object& step) {
        if (const auto* body = step.if_contains("body")) return *body;
        const auto text = Ref(step)["text"].str();
        auto parsed = object::parse_yaml(text);
        if (text.empty() || !parsed) return std::nullopt;
        return std::move(parsed->value);
    }

    object::Manager manager(const Request& request, const json::object& step) const {
        const auto named = request.query.find("fieldManager");
        auto name = named != request.query.end()
                        ? named->second
                        : split(Ref(step)["headers"]["User-Agent"].str("unknown"), '/')[0].substr(0, 128);
        return {.name = std::move(name),
                .api_version = request.kind->api_version(),
                .subresource = request.subresource,
                .time = base::Time(std::chrono::seconds(1'000 + writes_))};
    }

    static Result<json::object> finished(const Request& request, json::object object) {
        auto shaped = TRY(object::shape(*request.kind->message, std::move(object), object::Gated::keep));
        set_defaults(*request.kind, shaped.object);
        return std::move(shaped.object);
    }

    static Result<json::object> patch(const Request& request, std::string_view type, const json::object& live,
                                      const json::value& body) {
        json::value value;
        if (type == "application/json-patch+json") {
            value = TRY(object::json_patch(live, body));
        } else if (type == "application/strategic-merge-patch+json") {
            if (!body.is_object()) return base::fail(base::Code::bad_request, "not an object");
            value = TRY(object::strategic_merge(*request.kind->message, live, body.get_object()));
        } else {
            if (!body.is_object()) return base::fail(base::Code::bad_request, "not an object");
            value = object::merge_patch(live, body);
        }
        if (!value.is_object()) return base::fail(base::Code::bad_request, "not an object");
        return value.get_object();
    }

    static void name_it(json::object& object, const Request& request) {
        auto& meta = object::child(object, "metadata");
        meta["uid"] = "uid-" + request.key + std::string(Ref(meta)["name"].str());
    }

    Result<json::object> store(const Request& request, json::object object, bool dry) {
        ++writes_;
        auto name = std::string(Ref(object)["metadata"]["name"].str());
        if (!dry) objects_[request.key + name] = object;
        return object;
    }
    static bool dry(const Request& request) { return request.query.contains("dryRun"); }

    Result<json::object> create(const Request& request, const json::object& step, const json::value& body) {
        if (!body.is_object()) return base::fail(base::Code::bad_request, "not an object");
        auto object = TRY(object::shape(*request.kind->message, body.get_object(), object::Gated::keep)).object;
        if (request.kind->has_subresource("status")) object.erase("status");
        set_defaults(*request.kind, object);
        if (request.kind->has_subresource("status")) object.erase("status");
        object::track_update(*request.kind->message, nullptr, object, manager(request, step));
        name_it(object, request);
        object::drop_gated(*request.kind->message, object);
        prepare_create(*request.kind, object);
        return store(request, std::move(object), dry(request));
    }

    Result<json::object> replace(const Request& request, const json::object& step, const json::object& live,
                                 const json::value& body) {
        if (!body.is_object()) return base::fail(base::Code::bad_request, "not an object");
        if (Ref(body)["kind"].str(request.kind->kind) != request.kind->kind ||
            Ref(body)["apiVersion"].str(request.kind->api_version()) != request.kind->api_version()) {
            return base::fail(base::Code::invalid, "another kind");
        }
        auto updated = TRY(finished(request, body.get_object()));
        name_it(updated, request);
        prepare(request, updated, live);
        object::track_update(*request.kind->message, &live, updated, manager(request, step));
        object::drop_gated(*request.kind->message, updated);
        return store(request, std::move(updated), dry(request));
    }

    static void prepare(const Request& request, json::object& updated, const json::object& live) {
        const bool main = request.subresource.empty() || request.subresource == "scale";
        if (!main || !request.kind->has_subresource("status"))
            return prepare_update(*request.kind, updated, live, main ? "" : request.subresource);
        updated.erase("status");
        if (const auto* status = live.if_contains("status")) updated["status"] = *status;
    }

    Result<json::object> apply(const Request& request, const json::object& step, const json::value& body) {
        if (!body.is_object()) return base::fail(base::Code::bad_request, "not an object");
        auto intent = body.get_object();
        if (request.subresource.empty() && request.kind->has_subresource("status")) intent.erase("status");
        if (request.subresource == "status") intent.erase("spec");
        TRY(object::shape(*request.kind->message, intent));
        const auto at = objects_.find(request.key + request.name);
        const auto* live = at == objects_.end() ? nullptr : &at->second;
        const auto force = request.query.find("force");
        const auto finish = [&](json::object merged) { return finished(request, std::move(merged)); };
        auto object = TRY(object::apply(
            *request.kind->message, live, intent, manager(request, step),
            force != request.query.end() && force->second == "true" ? object::Force::yes : object::Force::no, finish));
        name_it(object, request);
        if (live)
            prepare_update(*request.kind, object, *live, request.subresource == "status" ? "status" : "");
        else
            prepare_create(*request.kind, object);
        return store(request, std::move(object), dry(request));
    }

    std::map<std::string, json::object> objects_;
    std::set<std::string> lost_;
    int writes_ = 0;
};

std::string sorted_text(const json::value& value) {
    if (const auto* array = value.if_array()) {
        std::string out = "[";
        for (const auto& item : *array) out += sorted_text(item) + ",";
        return out + "]";
    }
    const auto* object = value.if_object();
    if (!object) return json::serialize(value);
    std::map<std::string, std::string> members;
    for (const auto& [key, member] : *object) members[key] = sorted_text(member);
    std::string out = "{";
    for (const auto& [key, text] : members) out += key + ":" + text + ",";
    return out + "}";
}

/// Uids differ from run to run.
std::string without_uids(std::string text) {
    constexpr std::string_view start = "uid\":\"", start_of_path = "uid=\"";
    for (const auto mark : {start, start_of_path}) {
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
            const auto from = at + mark.size();
            text.replace(from, text.find('"', from) - from, "*");
        }
    }
    return text;
}

/// Entries as lines in an order of their own, without times: recorded ones are sorted and without them too.
std::vector<std::string> entries(Ref managed_fields) {
    std::vector<std::string> out;
    for (const auto& entry : managed_fields.items()) {
        auto copy = entry.as_object();
        copy.erase("time");
        const auto who = Ref(copy)["manager"].str();
        if (who == "kube-controller-manager" || who == "kubelet") continue;
        out.push_back(without_uids(sorted_text(copy)));
    }
    std::ranges::sort(out);
    return out;
}

/// Kinds whose content after a write is the writer's and the defaults' alone: no addresses, no admission.
bool patches_decide(const Request& request) {
    static constexpr std::array kinds = {"ConfigMap",  "PodTemplate", "Secret",        "Role",    "RoleBinding",
                                         "Deployment", "StatefulSet", "NetworkPolicy", "Ingress", "CronJob"};
    return request.method == "PATCH" && std::ranges::find(kinds, request.kind->kind) != kinds.end();
}

std::vector<std::string> content(Ref object) {
    std::vector<std::string> out;
    for (const auto& [key, value] : object.members()) {
        const std::string_view name = key;
        if (name == "metadata" || name == "status" || name == "apiVersion" || name == "kind") continue;
        out.push_back(fmt::format("{}: {}", name, sorted_text(value)));
    }
    for (const auto* name : {"labels", "annotations", "finalizers"}) {
        if (const auto part = object["metadata"][name])
            out.push_back(fmt::format("{}: {}", name, sorted_text(*part.value())));
    }
    std::ranges::sort(out);
    return out;
}

std::vector<std::string> conflict_fields(Ref causes) {
    std::vector<std::string> out;
    for (const auto& cause : causes.items()) {
        if (Ref(cause)["reason"].str() == "FieldManagerConflict")
            out.push_back(without_uids(std::string(Ref(cause)["field"].str())));
    }
    std::ranges::sort(out);
    return out;
}

struct Tally {
    int compared = 0;
    int passed_over = 0;
    std::vector<std::string> differences;

    void compare(const std::string& what, const std::vector<std::string>& want, const std::vector<std::string>& got) {
        ++compared;
        if (want == got) return;
        std::string text = what;
        for (const auto& line : want) text += "\n  want " + line;
        for (const auto& line : got) text += "\n  got  " + line;
        differences.push_back(std::move(text));
    }
};

bool comparable(const json::object& step, const json::value& want) {
    if (step.contains("keep") || step.contains("only") || step.contains("accept")) return false;
    for (const auto& path : Ref(step)["ignore"].items()) {
        if (Ref(path).str().starts_with("metadata")) return false;
    }
    return Ref(want)["metadata"].as_object() && Ref(want)["kind"].str() != "Scale";
}

/// What other rules decide before or after: reviews are no objects, the namespace was there before the case.
bool for_these_functions(const Request& request, const json::value& want) {
    const auto code = Ref(want)["code"].num();
    if (code >= 300 && conflict_fields(Ref(want)["body"]["details"]["causes"]).empty()) return false;
    return request.kind->has_verb("get") && request.name != "$NS";
}

/// A patch that cannot be read, fails, or gives what is no object of its kind.
bool patch_is_refused(const Request& request, const json::value& want) {
    const auto code = Ref(want)["code"].num();
    const auto details = Ref(want)["body"]["details"];
    if (request.method != "PATCH") return false;
    return code == 500 || (code == 422 && !request.query.contains("fieldValidation") &&
                           (details.size() == 0 || details["causes"][0]["field"].str() == "patch"));
}

std::optional<json::object> play_step(Server& server, const std::string& what, const json::object& step,
                                      const json::value& recorded, Tally& tally) {
    const Ref want(recorded);
    const auto line = Ref(step)["do"].str();
    const auto request = line.empty() ? std::nullopt : read_request(line);
    if (request && !step.contains("keep") && patch_is_refused(*request, recorded)) {
        const auto result = server.play(*request, step);
        if (result) tally.compare(what, {"refused"}, {*result ? "accepted" : "refused"});
        return std::nullopt;
    }
    if (!request || !for_these_functions(*request, recorded)) {
        ++tally.passed_over;
        return std::nullopt;
    }
    if (sorted_text(step).find("${") != std::string::npos) {
        // It refers to what only a whole server hands out, as an address: what it writes is not known here.
        ++tally.passed_over;
        server.lose(request->key + request->name);
        return std::nullopt;
    }
    auto result = server.play(*request, step);
    const auto code = want["code"].num();
    if (!result) {
        ++tally.passed_over;
        const auto key = request->key + request->name;
        if (request->method == "DELETE") server.forget(key);
        if (request->method == "PATCH" || request->method == "PUT") server.lose(key);
    } else if (code >= 300) {
        std::vector<std::string> got;
        if (*result) got.emplace_back("accepted");
        if (!*result && result->error().details) {
            for (const auto& cause : result->error().details->causes) got.push_back(without_uids(cause.field));
        }
        std::ranges::sort(got);
        tally.compare(what, conflict_fields(want["body"]["details"]["causes"]), got);
    } else if (!*result) {
        tally.compare(what, {"accepted"}, {result->error().message});
    } else if (comparable(step, want["body"].missing() ? json::value() : *want["body"].value())) {
        tally.compare(what, entries(want["body"]["metadata"]["managedFields"]),
                      entries(Ref(**result)["metadata"]["managedFields"]));
        if (patches_decide(*request)) tally.compare(what, content(want["body"]), content(**result));
    }
    return result && *result ? std::optional(**result) : std::nullopt;
}

/// "${name.metadata.uid}" in a step stands for a part of an earlier answer; what is not known stays.
std::string filled_in(std::string text, const std::map<std::string, json::object>& answers) {
    for (auto at = text.find("${"); at != std::string::npos; at = text.find("${", at + 1)) {
        const auto end = text.find('}', at);
        const auto path = split(std::string_view(text).substr(at + 2, end - at - 2), '.');
        const auto answer = answers.find(path[0]);
        Ref found = answer == answers.end() ? Ref() : Ref(answer->second);
        for (std::size_t i = 1; i < path.size(); ++i) found = found[path[i]];
        if (found) text.replace(at, end - at + 1, found.str());
    }
    return text;
}

void play_case(const json::value& recorded, Tally& tally) {
    Server server;
    const auto name = std::string(Ref(recorded)["name"].str());
    std::map<std::string, json::object> answers;
    std::size_t answer = 0;
    for (const auto& raw : Ref(recorded)["steps"].items()) {
        if (Ref(raw)["sleep"]) continue;  // steps that only wait have no answer
        const auto* want = Ref(recorded)["want"][answer++].value();
        const auto step = json::parse(filled_in(json::serialize(raw), answers)).as_object();
        if (!want) return;
        auto got =
            play_step(server, name + " step " + std::to_string(answer - 1) + ": " + std::string(Ref(step)["do"].str()),
                      step, *want, tally);
        if (got && Ref(step)["as"]) answers[std::string(Ref(step)["as"].str())] = std::move(*got);
    }
}

TEST(RecordedWrites, leave_the_same_ownership) {
    const std::filesystem::path golden = RECORDINGS;
    if (!std::filesystem::exists(golden / "patch-apply.json"))
        GTEST_SKIP() << "no recorded answers beside the checkout";
    Tally tally;
    for (const auto* file : {"patch-apply.json", "kinds-a.json", "kinds-b.json", "protocol.json"}) {
        std::ifstream in(golden / file);
        const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        const auto cases = json::parse(text);
        for (const auto& recorded : cases.as_array()) play_case(recorded, tally);
    }
    std::cout << tally.compared << " answers compared, " << tally.differences.size() << " differ, " << tally.passed_over
              << " steps not for these functions\n";
    for (const auto& difference : tally.differences) ADD_FAILURE() << difference;
}

}  // namespace
}  // namespace kinds
