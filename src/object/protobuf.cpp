// Protobuf bodies by the tables' wire numbers. Fields that are no pointers are on the wire even when nobody set them:
// their zero values are left out here, so that what follows sees them as unset, as in JSON.
#include <bit>

#include "object/decode.h"
#include "object/scalar.h"
#include "object/wire.h"

namespace object {
namespace {

using base::Code;
using base::Result;
using Wire = WireReader::Form;

constexpr int depth_max = 128;

std::unexpected<base::Error> broken(std::string_view what) {
    return base::fail(Code::bad_request, "protobuf: " + std::string(what));
}

Result<json::value> text_value(std::string_view bytes) {
    if (!is_utf8(bytes)) return broken("a string is no UTF-8");
    return json::string(bytes);
}

Result<std::string_view> sole_bytes(std::string_view bytes, std::uint32_t number) {
    std::string_view out;
    for (WireReader in(bytes); !in.done();) {
        const auto entry = TRY(in.next());
        if (entry.number == number && entry.form == Wire::bytes) out = entry.bytes;
    }
    return out;
}

/// RawExtension, FieldsV1 and apiextensions JSON: bytes of JSON inside.
Result<json::value> embedded_json(std::string_view bytes) {
    const auto raw = TRY(sole_bytes(bytes, 1));
    if (raw.empty()) return nullptr;
    return TRY(parse_json(raw)).value;
}

Result<json::value> time_value(std::string_view bytes, Type type) {
    if (bytes.empty()) return nullptr;
    std::int64_t seconds = 0, nanos = 0;
    for (WireReader in(bytes); !in.done();) {
        const auto entry = TRY(in.next());
        if (entry.number == 1) seconds = static_cast<std::int64_t>(entry.scalar);
        if (entry.number == 2) nanos = static_cast<std::int64_t>(entry.scalar);
    }
    constexpr std::int64_t seconds_max = 9'000'000'000;  // year 2255: what nanoseconds in 64 bits reach
    constexpr std::int64_t nanos_max = 999'999'999;
    if (seconds < -seconds_max || seconds > seconds_max || nanos < 0 || nanos > nanos_max)
        return broken("a time is out of range");
    const base::Time time{std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos)};
    return json::string(type == Type::time ? base::rfc3339(time) : base::rfc3339_micro(time));
}

Result<json::value> int_or_string(std::string_view bytes) {
    std::int64_t type = 0, number = 0;
    std::string_view text;
    for (WireReader in(bytes); !in.done();) {
        const auto entry = TRY(in.next());
        if (entry.number == 1) type = static_cast<std::int64_t>(entry.scalar);
        if (entry.number == 2) number = static_cast<std::int32_t>(entry.scalar);
        if (entry.number == 3) text = entry.bytes;
    }
    if (type == 1) return text_value(text);
    return number;
}

Result<json::value> string_items(std::string_view bytes) {
    json::array out;
    for (WireReader in(bytes); !in.done();) {
        const auto entry = TRY(in.next());
        if (entry.number == 1) out.push_back(TRY(text_value(entry.bytes)));
    }
    return out;
}

Result<json::value> duration_value(std::string_view bytes) {
    std::int64_t nanos = 0;
    for (WireReader in(bytes); !in.done();) {
        const auto entry = TRY(in.next());
        if (entry.number == 1) nanos = static_cast<std::int64_t>(entry.scalar);
    }
    return json::string(duration_text(base::Duration(nanos)));
}

bool is_zero(const json::value& value) {
    if (value.is_null()) return true;
    if (const auto* i = value.if_int64()) return *i == 0;
    if (const auto* d = value.if_double()) return *d == 0;
    if (const auto* b = value.if_bool()) return !*b;
    if (const auto* s = value.if_string()) return s->empty();
    if (const auto* o = value.if_object()) return o->empty();
    return false;
}

Result<void> read_message(const Message& message, std::string_view bytes, json::object& out, int depth);

/// The unions of custom resource schemas, as they stand in JSON.
json::value union_value(Form form, json::object members) {
    const auto take = [&](std::string_view name) -> json::value {
        auto* value = members.if_contains(name);
        return value ? std::move(*value) : json::value();
    };
    auto schema = take("schema");
    if (!schema.is_null()) return schema;
    if (form == Form::or_bool) {
        const auto allows = take("allows");
        return allows.is_bool() ? allows : json::value(false);
    }
    auto list = take(form == Form::or_list ? "jSONSchemas" : "property");
    return list.is_null() ? json::value(json::array()) : list;
}

Result<json::value> scalar_value(const Field& field, const WireReader::Entry& entry) {
    switch (field.type) {
        case Type::int32:
            return std::int64_t(static_cast<std::int32_t>(entry.scalar));
        case Type::int64:
            return static_cast<std::int64_t>(entry.scalar);
        case Type::boolean:
            return entry.scalar != 0;
        default:
            return std::bit_cast<double>(entry.scalar);
    }
}

Result<json::value> bytes_value(const Field& field, std::string_view bytes, int depth) {
    switch (field.type) {
        case Type::string:
            return text_value(bytes);
        case Type::bytes:
            return json::string(base64(bytes));
        case Type::quantity: {
            const auto text = TRY(sole_bytes(bytes, 1));
            return text.empty() ? json::value() : TRY(text_value(text));
        }
        case Type::int_or_string:
            return int_or_string(bytes);
        case Type::time:
        case Type::micro_time:
            return time_value(bytes, field.type);
        case Type::duration:
            return duration_value(bytes);
        case Type::string_list:
            return string_items(bytes);
        case Type::message: {
            json::object members;
            TRY(read_message(*field.message, bytes, members, depth + 1));
            if (field.message->form != Form::fields) return union_value(field.message->form, std::move(members));
            return members;
        }
        default:
            return embedded_json(bytes);
    }
}

bool is_number_like(Type type) {
    return type == Type::int32 || type == Type::int64 || type == Type::boolean || type == Type::number;
}

Result<json::value> one_value(const Field& field, const WireReader::Entry& entry, int depth) {
    if (is_number_like(field.type) != (entry.form != Wire::bytes))
        return broken("field " + std::string(field.name) + " has the wrong wire type");
    return is_number_like(field.type) ? scalar_value(field, entry) : bytes_value(field, entry.bytes, depth);
}

/// Repeated numbers may come packed.
Result<void> packed(const Field& field, std::string_view bytes, json::array& out) {
    if (field.type == Type::number) {
        if (bytes.size() % 8 != 0) return broken("a packed list is cut short");
        for (std::size_t at = 0; at < bytes.size(); at += 8) {
            double value = 0;
            std::memcpy(&value, bytes.data() + at, 8);
            out.push_back(value);
        }
        return {};
    }
    // a varint's length shows its end: read one after the other
    for (std::size_t at = 0; at < bytes.size();) {
        std::size_t end = at;
        while (end < bytes.size() && (static_cast<unsigned char>(bytes[end]) & 0x80) != 0) ++end;
        WireReader one(bytes.substr(at, end + 1 - at));
        WireReader::Entry entry{.number = field.number, .form = Wire::varint, .scalar = TRY(one.varint()), .bytes = {}};
        out.push_back(TRY(scalar_value(field, entry)));
        at = end + 1;
    }
    return {};
}

Result<void> map_entry(const Field& field, std::string_view bytes, json::object& out, int depth) {
    WireReader::Entry value{.number = 2, .form = is_number_like(field.type) ? Wire::varint : Wire::bytes};
    std::string_view key;
    for (WireReader in(bytes); !in.done();) {
        const auto entry = TRY(in.next());
        if (entry.number == 1) key = entry.bytes;
        if (entry.number == 2) value = entry;
    }
    if (!is_utf8(key)) return broken("a key is no UTF-8");
    out[key] = TRY(one_value(field, value, depth));
    return {};
}

Result<void> read_field(const Field& field, const WireReader::Entry& entry, json::object& out, int depth) {
    if (field.inlined) {
        if (entry.form != Wire::bytes) return broken("an inlined message has the wrong wire type");
        return read_message(*field.message, entry.bytes, out, depth + 1);
    }
    if (field.shape == Shape::list) {
        auto& items = list(out, field.name);
        if (is_number_like(field.type) && entry.form == Wire::bytes) return packed(field, entry.bytes, items);
        items.push_back(TRY(one_value(field, entry, depth)));
        return {};
    }
    if (field.shape == Shape::map) {
        if (entry.form != Wire::bytes) return broken("a map has the wrong wire type");
        return map_entry(field, entry.bytes, child(out, field.name), depth);
    }
    auto value = TRY(one_value(field, entry, depth));
    if (field.presence != Presence::pointer && is_zero(value)) return {};
    if (value.is_null() && field.type == Type::quantity) value = json::string("0");
    out[field.name] = std::move(value);
    return {};
}

const Field* by_number(const Message& message, std::uint32_t number) {
    for (const auto& field : message.fields)
        if (field.number == number && number != 0) return &field;
    return nullptr;
}

Result<void> read_message(const Message& message, std::string_view bytes, json::object& out, int depth) {
    if (depth > depth_max) return broken("the body is nested too deeply");
    for (WireReader in(bytes); !in.done();) {
        const auto entry = TRY(in.next());
        if (const auto* field = by_number(message, entry.number)) TRY(read_field(*field, entry, out, depth));
    }
    return {};
}

}  // namespace

Result<Envelope> open_envelope(std::string_view bytes) {
    constexpr std::string_view magic("k8s\0", 4);
    if (!bytes.starts_with(magic))
        return base::fail(Code::bad_request,
                          "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
    Envelope out;
    for (WireReader in(bytes.substr(magic.size())); !in.done();) {
        const auto entry = TRY(in.next());
        if (entry.form != Wire::bytes) continue;
        if (entry.number == 1) {
            out.api_version = TRY(sole_bytes(entry.bytes, 1));
            out.kind = TRY(sole_bytes(entry.bytes, 2));
        }
        if (entry.number == 2) out.raw = entry.bytes;
    }
    return out;
}

Result<json::object> decode_protobuf(const Message& message, std::string_view raw) {
    json::object out;
    TRY(read_message(message, raw, out, 0));
    return out;
}

}  // namespace object
