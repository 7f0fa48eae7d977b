#include "server/table.h"

#include <fmt/format.h>

#include "kinds/rules.h"

namespace server {

namespace json = object::json;
using base::Code;

namespace {

std::string column_definitions(const object::Kind& kind) {
    json::array columns;
    for (const auto& column : kind.columns)
        columns.push_back(json::object{{"name", column.name},
                                       {"type", column.type},
                                       {"format", column.format},
                                       {"description", ""},
                                       {"priority", column.priority}});
    return json::serialize(columns);
}

}  // namespace

base::Result<TableLayout> TableLayout::of(const object::Kind& kind, std::string_view meta_version,
                                          std::string_view include_object) {
    if (kind.columns.empty())
        return base::fail(Code::not_acceptable, fmt::format("{} has no table form", kind.qualified()));
    RowObject row = RowObject::metadata;
    if (include_object == "None")
        row = RowObject::none;
    else if (include_object == "Object")
        row = RowObject::object;
    else if (!include_object.empty() && include_object != "Metadata")
        return base::fail(Code::bad_request, fmt::format("unrecognized includeObject value: \"{}\"", include_object));
    return TableLayout(kind, std::string(meta_version), row);
}

std::string TableLayout::head(std::string_view meta, Columns columns) const {
    return fmt::format(
        R"({{"kind":"Table","apiVersion":"meta.k8s.io/{}","metadata":{},"columnDefinitions":{},"rows":[)", version_,
        meta, columns == Columns::shown ? column_definitions(*kind_) : "null");
}

void TableLayout::row(std::string& out, const object::ObjectPtr& object, base::Time now) const {
    const auto shown = as_kind(*kind_, object);
    out += R"({"cells":)";
    out += json::serialize(kinds::cells(*kind_, shown->value(), now));
    if (const auto conditions = kinds::row_conditions(*kind_, shown->value()); !conditions.empty())
        out += R"(,"conditions":)" + json::serialize(conditions);
    out += R"(,"object":)";
    switch (row_object_) {
        case RowObject::none:
            out += "null";
            break;
        case RowObject::metadata:
            out += partial_text(*shown, version_);
            break;
        case RowObject::object:
            out += *shown->text();
            break;
    }
    out += '}';
}

std::string TableLayout::of_one(const object::ObjectPtr& object, base::Time now, Columns columns) const {
    auto out = head(ListMeta{.revision = object->revision()}.text(), columns);
    row(out, object, now);
    return out + "]}";
}

std::string TableLayout::of_list(const std::vector<object::ObjectPtr>& objects, const ListMeta& meta,
                                 base::Time now) const {
    auto out = head(meta.text(), Columns::shown);
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (i) out += ',';
        row(out, objects[i], now);
    }
    return out + "]}";
}

}  // namespace server
