#include "kit/db/database.h"

#include <charconv>

#include "run/asio_loop.h"

namespace kit::db {

std::string_view Rows::text(std::size_t row, std::size_t column) const {
    const auto& cell = cells_[row * columns_ + column];
    return cell ? std::string_view(*cell) : std::string_view{};
}

std::int64_t Rows::number(std::size_t row, std::size_t column) const {
    const auto digits = text(row, column);
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::string without_password(std::string_view url) {
    const auto start = url.find("://");
    const auto at = start == std::string_view::npos ? start : url.rfind('@', url.find('/', start + 3));
    const auto colon = at == std::string_view::npos ? at : url.find(':', start + 3);
    if (colon == std::string_view::npos || colon > at) return std::string(url);
    return std::string(url.substr(0, colon)) + ":***" + std::string(url.substr(at));
}

base::Result<std::unique_ptr<Database>> open(boost::asio::io_context& io, Log& log, std::string_view url,
                                             DatabaseOptions options) {
    if (url.starts_with("sqlite:")) return open_sqlite(io, std::string(url.substr(7)), options);
    if (url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return open_postgres(io, log, std::string(url), options);
    }
    return base::fail(base::Code::invalid,
                      "the database address '" + without_password(url) + "' must begin with sqlite: or postgres://");
}

}  // namespace kit::db
