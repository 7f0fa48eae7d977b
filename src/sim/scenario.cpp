// Playing scenarios over seeds on two threads, each world on one of them.
#include "sim/scenario.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

namespace sim {

namespace {

constexpr unsigned threads_max = 2;
constexpr int failures_shown_max = 3;

/// What a thread plays just now, so that even an abort says how to play it again.
thread_local char replay_line[512];

std::string replay(const Scenario& scenario, std::uint64_t seed) {
    return fmt::format("build/dev/tests/scenarios/scenarios --scenario='{}' --seed={}", scenario.name, seed);
}

extern "C" void say_replay(int number) {
    [[maybe_unused]] const auto written =
        write(STDERR_FILENO, replay_line, std::char_traits<char>::length(replay_line));
    std::signal(number, SIG_DFL);
    std::raise(number);
}

struct Wish {
    std::string scenario;
    std::uint64_t seed = 0, seeds = 0;
    bool list = false, trace = false;
};

Wish read(int argc, char** argv) {
    Wish wish;
    for (int i = 1; i < argc; ++i) {
        const std::string_view arg = argv[i];
        const auto value = arg.substr(std::min(arg.size(), arg.find('=') + 1));
        if (arg.starts_with("--scenario=")) wish.scenario = value;
        if (arg.starts_with("--seed=")) std::from_chars(value.data(), value.data() + value.size(), wish.seed);
        if (arg.starts_with("--seeds=")) std::from_chars(value.data(), value.data() + value.size(), wish.seeds);
        wish.list |= arg == "--list";
        wish.trace |= arg == "--trace";
    }
    return wish;
}

/// Plays the seeds on a few threads; each world is a thread's own.
int play_seeds(const Scenario& scenario, const Wish& wish) {
    const auto first = wish.seed ? wish.seed : 1;
    const auto last = wish.seed ? wish.seed : wish.seeds ? wish.seeds : static_cast<std::uint64_t>(scenario.seeds);
    std::atomic<std::uint64_t> next{first};
    std::atomic<int> failures{0};
    std::mutex printing;
    const auto work = [&] {
        for (auto seed = next++; seed <= last && failures < failures_shown_max; seed = next++) {
            const auto played = play(scenario, seed);
            if (!played.failure.empty()) ++failures;
            if (played.failure.empty() && !wish.trace) continue;
            const std::lock_guard lock(printing);
            fmt::print("{}{}\n  {}\n  replay: {}\n", played.story, scenario.name,
                       played.failure.empty() ? "went well" : played.failure, replay(scenario, seed));
            fmt::print("  trace {:016x}, {} steps\n", played.trace, played.steps);
        }
    };
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < threads_max && i <= last - first; ++i) threads.emplace_back(work);
    threads.clear();
    return failures;
}

}  // namespace

std::vector<Scenario>& scenarios() {
    static std::vector<Scenario> all;
    return all;
}

Played play(const Scenario& scenario, std::uint64_t seed, WorldOptions options) {
    const auto line = "aborted; replay: " + replay(scenario, seed) + "\n";
    replay_line[line.copy(replay_line, sizeof replay_line - 1)] = 0;
    Played played;
    std::unique_ptr<World> world;
    try {
        world = std::make_unique<World>(seed, std::move(options));
        scenario.play(*world);
    } catch (const Failure& failure) {
        played.failure = failure.what();
    }
    if (world) {
        played.story = world->story();
        played.trace = world->trace();
        played.steps = world->steps();
        played.last_number = world->rng().next();
    }
    return played;
}

int run_scenarios(int argc, char** argv) {
    const auto wish = read(argc, argv);
    std::signal(SIGABRT, say_replay);
    std::signal(SIGSEGV, say_replay);
    int failures = 0;
    for (const auto& scenario : scenarios()) {
        if (!wish.scenario.empty() && scenario.name.find(wish.scenario) == std::string::npos) continue;
        if (wish.list) {
            fmt::print("{} ({} seeds)\n", scenario.name, scenario.seeds);
            continue;
        }
        const auto failed = play_seeds(scenario, wish);
        failures += failed;
        fmt::print("{} {}\n", failed ? "FAIL" : "ok  ", scenario.name);
        std::fflush(stdout);
    }
    return failures ? 1 : 0;
}

}  // namespace sim
