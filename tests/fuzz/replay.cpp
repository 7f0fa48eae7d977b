// Runs a target over its corpus and some thousand mutations of it, the same ones each time: what a build without
// libFuzzer can do. `fuzz_NAME CORPUS [RUNS] [SEED]`.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/rng.h"
#include "fuzz.h"

namespace {

constexpr std::size_t input_bytes_max = 64 * 1024;

std::vector<std::string> corpus_in(const char* folder) {
    std::vector<std::string> inputs;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
    std::ranges::sort(paths);
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return inputs;
}

void mutate(std::string& input, const std::vector<std::string>& corpus, base::Rng& rng) {
    const auto at = input.empty() ? 0 : rng.below(input.size());
    switch (rng.below(6)) {
        case 0:
            if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << rng.below(8)));
            break;
        case 1:
            input.insert(at, 1, static_cast<char>(rng.below(256)));
            break;
        case 2:
            input.erase(at, 1 + rng.below(8));
            break;
        case 3:
            input.insert(at, input.substr(at, 1 + rng.below(64)));
            break;
        case 4: {
            const auto& other = corpus[rng.below(corpus.size())];
            input = input.substr(0, at) + other.substr(other.empty() ? 0 : rng.below(other.size()));
            break;
        }
        default: {
            static constexpr std::string_view telling[] = {"\r\n",     "\r\n\r\n", "\n",  "%00", "%",        "\xff",
                                                           "\xed\xa0", "\"",       "\\u", "0",   "ffffffff", ":"};
            input.insert(at, telling[rng.below(std::size(telling))]);
        }
    }
    input.resize(std::min(input.size(), input_bytes_max));
}

void run(const std::string& input) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "usage: %s CORPUS [RUNS] [SEED]\n", argv[0]), 2;
    const auto corpus = corpus_in(argv[1]);
    const long runs = argc > 2 ? std::atol(argv[2]) : 20'000;
    base::Rng rng(argc > 3 ? static_cast<std::uint64_t>(std::atoll(argv[3])) : 1);
    for (const auto& input : corpus) run(input);
    for (long i = 0; i < runs && !corpus.empty(); ++i) {
        auto input = corpus[rng.below(corpus.size())];
        for (auto changes = 1 + rng.below(6); changes > 0; --changes) mutate(input, corpus, rng);
        run(input);
    }
    std::printf("%zu inputs and %ld mutations of them\n", corpus.size(), runs);
    return corpus.empty() ? 1 : 0;
}
