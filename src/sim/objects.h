// Objects that scenarios are made of.
#pragma once

#include <string>

#include "object/json.h"
#include "store/store.h"

namespace sim {

namespace json = object::json;

struct Web {
    std::string name = "web";
    std::int64_t replicas = 3;
    std::int64_t surge = 1, unavailable = 0;
    std::string version = "1";
    std::int64_t grace_s = 5;
    bool probed = true;
    bool watched = false;  ///< a liveness probe each second; two failures in a row end the container
};
/// A Deployment of pods that serve HTTP, with a readiness probe each second.
json::object deployment(const Web& web);
/// Its ReplicaSet alone, under the same name.
json::object replicaset(const Web& web);
/// The Service in front of it.
json::object service(const Web& web);

store::Key deployment_key(std::string name = "web");
store::Key replicaset_key(std::string name = "web");

/// Sets the version label of the pod template: a new revision.
void set_version(json::object& deployment, const std::string& version);

}  // namespace sim
