// slipway: the command line. Each command is a function; the platform itself is put together in assemble.cpp.
#include <fmt/format.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "platform/commands.h"

int main(int argc, char** argv) {
    // Edge threads allocate little: one arena more is enough, and freed memory goes back to the machine.
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
    const std::vector<std::string> words(argv + 1, argv + argc);
    const auto result = platform::run_command(argv[0], words);
    if (result) return *result;
    fmt::print(stderr, "slipway: {}\n", result.error().message);
    return 1;
}
