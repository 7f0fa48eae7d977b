// Playing scenarios over seeds on two threads, each world on one of them.
#include "sim/scenario.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <span>
#include <thread>

namespace sim {

namespace {

constexpr unsigned threads_max = 2;
constexpr int failures_shown_max = 3;

/// What a thread plays just now, so that even an abort says how to play it again.
thread_local char replay_line[512];

std::string replay(const Scenario& scenario, std::uint64_t seed) {
    return fmt::format("build/release/tests/scenarios/scenarios --scenario='{}' --seed={}", scenario.name, seed);
}

extern "C" void say_replay(int number) {
    [[maybe_unused]] const auto written =
        write(STDERR_FILENO, replay_line, std::char_traits<char>::length(replay_line));
    std::signal(number, SIG_DFL);
    std::raise(number);
}

constexpr auto usage =
    "usage: scenarios [--scenario=TEXT] [--seed=N] [--seeds=N] [--list] [--trace]\n"
    "  --scenario  those whose name has TEXT in it alone\n"
    "  --seed      this seed alone\n"
    "  --seeds     seeds 1 to N, in place of each scenario's own number\n"
    "  --list      the scenarios with their numbers of seeds\n"
    "  --trace     the story of each seed, also where it went well\n";

struct Wish {
    std::string scenario;
    std::uint64_t seed = 0, seeds = 0;
    bool list = false, trace = false;
};

base::Result<std::uint64_t> positive(std::string_view name, std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value > 0) return value;
    return base::fail(base::Code::invalid, fmt::format("{} takes a number above 0, not '{}'", name, text));
}

base::Result<Wish> read(std::span<char* const> arguments) {
    Wish wish;
    for (const std::string_view argument : arguments) {
        const auto equals = argument.find('=');
        const auto name = argument.substr(0, equals);
        const auto value = equals == argument.npos ? std::string_view() : argument.substr(equals + 1);
        if (name == "--scenario") {
            wish.scenario = value;
        } else if (name == "--seed") {
            wish.seed = TRY(positive(name, value));
        } else if (name == "--seeds") {
            wish.seeds = TRY(positive(name, value));
        } else if (argument == "--list") {
            wish.list = true;
        } else if (argument == "--trace") {
            wish.trace = true;
        } else {
            return base::fail(base::Code::invalid, fmt::format("there is no argument '{}'", argument));
        }
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
    const std::span<char* const> arguments(argv + 1, static_cast<std::size_t>(std::max(argc, 1) - 1));
    if (std::ranges::find(arguments, std::string_view("--help")) != arguments.end()) {
        fmt::print("{}", usage);
        return 0;
    }
    const auto wished = read(arguments);
    if (!wished) {
        fmt::print(stderr, "scenarios: {}\n{}", wished.error().message, usage);
        return 2;
    }
    const auto& wish = *wished;
    std::signal(SIGABRT, say_replay);
    std::signal(SIGSEGV, say_replay);
    int failures = 0, met = 0;
    for (const auto& scenario : scenarios()) {
        if (!wish.scenario.empty() && scenario.name.find(wish.scenario) == std::string::npos) continue;
        ++met;
        if (wish.list) {
            fmt::print("{} ({} seeds)\n", scenario.name, scenario.seeds);
            continue;
        }
        const auto failed = play_seeds(scenario, wish);
        failures += failed;
        fmt::print("{} {}\n", failed ? "FAIL" : "ok  ", scenario.name);
        std::fflush(stdout);
    }
    if (met == 0) fmt::print(stderr, "scenarios: no name has '{}' in it\n", wish.scenario);
    return failures || met == 0 ? 1 : 0;
}

}  // namespace sim
