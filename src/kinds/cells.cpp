// Where table rows start: ages, the kind's own cells, and name and age for kinds that show no more.
#include "kinds/cells.h"

#include <fmt/format.h>

#include <algorithm>

#include "object/selector.h"

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

std::string_view name_of(Ref object) { return object["metadata"]["name"].str(); }

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
    return fmt::format("{}", fmt::join(texts, between));
}

std::string labels_text(Ref labels) {
    std::vector<std::string> pairs;
    for (const auto& label : labels.members())
        pairs.push_back(fmt::format("{}={}", std::string_view(label.key()), Ref(label.value()).str()));
    if (pairs.empty()) return "<none>";
    std::ranges::sort(pairs);
    return joined(pairs);
}

std::string selector_text(Ref selector) {
    const auto parsed = object::LabelSelector::from_json(selector);
    auto text = selector && parsed ? parsed->text() : std::string();
    return text.empty() ? "<none>" : text;
}

std::string_view or_text(std::string_view text, std::string_view otherwise) { return text.empty() ? otherwise : text; }

std::string plain(Ref value) {
    if (!value.value()) return "";
    const auto* text = value.value()->if_string();
    return text ? std::string(*text) : json::serialize(*value.value());
}

std::string first_of(const std::vector<std::string>& texts, std::size_t shown, std::string_view between) {
    if (texts.size() <= shown) return joined(texts, between);
    const std::vector<std::string> head(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(shown));
    return fmt::format("{} + {} more...", joined(head, between), texts.size() - shown);
}

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
