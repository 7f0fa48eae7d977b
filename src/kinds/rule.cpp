// The few words that defaulting is written in.
#include "kinds/rule.h"

namespace kinds {

bool unset(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return !value || value->is_null();
}

static bool is_zero(const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            return true;
        case json::kind::bool_:
            return !value.get_bool();
        case json::kind::int64:
            return value.get_int64() == 0;
        case json::kind::uint64:
            return value.get_uint64() == 0;
        case json::kind::double_:
            return value.get_double() == 0;
        case json::kind::string:
            return value.get_string().empty();
        case json::kind::array:
            return value.get_array().empty();
        case json::kind::object:
            return value.get_object().empty();
    }
    return false;
}

bool zero(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return !value || is_zero(*value);
}

json::object* find_object(json::object& parent, std::string_view key) {
    auto* value = parent.if_contains(key);
    return value ? value->if_object() : nullptr;
}

json::array* find_list(json::object& parent, std::string_view key) {
    auto* value = parent.if_contains(key);
    return value ? value->if_array() : nullptr;
}

static json::value zero_of(const object::Field& field) {
    using object::Type;
    if (field.shape != object::Shape::single) return nullptr;
    switch (field.type) {
        case Type::string:
            return "";
        case Type::quantity:
            return "0";
        case Type::int32:
        case Type::int64:
        case Type::number:
        case Type::int_or_string:
            return 0;
        case Type::boolean:
            return false;
        default:
            return nullptr;
    }
}

json::object empty_of(const object::Message& message) {
    json::object out;
    for (const auto& field : message.fields) {
        const bool structure = field.type == object::Type::message && field.shape == object::Shape::single;
        if (field.presence == object::Presence::pointer) continue;
        if (structure && field.message) {
            auto inner = empty_of(*field.message);
            if (field.inlined)
                for (auto& member : inner) out[member.key()] = member.value();
            else
                out[field.name] = std::move(inner);
        } else if (field.presence == object::Presence::always) {
            out[field.name] = zero_of(field);
        }
    }
    return out;
}

}  // namespace kinds
