// What can go wrong in operation travels as a value: Result<T> is either a T or an Error.
// Broken invariants do not: they end the process through check().
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

/// Classes of failure; `server` maps each to one HTTP code and API reason.
enum class Code : std::uint8_t {
    bad_request,
    unauthorized,
    forbidden,
    not_found,
    method_not_allowed,
    not_acceptable,
    already_exists,
    conflict,
    expired,
    too_large,
    unsupported_media_type,
    invalid,
    too_many_requests,
    internal,
    unavailable,
    timeout,
    unspecified,  ///< HTTP 500 without a reason, where upstream answers so
};

/// One reason among several, as the API's StatusCause: `reason` is e.g. FieldValueRequired.
struct Cause {
    std::string reason;
    std::string message;
    std::string field;
    bool operator==(const Cause&) const = default;
};

/// What an API Status says beside its message; empty strings are left out of the wire.
struct Details {
    std::string name;
    std::string group;
    std::string kind;
    std::string uid;
    std::vector<Cause> causes;
    int retry_after_s = 0;
    bool operator==(const Details&) const = default;
};

struct Error {
    Code code = Code::internal;
    std::string message;
    /// Null when the error says no more than its message.
    std::shared_ptr<const Details> details;

    Error(Code code_, std::string message_) : code(code_), message(std::move(message_)) {}
    Error(Code code_, std::string message_, Details details_)
        : code(code_), message(std::move(message_)), details(std::make_shared<const Details>(std::move(details_))) {}

    /// The same error with where it happened said first: "where: message".
    Error in(std::string_view where) && {
        message.insert(0, std::string(where) + ": ");
        return std::move(*this);
    }
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message) {
    return std::unexpected(Error(code, std::move(message)));
}
inline std::unexpected<Error> fail(Code code, std::string message, Details details) {
    return std::unexpected(Error(code, std::move(message), std::move(details)));
}

/// Ends the process with `what` and the place when a broken invariant shows: always on.
void check(bool holds, std::string_view what);

}  // namespace base

/// The value of a Result, or an early return of its Error. Not around co_await: see STYLE.
#define TRY(...)                                                                      \
    ({                                                                                \
        auto result_of_try = (__VA_ARGS__);                                           \
        if (!result_of_try) return std::unexpected(std::move(result_of_try).error()); \
        std::move(result_of_try).value();                                             \
    })
