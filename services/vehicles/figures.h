// Public figures of the catalogue: how many vehicles are in which state, by brand, and what they cost. Counted at most
// once in a while, however many ask: for at least a second, and for twenty times as long as the counting took.
#pragma once

#include <string>
#include <vector>

#include "kit/db/database.h"
#include "run/loop.h"
#include "vehicles/catalogue.h"

namespace vehicles {

class Figures {
 public:
    Figures(kit::db::Database& database, const run::Clock& clock) : database_(database), clock_(clock) {}
    /// As JSON (docs/guide/services.md); of one brand, or of all with "".
    void show(const std::string& brand, Answer<std::string> answer);

 private:
    struct Line {
        std::string brand;
        Stock stock = Stock::available;
        std::int64_t bucket = 0;  ///< of the price
        std::int64_t count = 0;
    };
    struct Waiting {
        std::string brand;
        Answer<std::string> answer;
    };
    void count();
    void counted(base::Result<kit::db::Rows> rows, run::Time begun);
    std::string json_of(const std::string& brand) const;

    kit::db::Database& database_;
    const run::Clock& clock_;
    std::vector<Line> lines_;
    run::Time good_until_{};
    bool counting_ = false;
    std::vector<Waiting> waiting_;
};

}  // namespace vehicles
