// Messages as JSON schemas, with Kubernetes' extensions, under the names that upstream's documents give them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "object/json.h"
#include "object/schema.h"

namespace server {

namespace json = object::json;

/// OpenAPI 3 keeps schemas under components and wraps references; Swagger 2 keeps them under definitions.
enum class Dialect : std::uint8_t { v2, v3 };

/// "io.k8s.api.core.v1.PodSpec"
std::string schema_name(const object::Message& message);
/// What a subresource answers with; null when that is no message of ours.
const object::Message* answer_message(const object::Kind& kind, const object::Subresource& sub);
json::object reference(Dialect dialect, std::string_view name);

/// Schemas of everything that was asked for and of what it refers to.
class Schemas {
 public:
    explicit Schemas(Dialect dialect) : dialect_(dialect) {}
    /// The kind itself and its list.
    void add(const object::Kind& kind);
    void add(const object::Message& message);
    /// {name: schema}, by name.
    json::object take();

 private:
    json::object schema(const object::Message& message);
    void add_fields(const object::Message& message, json::object& properties, json::array& required);
    json::object property(const object::Field& field);
    json::object single(const object::Field& field);
    json::object refer(std::string_view name);
    json::object scalar(std::string_view name, json::object schema);
    void mark_kind(std::string_view name, const object::Kind& kind, std::string_view kind_name);

    Dialect dialect_;
    json::object schemas_;
    std::set<std::string, std::less<>> begun_;
};

}  // namespace server
