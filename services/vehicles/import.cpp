#include "vehicles/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "kit/db/statements.h"
#include "kit/json_text.h"
#include "vehicles/tables.h"

namespace vehicles {
namespace {

using kit::db::Parameters;
using kit::db::Rows;
using kit::db::Session;

constexpr std::size_t batch_max = 200;
constexpr std::size_t report_lines_max = 1000;
constexpr int tries_max = 3;

constexpr std::string_view status_name(LineStatus status) {
    constexpr std::string_view names[] = {"added", "changed", "kept", "failed"};
    return names[static_cast<std::size_t>(status)];
}

/// "INSERT ... VALUES (...), (...) RETURNING id" for `count` vehicles.
std::string insert_many_sql(std::size_t count, std::size_t columns) {
    auto sql = insert_sql();
    for (std::size_t row = 1; row < count; ++row) {
        sql += ", (";
        for (std::size_t column = 1; column <= columns; ++column) {
            if (column > 1) sql += ", ";
            fmt::format_to(std::back_inserter(sql), "${}", row * columns + column);
        }
        sql += ')';
    }
    return sql += " RETURNING id";
}

bool same(const Vehicle& one, const Vehicle& other) {
    return one.name == other.name && one.brand == other.brand && one.model == other.model && one.year == other.year &&
           one.price == other.price && one.description == other.description && one.dealer == other.dealer;
}

}  // namespace

/// Lines that are written together.
struct Import::Batch : std::enable_shared_from_this<Import::Batch> {
    struct One {
        std::int64_t line = 0;
        kit::Values values;
        Vehicle vehicle;  ///< as sent, with its owner
        LineReport report;
    };
    kit::db::Dialect dialect{};
    std::vector<One> ones;
    std::string time;
    Actor actor;
    Session* session = nullptr;
    kit::db::Done done;
    std::vector<std::int64_t> changed_ids;
    int tries = 0;

    void begin() {
        Parameters parameters;
        std::string sql = fmt::format("SELECT {} FROM vehicles WHERE reference <> '' AND (", columns_of(dialect));
        for (const auto& one : ones) {
            if (one.vehicle.reference.empty()) continue;
            fmt::format_to(std::back_inserter(sql), "{}(dealer_id = ${} AND reference = ${})",
                           parameters.empty() ? "" : " OR ", parameters.size() + 1, parameters.size() + 2);
            parameters.emplace_back(one.vehicle.dealer_id);
            parameters.emplace_back(one.vehicle.reference);
        }
        if (parameters.empty()) return write(Rows{});
        sql += dialect == kit::db::Dialect::postgres ? ") ORDER BY id FOR UPDATE" : ")";
        session->run(std::move(sql), std::move(parameters), [self = shared_from_this()](base::Result<Rows> rows) {
            if (!rows) return self->done(std::unexpected(std::move(rows).error()));
            self->write(*rows);
        });
    }

    void write(const Rows& rows) {
        std::map<std::pair<std::string, std::string>, Vehicle> present;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            auto vehicle = settled(vehicle_in(rows, row), time);
            auto key = std::make_pair(vehicle.dealer_id, vehicle.reference);
            present.emplace(std::move(key), std::move(vehicle));
        }
        std::vector<kit::db::Statement> updates;
        for (auto& one : ones) {
            const auto found = one.vehicle.reference.empty()
                                   ? present.end()
                                   : present.find({one.vehicle.dealer_id, one.vehicle.reference});
            if (found != present.end()) change(one, found->second, updates);
        }
        kit::db::run_all(*session, std::move(updates), [self = shared_from_this()](base::Result<void> updated) {
            if (!updated) return self->done(std::move(updated));
            self->insert();
        });
    }

    void change(One& one, const Vehicle& current, std::vector<kit::db::Statement>& updates) {
        const auto next = owned_by(vehicle_of(one.values, current), actor);
        one.report.id = current.id;
        if (same(current, next)) return void(one.report.status = LineStatus::kept);
        auto decision = edit(current, next, actor, time);
        if (!decision) {
            one.report = {.line = one.line, .status = LineStatus::failed, .id = 0, .problems = {}};
            const auto* field = decision.error().code == base::Code::conflict ? "price" : "reference";
            one.report.problems.push_back({field, decision.error().message});
            return;
        }
        one.report.status = LineStatus::changed;
        changed_ids.push_back(current.id);
        auto parameters = parameters_of(decision->vehicle);
        parameters.emplace_back(std::to_string(current.id));
        updates.push_back({update_sql(), std::move(parameters), kit::db::Guard::must_touch});
    }

    void insert() {
        Parameters parameters;
        std::size_t count = 0, columns = 0;
        for (auto& one : ones) {
            if (one.report.id != 0 || !one.report.problems.empty()) continue;
            one.report.status = LineStatus::added;
            one.vehicle.created_at = one.vehicle.updated_at = time;
            auto some = parameters_of(one.vehicle);
            columns = some.size();
            std::ranges::move(some, std::back_inserter(parameters));
            ++count;
        }
        if (count == 0) return done({});
        session->run(insert_many_sql(count, columns), std::move(parameters),
                     [self = shared_from_this()](base::Result<Rows> rows) {
                         if (!rows) return self->done(std::unexpected(std::move(rows).error()));
                         std::size_t row = 0;
                         for (auto& one : self->ones) {
                             if (one.report.status == LineStatus::added) one.report.id = rows->number(row++, 0);
                         }
                         self->done({});
                     });
    }
};

Import::Import(kit::db::Database& database, const run::Clock& clock, Changes& changes, Actor actor,
               ImportLines::Form form)
    : database_(database), clock_(clock), changes_(changes), actor_(std::move(actor)), lines_(form) {
    batch_ = std::make_shared<Batch>();
}

void Import::read(std::shared_ptr<kit::http::Body> body, Done done) {
    body_ = std::move(body);
    done_ = std::move(done);
    next_piece();
}

void Import::next_piece() {
    body_->next([self = shared_from_this()](base::Result<std::string> piece) {
        if (!piece) return self->end(std::unexpected(std::move(piece).error()));
        self->finished_ = piece->empty();
        self->finished_ ? self->lines_.finish() : self->lines_.add(*piece);
        self->read_lines();
    });
}

void Import::read_lines() {
    while (true) {
        ImportLine line;
        const auto found = lines_.next(line);
        if (!found) return end(std::unexpected(found.error()));
        if (!*found) break;
        last_line_ = line.line;
        if (!line.values) {
            report({.line = line.line, .status = LineStatus::failed, .id = 0, .problems = std::move(line.problems)});
            continue;
        }
        const auto vehicle = owned_by(vehicle_of(*line.values), actor_);
        const auto reference = fmt::format("{} {}", vehicle.dealer_id, vehicle.reference);
        const bool again = !vehicle.reference.empty() && references_.contains(reference);
        if (again || batch_->ones.size() >= batch_max) {
            return write_batch([self = shared_from_this(), line = std::move(line)]() mutable {
                self->take_line(std::move(line));
                self->read_lines();
            });
        }
        take_line(std::move(line));
    }
    if (!finished_) return next_piece();
    write_batch([self = shared_from_this()] { self->finish(); });
}

void Import::take_line(ImportLine line) {
    auto vehicle = owned_by(vehicle_of(*line.values), actor_);
    if (!vehicle.reference.empty()) references_.insert(fmt::format("{} {}", vehicle.dealer_id, vehicle.reference));
    batch_->ones.push_back({.line = line.line,
                            .values = std::move(*line.values),
                            .vehicle = std::move(vehicle),
                            .report = {.line = line.line}});
}

void Import::write_batch(run::Callback then) {
    const auto batch = std::exchange(batch_, std::make_shared<Batch>());
    references_.clear();
    if (batch->ones.empty()) return then();
    batch->dialect = database_.dialect();
    batch->time = base::rfc3339_micro(clock_.now());
    batch->actor = actor_;
    transact(batch, std::move(then));
}

void Import::transact(const std::shared_ptr<Batch>& batch, run::Callback then) {
    database_.transact(
        [batch](Session& session, kit::db::Done done) {
            batch->session = &session;
            batch->done = std::move(done);
            batch->changed_ids.clear();
            batch->begin();
        },
        [self = shared_from_this(), batch, then = std::move(then)](base::Result<void> result) mutable {
            self->wrote(batch, std::move(result), std::move(then));
        });
}

void Import::wrote(const std::shared_ptr<Batch>& batch, base::Result<void> result, run::Callback then) {
    // Another import has added one of these references meanwhile: now it is seen, and changed.
    if (!result && result.error().code == base::Code::already_exists && batch->tries++ < tries_max) {
        for (auto& one : batch->ones) one.report = {.line = one.line};
        return transact(batch, std::move(then));
    }
    if (!result) {
        last_line_ = batch->ones.front().line - 1;
        return end(std::move(result));
    }
    for (auto& one : batch->ones) report(std::move(one.report));
    changes_.committed(batch->changed_ids, std::move(then));
}

void Import::report(LineReport line) {
    (line.status == LineStatus::added     ? report_.added
     : line.status == LineStatus::changed ? report_.changed
     : line.status == LineStatus::kept    ? report_.kept
                                          : report_.failed) += 1;
    auto& lines = report_.lines;
    if (lines.size() >= report_lines_max) {
        ++report_.lines_left_out;
        if (line.status != LineStatus::failed) return;
        const auto well =
            std::ranges::find_if(lines, [](const LineReport& one) { return one.status != LineStatus::failed; });
        if (well == lines.end()) return;
        lines.erase(well);
    }
    lines.push_back(std::move(line));
}

void Import::end(base::Result<void> result) {
    auto done = std::exchange(done_, nullptr);
    if (!done) return;
    body_.reset();
    if (result) return done(std::move(report_));
    auto error = std::move(result).error();
    error.message = fmt::format("the import stopped after line {} ({} added, {} changed): {}", last_line_,
                                report_.added, report_.changed, error.message);
    done(std::unexpected(std::move(error)));
}

/// Tells of the import, once all of it is written.
void Import::finish() {
    std::ranges::sort(report_.lines, {}, &LineReport::line);
    if (report_.added + report_.changed == 0) return end({});
    const Changes::Import import{.dealer_id = actor_.id,
                                 .added = report_.added,
                                 .changed = report_.changed,
                                 .failed = report_.failed,
                                 .traceparent = actor_.traceparent};
    database_.transact([this, self = shared_from_this(), import](
                           Session& session, kit::db::Done done) { changes_.record(session, import, std::move(done)); },
                       [self = shared_from_this()](const base::Result<void>&) {
                           self->changes_.committed({}, [self] { self->end({}); });
                       });
}

std::string json_of(const ImportReport& report) {
    std::string text;
    kit::JsonText json(text);
    json.open('{').field("added", report.added).field("changed", report.changed).field("kept", report.kept);
    json.field("failed", report.failed).field("lines_left_out", report.lines_left_out).key("lines").open('[');
    for (const auto& line : report.lines) {
        json.open('{').field("line", line.line).field("status", status_name(line.status));
        if (line.id != 0) json.field("id", line.id);
        if (!line.problems.empty()) {
            json.key("problems").open('[');
            for (const auto& [field, message] : line.problems) {
                json.open('{').field("field", field).field("message", message).close('}');
            }
            json.close(']');
        }
        json.close('}');
    }
    json.close(']').close('}');
    return text;
}

}  // namespace vehicles
