#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace base {

void check(bool holds, std::string_view what) {
    if (holds) [[likely]]
        return;
    std::fprintf(stderr, "broken invariant: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

}  // namespace base
