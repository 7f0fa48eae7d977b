// Places where a test makes the process die, as a power cut would: between two steps that must hold together. Nothing
// happens unless one is named.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kit {

class FaultSites {
 public:
    FaultSites() = default;
    /// "SITE:N": SIGKILL at the Nth passage of the site; "" for none.
    explicit FaultSites(std::string_view crash_at);
    void pass(std::string_view site);

 private:
    std::string site_;
    std::int64_t left_ = 0;
};

}  // namespace kit
