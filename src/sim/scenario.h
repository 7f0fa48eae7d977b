// Named scenarios, run over many seeds. A failure prints the one line that replays it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/world.h"

namespace sim {

struct Scenario {
    std::string name;
    int seeds = 1;
    std::function<void(World&)> play;
};

/// The scenarios of this program, in order of their files.
std::vector<Scenario>& scenarios();

struct Enlisted {
    Enlisted(std::string name, int seeds, std::function<void(World&)> play) {
        scenarios().push_back({std::move(name), seeds, std::move(play)});
    }
};

/// What one seed came to; equal for equal seeds.
struct Played {
    std::string failure;  ///< "" when all went well
    std::string story;
    std::uint64_t trace = 0, last_number = 0, steps = 0;
    bool operator==(const Played&) const = default;
};
Played play(const Scenario& scenario, std::uint64_t seed, WorldOptions options = {});

/// The program's main; --help says what it takes. Exit code: 1 when a scenario failed, 2 for bad arguments.
int run_scenarios(int argc, char** argv);

}  // namespace sim

#define SIM_TEST_JOIN2(a, b) a##b
#define SIM_TEST_JOIN(a, b) SIM_TEST_JOIN2(a, b)
#define SIM_TEST(name, seeds) SIM_TEST_AS(SIM_TEST_JOIN(play_, __LINE__), name, seeds)
#define SIM_TEST_AS(function, name, seeds)                                                \
    static void function(sim::World& world);                                              \
    static const sim::Enlisted SIM_TEST_JOIN(function, _enlisted){name, seeds, function}; \
    static void function(sim::World& world)
