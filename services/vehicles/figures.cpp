#include "vehicles/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "kit/json_text.h"

namespace vehicles {
namespace {

constexpr std::int64_t bucket_hundredths = 5'000'00;
constexpr std::int64_t buckets_max = 40;  ///< the last one takes all that is dearer
constexpr std::int64_t dearest_hundredths = 100'000'000'00;
constexpr auto good_for_least = std::chrono::seconds(1);
constexpr int good_for_times = 20;
constexpr int lines_max = 50'000;

kit::Decimal from_of(std::int64_t bucket) { return kit::Decimal::of_hundredths(bucket * bucket_hundredths); }
kit::Decimal to_of(std::int64_t bucket) {
    return bucket == buckets_max ? kit::Decimal::of_hundredths(dearest_hundredths) : from_of(bucket + 1);
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

using Counts = std::array<std::int64_t, 3>;

void append_counts(kit::JsonText& json, const Counts& counts) {
    for (const auto stock : {Stock::available, Stock::reserved, Stock::sold}) {
        json.field(stock_name(stock), counts[static_cast<std::size_t>(stock)]);
    }
}

}  // namespace

void Figures::show(const std::string& brand, Answer<std::string> answer) {
    if (clock_.now() < good_until_) return answer(json_of(brand));
    waiting_.push_back({brand, std::move(answer)});
    if (!counting_) count();
}

void Figures::count() {
    counting_ = true;
    auto sql = fmt::format(
        "SELECT brand, CASE WHEN stock = 'reserved' AND reserved_until <= $1 THEN 'available' ELSE stock END, "
        "CASE WHEN price >= {} THEN {} ELSE price / {} END, COUNT(*) FROM vehicles GROUP BY 1, 2, 3 LIMIT {}",
        buckets_max * bucket_hundredths, buckets_max, bucket_hundredths, lines_max);
    const auto begun = clock_.now();
    database_.run(std::move(sql), {base::rfc3339_micro(begun)},
                  [this, begun](base::Result<kit::db::Rows> rows) { counted(std::move(rows), begun); });
}

void Figures::counted(base::Result<kit::db::Rows> rows, run::Time begun) {
    counting_ = false;
    auto waiting = std::exchange(waiting_, {});
    if (!rows) {
        for (auto& one : waiting) one.answer(std::unexpected(rows.error()));
        return;
    }
    lines_.clear();
    for (std::size_t row = 0; row < rows->size(); ++row) {
        lines_.push_back({.brand = std::string(rows->text(row, 0)),
                          .stock = stock_named(rows->text(row, 1)).value_or(Stock::available),
                          .bucket = rows->number(row, 2),
                          .count = rows->number(row, 3)});
    }
    const auto now = clock_.now();
    good_until_ = now + std::max<run::Duration>(good_for_least, (now - begun) * good_for_times);
    for (auto& one : waiting) one.answer(json_of(one.brand));
}

std::string Figures::json_of(const std::string& brand) const {
    const auto wanted = lower(brand);
    Counts all{};
    std::map<std::string, Counts> brands;
    std::map<std::int64_t, std::int64_t> prices;
    for (const auto& line : lines_) {
        if (!brand.empty() && lower(line.brand) != wanted) continue;
        all[static_cast<std::size_t>(line.stock)] += line.count;
        brands[line.brand][static_cast<std::size_t>(line.stock)] += line.count;
        if (line.stock != Stock::sold) prices[line.bucket] += line.count;
    }
    std::string text;
    kit::JsonText json(text);
    json.open('{').field("currency", "EUR").key("stock").open('{');
    append_counts(json, all);
    json.close('}').key("by_brand").open('[');
    for (const auto& [name, counts] : brands) {
        json.open('{').field("brand", name);
        append_counts(json, counts);
        json.close('}');
    }
    json.close(']').key("prices").open('[');
    const auto last = prices.empty() ? -1 : prices.rbegin()->first;
    for (std::int64_t bucket = 0; bucket <= last; ++bucket) {
        const auto found = prices.find(bucket);
        json.open('{').field("from", from_of(bucket)).field("to", to_of(bucket));
        json.field("count", found == prices.end() ? std::int64_t{0} : found->second).close('}');
    }
    json.close(']').close('}');
    return text;
}

}  // namespace vehicles
