// Where table rows start: ages, the kind's own cells, and name and age for kinds that show no more.
#include "kinds/cells.h"

#include <fmt/format.h>

#include <algorithm>

namespace kinds {

std::string human_duration(base::Duration age) {
    using namespace std::chrono;
    const auto s = duration_cast<seconds>(age).count();
    const auto m = s / 60;
    const auto h = m / 60;
    const auto d = h / 24;
    const auto with = [](auto big, const char* big_unit, auto small, const char* small_unit) {
        return small == 0 ? fmt::format("{}{}", big, big_unit)
                          : fmt::format("{}{}{}{}", big, big_unit, small, small_unit);
    };
    if (s < -1) return "<invalid>";
    if (s < 0) return "0s";
    if (s < 120) return fmt::format("{}s", s);
    if (m < 10) return with(m, "m", s % 60, "s");
    if (m < 180) return fmt::format("{}m", m);
    if (h < 8) return with(h, "h", m % 60, "m");
    if (h < 48) return fmt::format("{}h", h);
    if (d < 8) return with(d, "d", h % 24, "h");
    if (d < 365 * 2) return fmt::format("{}d", d);
    if (d < 365 * 8) return with(d / 365, "y", d % 365, "d");
    return fmt::format("{}y", d / 365);
}

std::string age_of(Ref time, base::Time now) {
    const auto then = base::parse_rfc3339(time.str());
    return then ? human_duration(now - *then) : "<unknown>";
}

std::string age(Ref object, base::Time now) { return age_of(object["metadata"]["creationTimestamp"], now); }

static json::array common_cells(const object::Kind& kind, Ref object, base::Time now) {
    json::array row;
    for (const auto& column : kind.columns) {
        const Ref metadata = object["metadata"];
        if (column.name == "Name") {
            row.emplace_back(metadata["name"].str());
        } else if (column.name == "Created At") {
            row.emplace_back(metadata["creationTimestamp"].str());
        } else if (column.name == "Age") {
            row.emplace_back(age(object, now));
        } else {
            row.emplace_back("");
        }
    }
    return row;
}

json::array cells(const object::Kind& kind, const json::object& object, base::Time now) {
    const auto* rule = find_rule(kind);
    return rule && rule->cells ? rule->cells(object, now) : common_cells(kind, object, now);
}

json::array row_conditions(const object::Kind& kind, const json::object& object) {
    if (!kind.group.empty() || kind.kind != "Pod") return {};
    const auto phase = Ref(object)["status"]["phase"].str();
    if (phase != "Succeeded" && phase != "Failed") return {};
    return {
        json::object{{"type", "Completed"},
                     {"status", "True"},
                     {"reason", phase},
                     {"message", phase == "Succeeded" ? "The pod has completed successfully." : "The pod failed."}}};
}

}  // namespace kinds
