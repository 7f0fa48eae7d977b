// A bulk import: a body of any size, read piece by piece, checked line by line, written in batches that each hold
// together. A vehicle with the dealer's own reference changes the one that has it already, so the same file can be sent
// again. What is reserved or sold keeps its price.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kit/db/database.h"
#include "vehicles/changes.h"
#include "vehicles/import_lines.h"
#include "vehicles/stock.h"

namespace vehicles {

enum class LineStatus : std::uint8_t { added, changed, kept, failed };

struct LineReport {
    std::int64_t line = 0;
    LineStatus status = LineStatus::failed;
    std::int64_t id = 0;  ///< of the vehicle; 0 for a line that failed
    std::vector<kit::FieldProblem> problems;
};

struct ImportReport {
    std::int64_t added = 0, changed = 0, kept = 0, failed = 0;
    /// Failed lines first of all; of the others as many as there is room for.
    std::vector<LineReport> lines;
    std::int64_t lines_left_out = 0;
};
std::string json_of(const ImportReport& report);

class Import : public std::enable_shared_from_this<Import> {
 public:
    using Done = std::move_only_function<void(base::Result<ImportReport>)>;
    Import(kit::db::Database& database, const run::Clock& clock, Changes& changes, Actor actor, ImportLines::Form form);
    /// Reads `body` to its end. An Error tells after which line it stopped; what was written before stays.
    void read(std::shared_ptr<kit::http::Body> body, Done done);

 private:
    struct Batch;
    void next_piece();
    void read_lines();
    void write_batch(run::Callback then);
    void transact(const std::shared_ptr<Batch>& batch, run::Callback then);
    void wrote(const std::shared_ptr<Batch>& batch, base::Result<void> result, run::Callback then);
    void take_line(ImportLine line);
    void report(LineReport line);
    void end(base::Result<void> result);
    void finish();

    kit::db::Database& database_;
    const run::Clock& clock_;
    Changes& changes_;
    Actor actor_;
    ImportLines lines_;
    std::shared_ptr<kit::http::Body> body_;
    Done done_;
    std::shared_ptr<Batch> batch_;
    std::set<std::string> references_;  ///< "dealer reference" of what waits in the batch
    ImportReport report_;
    std::int64_t last_line_ = 0;
    bool finished_ = false;
};

}  // namespace vehicles
