// How the databases mark errors of which more is known than their code says.
#pragma once

#include "base/result.h"

namespace kit::db {

inline constexpr const char* unknown_kind = "outcome-unknown";
inline constexpr const char* again_kind = "worth-again";

inline base::Error marked(base::Code code, std::string message, const char* kind) {
    base::Details details;
    details.kind = kind;
    return {code, std::move(message), std::move(details)};
}

}  // namespace kit::db
