// What a container's record carries for the daemon that comes after this one.
#pragma once

namespace edge::label {

inline constexpr const char* pod_uid = "edge.slipway.dev/pod-uid";
inline constexpr const char* name = "edge.slipway.dev/name";
inline constexpr const char* attempt = "edge.slipway.dev/attempt";
inline constexpr const char* image_ref = "edge.slipway.dev/image-ref";
inline constexpr const char* image_id = "edge.slipway.dev/image-id";
inline constexpr const char* log = "edge.slipway.dev/log";
inline constexpr const char* cgroup = "edge.slipway.dev/cgroup";
inline constexpr const char* tty = "edge.slipway.dev/tty";

}  // namespace edge::label
