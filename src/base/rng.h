// Chance as a value: every random choice comes from an Rng that somebody seeded, so a seed replays it.
#pragma once

#include <cstdint>
#include <string>

namespace base {

/// splitmix64: small, fast, the same on every machine. Not for keys and tokens (those come from OpenSSL at the edge).
class Rng {
 public:
    explicit Rng(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    /// Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    /// True with probability p in [0, 1].
    bool chance(double p) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < p; }

 private:
    std::uint64_t state_;
};

/// A version 4 UUID in its 36 character text form.
std::string uuid(Rng& rng);
/// The suffix of generated names: `length` characters of bcdfghjklmnpqrstvwxz2456789.
std::string name_suffix(Rng& rng, int length = 5);

}  // namespace base
