#include "insights/filter.h"

#include <boost/json.hpp>
#include <chrono>

#include "fmt/format.h"
#include "kit/problem.h"

namespace insights {
namespace {

constexpr std::int64_t days_standard = 30;
constexpr std::int64_t days_max = 366;
constexpr std::size_t brand_bytes_max = 200;

void read_day(std::string_view name, const std::string& text, std::int64_t& day,
              std::vector<kit::FieldProblem>& problems) {
    if (text.empty()) return;
    const auto time = text.size() == 10 ? base::parse_rfc3339(text + "T00:00:00Z") : std::nullopt;
    if (!time) return problems.push_back({std::string(name), "must be a day like 2026-01-31"});
    day = std::chrono::floor<std::chrono::days>(*time).time_since_epoch().count();
}

}  // namespace

base::Result<Filter> filter_of(const FilterWords& words, run::Time now) {
    const auto today = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
    Filter filter{.brand = words.brand, .from_day = 0, .to_day = today};
    std::vector<kit::FieldProblem> problems;
    if (filter.brand.size() > brand_bytes_max) problems.push_back({"brand", "is too long"});
    if (filter.brand.find('\0') != std::string::npos) problems.push_back({"brand", "must not hold the NUL character"});
    read_day("to", words.to, filter.to_day, problems);
    filter.from_day = filter.to_day - days_standard + 1;
    read_day("from", words.from, filter.from_day, problems);
    if (problems.empty() && (filter.to_day < filter.from_day || filter.to_day - filter.from_day >= days_max))
        problems.push_back({"to", fmt::format("must be a day from the first on, at most {} days later", days_max - 1)});
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return filter;
}

base::Result<Filter> filter_of_json(std::string_view text, run::Time now) {
    boost::system::error_code error;
    const auto value = boost::json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) return base::fail(base::Code::bad_request, "a filter is a JSON object");
    const auto word = [&](std::string_view name) {
        const auto* found = value.get_object().if_contains(name);
        return found && found->is_string() ? std::string(found->get_string()) : std::string();
    };
    return filter_of({.brand = word("brand"), .from = word("from"), .to = word("to")}, now);
}

std::string day_text(std::int64_t day) {
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

}  // namespace insights
