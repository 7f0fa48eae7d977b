// What the HTTP face needs of the machine below: the platform wires these to node and edge.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "kit/http/server.h"
#include "object/json.h"

namespace server {

enum class Follow : std::uint8_t { no, yes };

struct LogRequest {
    std::string ns, pod, uid, container;
    Follow follow = Follow::no;
    bool previous = false;    ///< of the container's last run before this one
    bool timestamps = false;  ///< each line begins with its time (RFC 3339 with nanoseconds)
    std::optional<std::int64_t> tail_lines;
    std::optional<base::Time> since;
    std::optional<std::int64_t> limit_bytes;
};

/// Where log text goes. Exactly one of end and fail is called, last, on the loop.
struct LogSink {
    std::function<void(std::string chunk)> chunk;
    std::function<void()> end;
    /// Before the first chunk it becomes the answer's Status; afterwards it cuts the answer.
    std::function<void(base::Error)> fail;
};

/// Text of a pod's containers. All calls on the loop.
class Logs {
 public:
    virtual ~Logs() = default;
    /// A reading under way; dropping it (the client has gone) ends it without another call to the sink.
    class Reading {
     public:
        virtual ~Reading() = default;
    };
    virtual std::unique_ptr<Reading> read(LogRequest request, LogSink sink) = 0;
};

/// A request that leaves HTTP behind, or is passed on as it is: exec, attach, portforward, proxy. Authorized already.
struct SessionRequest {
    kit::http::Request request;
    std::string subresource;  ///< exec, attach, portforward, proxy
    std::string resource;     ///< pods, services, nodes
    std::string ns, name;
    std::string rest;          ///< proxy: the path behind it, with its leading slash
    object::ObjectPtr object;  ///< the pod, service or node; null when the name carries a port and names none
};

class Sessions {
 public:
    virtual ~Sessions() = default;
    virtual void serve(SessionRequest request, kit::http::Reply reply) = 0;
};

struct Ports {
    Logs* logs = nullptr;          ///< null: pods have no logs (503)
    Sessions* sessions = nullptr;  ///< null: no exec, attach, portforward, proxy (503)
    /// Answers of /readyz beside what the server knows itself: the names of parts that are not ready yet.
    std::function<std::vector<std::string>()> unready;
};

}  // namespace server
