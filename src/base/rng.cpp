#include "base/rng.h"

#include <fmt/format.h>

namespace base {

std::string uuid(Rng& rng) {
    const auto high = (rng.next() & ~0xf000ULL) | 0x4000ULL;
    const auto low = (rng.next() & ~(3ULL << 62)) | (2ULL << 62);
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xffff,
                       low >> 48, low & 0xffffffffffffULL);
}

std::string name_suffix(Rng& rng, int length) {
    static constexpr char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    std::string out(static_cast<std::size_t>(length), ' ');
    for (auto& c : out) c = letters[rng.below(sizeof(letters) - 1)];
    return out;
}

}  // namespace base
