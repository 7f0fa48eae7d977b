// The lines of an import, read as they come: CSV with a header row, or JSON lines. Each becomes a vehicle or says what
// is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kit/problem.h"
#include "kit/web/shape.h"
#include "vehicles/csv.h"

namespace vehicles {

struct ImportLine {
    std::int64_t line = 0;
    std::optional<kit::Values> values;
    std::vector<kit::FieldProblem> problems;  ///< without values
};

class ImportLines {
 public:
    enum class Form : std::uint8_t { csv, json_lines };
    explicit ImportLines(Form form) : form_(form) {}
    void add(std::string_view bytes);
    void finish();
    /// As CsvReader::next. An Error names what makes the rest unreadable.
    base::Result<bool> next(ImportLine& line);

 private:
    base::Result<bool> next_csv(ImportLine& line);
    base::Result<bool> next_json(ImportLine& line);
    base::Result<void> read_header(const CsvRecord& record);

    Form form_;
    CsvReader csv_;
    std::vector<std::string> columns_;  ///< of the header
    std::string pending_;
    std::size_t read_ = 0;
    std::int64_t line_ = 0;
    bool finished_ = false;
};

}  // namespace vehicles
