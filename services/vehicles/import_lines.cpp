#include "vehicles/import_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "kit/web/frames.h"
#include "vehicles/vehicle.h"

namespace vehicles {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024;

std::string column_name(std::string_view cell) {
    while (cell.starts_with(' ')) cell.remove_prefix(1);
    while (cell.ends_with(' ')) cell.remove_suffix(1);
    std::string name(cell);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return name;
}

/// What our own export has beside the fields that can be set: passed over when it comes back.
bool is_read_only(std::string_view name) {
    return name == "id" || name == "stock" || name == "created_at" || name == "updated_at";
}

void take(ImportLine& line, base::Result<kit::Values> values) {
    if (values) {
        line.values = std::move(*values);
        return;
    }
    auto problem = kit::problem_of(values.error());
    line.problems = std::move(problem.fields);
    if (line.problems.empty()) line.problems.push_back({"", problem.detail});
}

}  // namespace

void ImportLines::add(std::string_view bytes) {
    if (form_ == Form::csv) return csv_.add(bytes);
    if (read_ > line_bytes_max) {
        pending_.erase(0, read_);
        read_ = 0;
    }
    pending_ += bytes;
}

void ImportLines::finish() {
    finished_ = true;
    csv_.finish();
}

base::Result<bool> ImportLines::next(ImportLine& line) {
    line = {};
    return form_ == Form::csv ? next_csv(line) : next_json(line);
}

base::Result<void> ImportLines::read_header(const CsvRecord& record) {
    for (const auto& cell : record.cells) columns_.push_back(column_name(cell));
    std::vector<kit::FieldProblem> problems;
    for (const auto& field : vehicle_shape().fields()) {
        const auto times = std::ranges::count(columns_, field.name);
        if (times > 1) problems.push_back({field.name, "stands more than once in the header row"});
        if (times == 0 && field.need == kit::Need::required) {
            problems.push_back({field.name, "is missing in the header row"});
        }
    }
    for (const auto& column : columns_) {
        const auto& fields = vehicle_shape().fields();
        if (std::ranges::find(fields, column, &kit::Field::name) == fields.end() && !is_read_only(column)) {
            problems.push_back({column.substr(0, 60), "is no column here"});
        }
    }
    if (!problems.empty()) return std::unexpected(kit::invalid_fields(std::move(problems)));
    return {};
}

base::Result<bool> ImportLines::next_csv(ImportLine& line) {
    CsvRecord record;
    if (!TRY(csv_.next(record))) return false;
    if (columns_.empty()) {
        TRY(read_header(record));
        if (!TRY(csv_.next(record))) return false;
    }
    line.line = record.line;
    if (record.cells.size() != columns_.size()) {
        line.problems.push_back(
            {"", fmt::format("has {} cells where the header row has {}", record.cells.size(), columns_.size())});
        return true;
    }
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
        auto& cell = record.cells[at];
        kit::Utf8Check utf8;
        if (!utf8.put(cell) || !utf8.complete()) line.problems.push_back({columns_[at], "must be UTF-8"});
        // Our export puts an apostrophe before what a spreadsheet would calculate.
        if (cell.size() > 1 && cell[0] == '\'' && std::string_view("=+-@").find(cell[1]) != std::string_view::npos) {
            cell.erase(0, 1);
        }
        pairs.emplace_back(columns_[at], std::move(cell));
    }
    if (line.problems.empty()) take(line, vehicle_shape().read_form(pairs));
    return true;
}

base::Result<bool> ImportLines::next_json(ImportLine& line) {
    while (true) {
        const auto end = pending_.find('\n', read_);
        const bool last = end == std::string::npos;
        const auto size = (last ? pending_.size() : end) - read_;
        if (size > line_bytes_max) return base::fail(base::Code::invalid, "a line is too long");
        if (last && (!finished_ || size == 0)) return false;
        const auto text = std::string_view(pending_).substr(read_, size);
        read_ += size + (last ? 0 : 1);
        line.line = ++line_;
        if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        take(line, vehicle_shape().read_json(text));
        return true;
    }
}

}  // namespace vehicles
