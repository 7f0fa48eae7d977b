// From bytes to an object of its kind's shape: JSON, YAML 1.1 and protobuf bodies; type checks, pruning of unknown
// fields, and one canonical form (quantities, times, no empty leftovers), as upstream's typed round trip gives it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/json.h"
#include "object/schema.h"

namespace object {

/// What is kept of a JSON text beside its value: keys that stood twice ("duplicate field "spec.x"" as upstream says
/// it).
struct Parsed {
    json::value value;
    std::vector<std::string> duplicates;
};
base::Result<Parsed> parse_json(std::string_view text);
/// The first document; YAML 1.1 booleans; keys must be strings.
base::Result<Parsed> parse_yaml(std::string_view text);

struct Envelope {
    std::string api_version;
    std::string kind;
    std::string_view raw;  ///< into the given bytes
};
/// The k8s\0 envelope of a protobuf body.
base::Result<Envelope> open_envelope(std::string_view bytes);
/// The message as JSON; proto zero values of fields that are no pointers are left out. apiVersion and kind are not set.
base::Result<json::object> decode_protobuf(const Message& message, std::string_view raw);

struct Shaped {
    json::object object;
    std::vector<std::string> unknown;  ///< paths as upstream names them: spec.containers[0].foo
};
/// What becomes of fields whose feature gate is off.
enum class Gated : std::uint8_t { drop, keep };

/// Checks every value's type (Code::bad_request naming the place), drops unknown and gated fields (listing them),
/// and writes the canonical form. apiVersion and kind are kept at the top level.
base::Result<Shaped> shape(const Message& message, json::object body, Gated gated = Gated::drop);

/// Writes what upstream always writes though it is empty ("status": {"loadBalancer": {}}), where it is missing, and
/// null for such lists and maps that are empty, as they come back from upstream's storage. shape() does the first
/// already, and leaves the second, because whoever sent an empty list owns it: for objects that are about to be stored.
void fill_always(const Message& message, json::object& object);
/// Drops the fields whose feature gate is off.
void drop_gated(const Message& message, json::object& object);

}  // namespace object
