// What may be done to objects, whoever asks: the HTTP face, controllers, the node. Each write decodes, prunes,
// defaults, admits, validates, tracks its managers and stores; nothing else writes to the store.
// Calls return at once (state is in memory); whoever answers the outside first waits for Store::when_durable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "object/json.h"
#include "object/schema.h"
#include "run/loop.h"
#include "store/store.h"

namespace verbs {

using object::ObjectPtr;
namespace json = object::json;

enum class FieldValidation : std::uint8_t { ignore, warn, strict };
enum class DryRun : std::uint8_t { no, all };

struct Caller {
    std::string user;
    std::vector<std::string> groups;
};

/// What comes with every write beside the object.
struct WriteOptions {
    std::string field_manager = "unknown";
    FieldValidation validation = FieldValidation::warn;
    DryRun dry_run = DryRun::no;
    Caller caller;
    /// "" is the main path. "status" takes status alone; "binding" (of a Pod) takes spec.nodeName and annotations and
    /// sets PodScheduled; "finalize" (of a Namespace) takes spec.finalizers; "scale" is the main path with the
    /// manager's subresource noted; "ephemeralcontainers" and "resize" as upstream.
    std::string subresource;
    bool force = false;  ///< apply: take over conflicting fields
    /// What decoding already found, as "duplicate field \"spec.x\"": warned of, or refused under strict.
    std::vector<std::string> decode_warnings;
};

/// Where: the kind as asked for (its version decides the answer's apiVersion), namespace ("" for cluster) and name.
struct Target {
    const object::Kind* kind = nullptr;
    std::string ns;
    std::string name;
};

struct Written {
    ObjectPtr object;
    bool created = false;
    std::vector<std::string> warnings;
};

enum class PatchType : std::uint8_t { json_patch, merge, strategic, apply };

enum class Propagation : std::uint8_t { by_default, background, foreground, orphan };

struct DeleteOptions {
    std::optional<std::int64_t> grace_s;
    Propagation propagation = Propagation::by_default;
    std::string precondition_uid;
    std::string precondition_version;
    DryRun dry_run = DryRun::no;
};

struct Deleted {
    ObjectPtr object;   ///< the last state, or the state with deletionTimestamp when it still stands
    bool gone = false;  ///< false: finalizers or grace hold it
    std::vector<std::string> warnings;
};

class Api {
 public:
    virtual ~Api() = default;
    virtual base::Result<ObjectPtr> get(const Target& target) const = 0;
    /// `body` as decoded from the wire (JSON/YAML/protobuf), not yet pruned.
    virtual base::Result<Written> create(const Target& target, json::object body, const WriteOptions& options) = 0;
    virtual base::Result<Written> update(const Target& target, json::object body, const WriteOptions& options) = 0;
    virtual base::Result<Written> patch(const Target& target, PatchType type, json::value patch,
                                        const WriteOptions& options) = 0;
    virtual base::Result<Deleted> remove(const Target& target, const DeleteOptions& options, const Caller& caller) = 0;
    virtual store::Store& store() = 0;
};

struct Settings {
    std::string service_cidr = "10.96.0.0/16";  ///< its first address is kubernetes.default's
    int node_port_min = 30000, node_port_max = 32767;
};

/// Reads time from `clock` and draws uids, names and ports from `rng`. The store must outlive it.
std::unique_ptr<Api> make_api(store::Store& store, const run::Clock& clock, base::Rng rng, Settings settings = {});

/// Where objects of a kind are kept.
store::Key key_of(const Target& target);

}  // namespace verbs
