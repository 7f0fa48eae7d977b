#include <filesystem>

#include "kit/testing/process.h"

namespace kit::testing {

std::unique_ptr<PrivateMongo> PrivateMongo::make(std::string& why) {
    std::unique_ptr<PrivateMongo> made(new PrivateMongo);
    std::error_code ignored;
    made->program_ = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "mongo-server";
    if (!std::filesystem::exists(made->program_)) {
        why = "there is no " + made->program_ + ": the target mongo_server builds it where there is Go";
        return nullptr;
    }
    made->port_ = free_port();
    if (made->start()) return made;
    why = made->program_ + " does not start";
    return nullptr;
}

bool PrivateMongo::start() {
    return child_.start(
        {.words = {program_, folder_.path(), "127.0.0.1:" + std::to_string(port_)}, .ready = "mongodb://"});
}

void PrivateMongo::stop() { child_.stop(SIGKILL); }

}  // namespace kit::testing
