#include "server/zero.h"

namespace server {

namespace json = object::json;
using object::Field;
using object::Presence;
using object::Shape;
using object::Type;

namespace {

json::value zero_value(const Field& field) {
    if (field.shape != Shape::single) return nullptr;
    switch (field.type) {
        case Type::string:
            return "";
        case Type::int32:
        case Type::int64:
        case Type::int_or_string:
            return 0;
        case Type::number:
            return 0;
        case Type::boolean:
            return false;
        case Type::quantity:
            return "0";
        case Type::duration:
            return "0s";
        case Type::message:
            return zero_object(*field.message);
        default:
            return nullptr;
    }
}

}  // namespace

bool demanded_pointer(const Field& field) {
    return field.presence == Presence::pointer && field.type == Type::message && !field.optional;
}

/// Upstream's own form of the workloads of apps knows no absent count of replicas.
static bool always_counted(const object::Message& message, const Field& field) {
    return message.group == "apps/v1" && field.name == "replicas" && field.presence == Presence::pointer;
}

json::object zero_object(const object::Message& message) {
    json::object out;
    for (const auto& field : message.fields) {
        const bool demanded = demanded_pointer(field);
        if (always_counted(message, field)) {
            out[field.name] = 0;
            continue;
        }
        if ((field.presence != Presence::always && !demanded) || !field.gate.empty()) continue;
        if (field.inlined && field.type == Type::message) {
            for (auto& [key, value] : zero_object(*field.message)) out[key] = value;
            continue;
        }
        out[field.name] = demanded ? json::value(nullptr) : zero_value(field);
    }
    return out;
}

}  // namespace server
