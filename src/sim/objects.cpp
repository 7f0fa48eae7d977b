// Plain objects as a user would write them.
#include "sim/objects.h"

namespace sim {

static json::object pod_template(const Web& web) {
    json::object container{{"name", "app"},
                           {"image", "app:" + web.version},
                           {"imagePullPolicy", "IfNotPresent"},
                           {"ports", json::array{json::object{{"containerPort", 8080}}}}};
    if (web.probed)
        container["readinessProbe"] = {
            {"httpGet", {{"path", "/ready"}, {"port", 8080}}}, {"periodSeconds", 1}, {"failureThreshold", 3}};
    if (web.watched)
        container["livenessProbe"] = {
            {"httpGet", {{"path", "/health"}, {"port", 8080}}}, {"periodSeconds", 1}, {"failureThreshold", 2}};
    return {{"metadata", {{"labels", {{"app", web.name}, {"version", web.version}}}}},
            {"spec",
             {{"containers", json::array{std::move(container)}},
              {"automountServiceAccountToken", false},
              {"terminationGracePeriodSeconds", web.grace_s}}}};
}

static json::object spec(const Web& web) {
    return {{"replicas", web.replicas},
            {"selector", {{"matchLabels", {{"app", web.name}}}}},
            {"template", pod_template(web)}};
}

json::object deployment(const Web& web) {
    auto body = spec(web);
    body["strategy"] = {{"type", "RollingUpdate"},
                        {"rollingUpdate", {{"maxSurge", web.surge}, {"maxUnavailable", web.unavailable}}}};
    return {{"apiVersion", "apps/v1"},
            {"kind", "Deployment"},
            {"metadata", {{"name", web.name}, {"namespace", "default"}}},
            {"spec", std::move(body)}};
}

json::object replicaset(const Web& web) {
    return {{"apiVersion", "apps/v1"},
            {"kind", "ReplicaSet"},
            {"metadata", {{"name", web.name}, {"namespace", "default"}}},
            {"spec", spec(web)}};
}

json::object service(const Web& web) {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", {{"name", web.name}, {"namespace", "default"}}},
            {"spec",
             {{"selector", {{"app", web.name}}},
              {"ports", json::array{json::object{{"port", 80}, {"targetPort", 8080}}}}}}};
}

store::Key deployment_key(std::string name) { return {{"apps", "deployments"}, "default", std::move(name)}; }
store::Key replicaset_key(std::string name) { return {{"apps", "replicasets"}, "default", std::move(name)}; }

void set_version(json::object& deployment, const std::string& version) {
    auto& spec = object::child(object::child(deployment, "spec"), "template");
    object::child(object::child(spec, "metadata"), "labels")["version"] = version;
    object::child(spec, "spec")["containers"].as_array()[0].as_object()["image"] = "app:" + version;
}

}  // namespace sim
