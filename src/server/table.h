// Objects as rows of meta.k8s.io Tables, as kubectl prints them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "object/json.h"
#include "object/schema.h"
#include "server/represent.h"

namespace server {

enum class RowObject : std::uint8_t { none, metadata, object };
/// Within a watch only the first event describes the columns.
enum class Columns : std::uint8_t { shown, left_out };

class TableLayout {
 public:
    /// Code::not_acceptable when the kind has no columns, Code::bad_request for an unknown `include_object`.
    static base::Result<TableLayout> of(const object::Kind& kind, std::string_view meta_version,
                                        std::string_view include_object);

    TableLayout(const object::Kind& kind, std::string version, RowObject row_object)
        : kind_(&kind), version_(std::move(version)), row_object_(row_object) {}
    std::string of_one(const object::ObjectPtr& object, base::Time now, Columns columns) const;
    std::string of_list(const std::vector<object::ObjectPtr>& objects, const ListMeta& meta, base::Time now) const;
    RowObject row_object() const { return row_object_; }
    const std::string& version() const { return version_; }

 private:
    std::string head(std::string_view meta, Columns columns) const;
    void row(std::string& out, const object::ObjectPtr& object, base::Time now) const;

    const object::Kind* kind_;
    std::string version_;
    RowObject row_object_;
};

}  // namespace server
