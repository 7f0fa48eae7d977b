// An object brought into its message's shape in place, as upstream's decode into a struct and encode again would: types
// are checked, what is unknown goes, values take their canonical text, empty leftovers go, and what is always written
// is.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/quantity.h"
#include "object/decode.h"
#include "object/scalar.h"

namespace object {
namespace {

using base::Code;
using base::Result;

constexpr std::size_t unknown_max = 100;

/// Where we are, as a chain on the stack: text is made of it only when something is to be said.
struct Place {
    const Place* up = nullptr;
    std::string_view key;
    std::size_t index = 0;

    void append_to(std::string& out) const {
        if (up) up->append_to(out);
        if (!up) return;
        if (key.data()) {
            if (!out.empty()) out += '.';
            out += key;
        } else {
            out += '[' + std::to_string(index) + ']';
        }
    }
    std::string text() const {
        std::string out;
        append_to(out);
        return out;
    }
};

std::string_view go_type(const Field& field) {
    switch (field.type) {
        case Type::string:
            return "string";
        case Type::int32:
            return "int32";
        case Type::int64:
            return "int64";
        case Type::boolean:
            return "bool";
        case Type::number:
            return "float64";
        case Type::bytes:
            return "[]byte";
        case Type::quantity:
            return "resource.Quantity";
        case Type::int_or_string:
            return "intstr.IntOrString";
        case Type::time:
            return "v1.Time";
        case Type::micro_time:
            return "v1.MicroTime";
        case Type::duration:
            return "v1.Duration";
        case Type::string_list:
            return "[]string";
        case Type::message:
            return field.message->name;
        default:
            return "object";
    }
}

std::string json_kind(const json::value& value) {
    switch (value.kind()) {
        case json::kind::object:
            return "object";
        case json::kind::array:
            return "array";
        case json::kind::string:
            return "string";
        case json::kind::bool_:
            return "bool";
        case json::kind::null:
            return "null";
        case json::kind::double_:
            return "number " + fmt::format("{}", value.get_double());
        default:
            return "number " + json::serialize(value);
    }
}

/// Zero values count as empty, as Go's omitempty has it.
bool is_empty(const json::value& value) {
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

/// What a field of that type holds when nothing was said.
json::value zero_of(const Field& field) {
    if (field.shape != Shape::single) return nullptr;
    switch (field.type) {
        case Type::string:
        case Type::bytes:
            return json::string();
        case Type::int32:
        case Type::int64:
        case Type::number:
        case Type::int_or_string:
            return std::int64_t(0);
        case Type::boolean:
            return false;
        case Type::quantity:
            return json::string("0");
        case Type::duration:
            return json::string("0s");
        case Type::message:
            return json::object();
        default:
            return nullptr;
    }
}

/// Adds the fields that are always written and missing, with all that always stands in them.
void add_missing(const Message& message, json::object& members) {
    for (const auto& field : message.fields) {
        if (field.inlined) add_missing(*field.message, members);
        if (field.inlined || field.presence != Presence::always || !field.gate.empty()) continue;
        if (members.contains(field.name)) continue;
        auto& value = members.emplace(field.name, zero_of(field)).first->value();
        if (auto* inner = value.if_object()) add_missing(*field.message, *inner);
    }
}

class Shaper {
 public:
    explicit Shaper(Gated gated) : gated_(gated) {}

    Result<void> object(const Message& message, json::object& members, const Place& place) {
        for (auto it = members.begin(); it != members.end();) {
            const std::string_view key = it->key();
            if (message.typed && (key == "apiVersion" || key == "kind")) {
                if (!it->value().is_string()) TRY(type_text(it->value(), Place{&place, key}));
                ++it;
                continue;
            }
            const auto* field = message.find(key);
            const Place here{&place, key};
            if (!field) note_unknown(here);
            if (!field || (!field->gate.empty() && gated_ == Gated::drop)) {
                it = members.erase(it);
                continue;
            }
            TRY(member(*field, it->value(), here));
            const bool dropped = field->presence == Presence::pointer      ? it->value().is_null()
                                 : field->presence == Presence::omit_empty ? is_empty(it->value())
                                                                           : false;
            if (dropped)
                it = members.erase(it);
            else
                ++it;
        }
        add_missing(message, members);
        return {};
    }

    std::vector<std::string> unknown;

 private:
    void note_unknown(const Place& place) {
        if (unknown.size() < unknown_max) unknown.push_back(place.text());
    }

    static std::unexpected<base::Error> wrong(const json::value& value, std::string_view type, const Place& place) {
        return base::fail(Code::bad_request, fmt::format("json: cannot unmarshal {} into field {} of type {}",
                                                         json_kind(value), place.text(), type));
    }
    static Result<void> type_text(const json::value& value, const Place& place) {
        if (value.is_string() || value.is_null()) return {};
        return wrong(value, "string", place);
    }

    Result<void> member(const Field& field, json::value& value, const Place& place) {
        if (value.is_null()) {
            if (field.presence == Presence::always) value = zero_of(field);
            return value.is_object() ? object(*field.message, value.get_object(), place) : Result<void>();
        }
        if (field.shape == Shape::single) return single(field, value, place);
        if (field.shape == Shape::list) {
            auto* items = value.if_array();
            if (!items) return wrong(value, fmt::format("[]{}", go_type(field)), place);
            for (std::size_t i = 0; i < items->size(); ++i) TRY(item(field, (*items)[i], Place{&place, {}, i}));
            return {};
        }
        auto* entries = value.if_object();
        if (!entries) return wrong(value, fmt::format("map[string]{}", go_type(field)), place);
        for (auto& entry : *entries) TRY(item(field, entry.value(), Place{&place, entry.key()}));
        return {};
    }

    /// A list's item or a map's value: null is the zero value there.
    Result<void> item(const Field& field, json::value& value, const Place& place) {
        if (value.is_null()) {
            Field one = field;
            one.shape = Shape::single;
            value = zero_of(one);
            if (value.is_null()) return {};
        }
        return single(field, value, place);
    }

    Result<void> single(const Field& field, json::value& value, const Place& place) {
        switch (field.type) {
            case Type::string:
                if (!value.is_string()) return wrong(value, "string", place);
                return {};
            case Type::boolean:
                if (!value.is_bool()) return wrong(value, "bool", place);
                return {};
            case Type::int32:
                return whole(field, value, place, std::numeric_limits<std::int32_t>::max());
            case Type::int64:
                return whole(field, value, place, std::numeric_limits<std::int64_t>::max());
            case Type::number:
                return number(value, place);
            case Type::message:
                return message(*field.message, value, place);
            case Type::fields_v1:
                if (!value.is_object()) return wrong(value, "FieldsV1", place);
                return {};
            case Type::string_list:
                return texts(value, place);
            case Type::int_or_string:
                if (value.is_string()) return {};
                return whole(field, value, place, std::numeric_limits<std::int32_t>::max());
            case Type::any:
            case Type::raw:
                return {};
            default:
                return text(field, value, place);
        }
    }

    static Result<void> whole(const Field& field, const json::value& value, const Place& place, std::int64_t max) {
        const auto* i = value.if_int64();
        if (!i || *i > max || *i < -max - 1) return wrong(value, go_type(field), place);
        return {};
    }

    static Result<void> number(json::value& value, const Place& place) {
        if (!value.is_number()) return wrong(value, "float64", place);
        constexpr double exact_max = 9007199254740992.0;
        if (const auto* d = value.if_double(); d && std::trunc(*d) == *d && std::fabs(*d) < exact_max)
            value = static_cast<std::int64_t>(*d);
        return {};
    }

    static Result<void> texts(json::value& value, const Place& place) {
        auto* items = value.if_array();
        if (!items) return wrong(value, "[]string", place);
        for (std::size_t i = 0; i < items->size(); ++i) {
            auto& each = (*items)[i];
            if (each.is_null()) each = json::string();
            TRY(type_text(each, Place{&place, {}, i}));
        }
        return {};
    }

    Result<void> message(const Message& kind, json::value& value, const Place& place) {
        if (auto* members = value.if_object()) {
            if (kind.form == Form::fields) return object(kind, *members, place);
            return object(*kind.find("schema")->message, *members, place);
        }
        if (kind.form == Form::or_bool && value.is_bool()) return {};
        if (kind.form == Form::or_list && value.is_array()) return member(*kind.find("jSONSchemas"), value, place);
        if (kind.form == Form::or_strings && value.is_array()) return member(*kind.find("property"), value, place);
        return wrong(value, kind.name, place);
    }

    /// Scalars with a text form of their own.
    static Result<void> text(const Field& field, json::value& value, const Place& place) {
        const auto refuse = [&](std::string_view why) {
            return base::fail(Code::bad_request,
                              fmt::format("json: cannot unmarshal {} into field {} of type {}: {}",
                                          json::serialize(value), place.text(), go_type(field), why));
        };
        if (field.type == Type::quantity) return quantity(value, refuse);
        const auto* given = value.if_string();
        if (!given) return wrong(value, go_type(field), place);
        if (field.type == Type::bytes) {
            if (is_canonical_base64(*given)) return {};
            const auto bytes = parse_base64(*given);
            if (!bytes) return refuse("illegal base64 data");
            value = json::string(base64(*bytes));
            return {};
        }
        std::optional<std::string> canonical;
        if (field.type == Type::time)
            canonical = canonical_time(*given);
        else if (field.type == Type::micro_time)
            canonical = canonical_micro_time(*given);
        else if (const auto d = parse_duration(*given))
            canonical = duration_text(*d);
        if (!canonical) return refuse(field.type == Type::duration ? "invalid duration" : "not an RFC 3339 time");
        if (*canonical != *given) value = json::string(*canonical);
        return {};
    }

    template <class Refuse>
    static Result<void> quantity(json::value& value, Refuse refuse) {
        std::string given;
        if (const auto* s = value.if_string())
            given = std::string(*s);
        else if (const auto* d = value.if_double())
            given = fmt::format("{}", *d);
        else if (value.is_number())
            given = json::serialize(value);
        else
            return refuse("quantities are text or numbers");
        while (!given.empty() && given.back() == ' ') given.pop_back();
        given.erase(0, given.find_first_not_of(' '));
        auto canonical = base::canonical_quantity(given);
        if (!canonical) return refuse(canonical.error().message);
        if (!value.is_string() || std::string_view(value.get_string()) != *canonical) value = json::string(*canonical);
        return {};
    }

    Gated gated_;
};

/// Calls `visit(message, object)` for the objects that stand in a member of that field.
template <class Visit>
void each_inner(const Field& field, json::value& value, Visit visit) {
    if (field.type != Type::message) return;
    const auto one = [&](json::value& each) {
        auto* members = each.if_object();
        if (!members) return;
        const auto& kind = *field.message;
        visit(kind.form == Form::fields ? kind : *kind.find("schema")->message, *members);
    };
    if (field.shape == Shape::single && !value.is_array()) return one(value);
    if (auto* items = value.if_array())
        for (auto& each : *items) one(each);
    else if (auto* entries = value.if_object())
        for (auto& entry : *entries) one(entry.value());
}

}  // namespace

Result<Shaped> shape(const Message& message, json::object body, Gated gated) {
    Shaper shaper(gated);
    Shaped out;
    // the top level keeps what it is, whether its message knows of it or not
    json::value kept[2];
    constexpr std::string_view names[2] = {"apiVersion", "kind"};
    for (int i = 0; i < 2 && !message.typed; ++i)
        if (auto* value = body.if_contains(names[i])) {
            kept[i] = std::move(*value);
            body.erase(names[i]);
        }
    TRY(shaper.object(message, body, Place{}));
    for (int i = 0; i < 2; ++i)
        if (!kept[i].is_null()) body[names[i]] = std::move(kept[i]);
    return Shaped{.object = std::move(body), .unknown = std::move(shaper.unknown)};
}

void fill_always(const Message& message, json::object& object) {
    add_missing(message, object);
    for (const auto& field : message.fields) {
        if (field.inlined) {
            fill_always(*field.message, object);
        } else if (auto* value = object.if_contains(field.name)) {
            if (field.presence == Presence::always && field.shape != Shape::single && is_empty(*value))
                *value = nullptr;
            each_inner(field, *value, [](const Message& inner, json::object& members) { fill_always(inner, members); });
        }
    }
}

void drop_gated(const Message& message, json::object& object) {
    for (const auto& field : message.fields) {
        if (field.inlined) {
            drop_gated(*field.message, object);
            continue;
        }
        auto* value = object.if_contains(field.name);
        if (!value) continue;
        if (!field.gate.empty())
            object.erase(field.name);
        else
            each_inner(field, *value, [](const Message& inner, json::object& members) { drop_gated(inner, members); });
    }
}

}  // namespace object
