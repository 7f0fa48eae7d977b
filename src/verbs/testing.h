// For the tests of this room: the verbs over a store in memory and a virtual clock, with namespace default made.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "kinds/registry.h"
#include "run/virtual_loop.h"
#include "verbs/api.h"

namespace verbs::testing {

using object::Ref;

inline json::object parsed(std::string_view text) {
    return json::parse(json::string_view(text.data(), text.size())).as_object();
}

/// The cause fields of a refusal, in order, as "a b".
inline std::string cause_fields(const base::Error& error) {
    std::string out;
    if (error.details)
        for (const auto& cause : error.details->causes) out += (out.empty() ? "" : " ") + cause.field;
    return out;
}

class VerbsTest : public ::testing::Test {
 protected:
    void SetUp() override {
        create("v1", "Namespace", "", R"({"metadata": {"name": "default"}})").value();
        create("v1", "ServiceAccount", "default", R"({"metadata": {"name": "default"}})").value();
    }

    static Target at(std::string_view version, std::string_view kind, std::string ns, std::string name = {}) {
        return {kinds::by_kind(version, kind), std::move(ns), std::move(name)};
    }
    static Target map(std::string name) { return at("v1", "ConfigMap", "default", std::move(name)); }
    static Target pod(std::string name) { return at("v1", "Pod", "default", std::move(name)); }

    base::Result<Written> create(std::string_view version, std::string_view kind, const std::string& ns,
                                 std::string_view text, const WriteOptions& options = {}) {
        auto body = parsed(text);
        body["apiVersion"] = version;
        body["kind"] = kind;
        return api->create(at(version, kind, ns), std::move(body), options);
    }
    /// A ConfigMap in namespace default.
    base::Result<Written> create_map(std::string_view text, const WriteOptions& options = {}) {
        return create("v1", "ConfigMap", "default", text, options);
    }
    /// A pod bound to a node, with one container.
    base::Result<Written> create_pod(const std::string& name, const std::string& more = "") {
        return create("v1", "Pod", "default",
                      R"({"metadata": {"name": ")" + name + R"("}, "spec": {"nodeName": "n", )" + more +
                          R"("containers": [{"name": "c", "image": "i:1"}]}})");
    }
    json::object value(const Target& target) const { return store.get(key_of(target))->value(); }
    void settle() {
        while (loop.step()) {
        }
    }

    run::VirtualLoop loop{3};
    store::Store store{loop, {}, nullptr};
    std::unique_ptr<Api> api = make_api(store, loop, base::Rng(5));
};

}  // namespace verbs::testing
