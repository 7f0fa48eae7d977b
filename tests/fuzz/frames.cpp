// WebSocket frames: in whatever pieces they come, the same is heard.
#include "kit/web/frames.h"

#include <vector>

#include "base/result.h"
#include "fuzz.h"

namespace {

constexpr std::size_t message_max = 2000;

std::string heard(std::string_view input, std::size_t piece) {
    kit::FrameReader reader(message_max);
    std::string all;
    while (!input.empty()) {
        reader.put(input.substr(0, piece));
        input.remove_prefix(std::min(piece, input.size()));
        while (const auto said = reader.next()) {
            base::check(said->data.size() <= message_max, "a message keeps its limit");
            all += std::to_string(static_cast<int>(said->what)) + ":" + std::to_string(said->code) + ":" + said->data +
                   ";";
        }
    }
    return all;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto input = fuzz::text(data, size);
    const std::size_t piece = 1 + fuzz::first(input) % 16;
    base::check(heard(input, piece) == heard(input, input.size() + 1), "pieces make no difference");
    return 0;
}
