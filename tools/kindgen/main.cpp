// kindgen FOLDER OUT: makes the program's kind tables from kinds/*.yaml.
#include <fmt/core.h>

#include <exception>
#include <fstream>

#include "surface.h"

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: kindgen FOLDER OUT\n");
        return 2;
    }
    try {
        const auto text = kindgen::write_tables(kindgen::read_surface(argv[1]));
        std::ofstream(argv[2], std::ios::binary) << text;
    } catch (const std::exception& problem) {
        fmt::print(stderr, "kindgen: {}\n", problem.what());
        return 1;
    }
    return 0;
}
