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

json::object zero_object(const object::Message& message) {
    json::object out;
    for (const auto& field : message.fields) {
        // A pointer that clients must set is written even when it is null.
        const bool demanded = field.presence == Presence::pointer && !field.optional;
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
