// What is known about one pod on this machine, beside its spec: facts that the driver writes as the ports report them
// and the pure state machine reads. A value; nothing in it is decided, only observed.
//
//   container:  none -> preparing -> starting -> hooking -> running -> exited -> (preparing again | stays)
//               `preparing` (image, config) may be dropped at any time; `starting` may not.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "object/json.h"

namespace node {

using base::Duration;
using base::Time;
namespace json = object::json;

enum class Stage : std::uint8_t { none, preparing, starting, hooking, running, exited };

struct Ended {
    int exit_code = 0;
    int signal = 0;
    std::string reason, message;
    Time started_at{}, finished_at{};
    std::string id;
};

struct Stopping {
    Time begun{};
    std::int64_t grace_s = 0;
    std::string why;  ///< the Killing event's message
    enum class Hook : std::uint8_t { pending, running, done };
    Hook hook = Hook::pending;
    Time term_sent{};  ///< zero: not yet
    Time kill_sent{};
};

struct ContainerFacts {
    Stage stage = Stage::none;
    int runs = 0;  ///< begun so far, the current one included: the next run's attempt number
    std::string id, image, image_id;
    std::int64_t uid = -1, gid = -1;
    std::vector<std::int64_t> groups;
    Time started_at{};
    Ended ended;                ///< while stage is exited
    std::optional<Ended> last;  ///< the run before that one
    std::string waiting_reason, waiting_message;
    Time retry_at{};     ///< not started again before
    Duration backoff{};  ///< of crashes: the wait before the next restart
    Time backoff_set{};
    bool startup_passed = false;  ///< startup probe, or none
    bool probe_ready = false;     ///< readiness probe, or none
    std::optional<Stopping> stop;
    json::value applied_resources;  ///< spec.resources as the runtime was told them
    std::string applied_image;      ///< the spec's image that runs: a change restarts it
    std::string termination_path, log_path;
    int restarts() const { return runs > 1 ? runs - 1 : 0; }
    bool live() const { return stage == Stage::hooking || stage == Stage::running; }
    bool busy() const { return stage == Stage::starting || live(); }
};

enum class Progress : std::uint8_t { none, busy, done };

struct Deletion {
    std::int64_t grace_s = 30;
};

struct PodState {
    Progress volumes = Progress::none;
    Time volumes_retry_at{};
    Progress setup = Progress::none;
    Time setup_retry_at{};
    std::string ip;
    Time start_time{};
    Progress exclusion = Progress::none;  ///< of new traffic, before anything is stopped
    std::optional<Deletion> deletion;     ///< the object asks for its end
    bool vanished = false;                ///< the object is gone: kill at once
    Progress teardown = Progress::none;
    Time teardown_retry_at{};
    bool wound_up = false;  ///< nothing runs any more and the teardown has begun once
    bool object_removed = false;
    /// Why the whole pod was failed by the node ("DeadlineExceeded", "Evicted", "SysctlForbidden"); "" otherwise.
    std::string reason, message;
    std::optional<std::int64_t> failing_grace_s;  ///< what its containers get then, in place of the spec's
    bool rejected = false;                        ///< never admitted here
    std::map<std::string, ContainerFacts> containers;

    const ContainerFacts& facts(const std::string& name) const {
        static const ContainerFacts none;
        const auto found = containers.find(name);
        return found == containers.end() ? none : found->second;
    }
};

}  // namespace node
