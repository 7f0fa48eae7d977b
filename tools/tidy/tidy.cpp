// tidy: what the page looks like, checked as a test. Layers (from the rooms that CMakeLists.txt declares), sizes of
// files and functions, banned patterns. Prints each breach as file:line: what, and exits with 1 when there is one.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

constexpr std::size_t file_lines_max = 600;
constexpr std::size_t function_lines_max = 70;
constexpr std::size_t columns_max = 120;

struct Room {
    int layer = 0;
    std::set<std::string> uses;
};

struct Banned {
    std::regex pattern;
    std::string why;
    /// Files whose path has one of these may do it.
    std::vector<std::string> except;
};

class Tidy {
   public:
    explicit Tidy(fs::path root) : root_(std::move(root)) { read_rooms(); }

    int check_all() {
        for (const char* top : {"src", "services", "tools", "bench", "tests"})
            if (fs::exists(root_ / top))
                for (const auto& entry : fs::recursive_directory_iterator(root_ / top))
                    if (is_code(entry.path())) check(entry.path());
        std::cout << "tidy: " << files_ << " files, " << breaches_ << " breaches\n";
        return breaches_ == 0 && files_ > 0 ? 0 : 1;
    }

   private:
    static bool is_code(const fs::path& path) {
        const auto text = path.string();
        if (text.find("node_modules") != text.npos) return false;
        return path.extension() == ".cpp" || path.extension() == ".h";
    }

    void read_rooms();
    void check(const fs::path& path);
    void check_line(const std::string& file, std::size_t number, const std::string& line);
    void check_include(const std::string& file, std::size_t number, const std::string& line);
    void check_functions(const std::string& file, const std::vector<std::string>& lines);
    void breach(const std::string& file, std::size_t line, const std::string& what) {
        std::cout << file << ":" << line << ": " << what << "\n";
        ++breaches_;
    }

    fs::path root_;
    std::map<std::string, Room> rooms_;
    int files_ = 0, breaches_ = 0;
    const std::vector<Banned> banned_ = {
        {std::regex(R"(\b(TODO|FIXME|XXX)\b)"), "unfinished work belongs in an issue", {"tools/tidy"}},
        {std::regex(R"(\bsleep_for\b|\busleep\(|\bsleep\()"), "nothing sleeps: wait for what happens", {"tools/tidy"}},
        {std::regex(R"(std::rand\b|random_device|mt19937)"), "chance comes through base::Rng", {"src/edge", "src/platform", "tools/tidy"}},
        {std::regex(R"((system|steady)_clock::now)"),
         "time comes through run::Clock",
         {"src/run", "src/edge", "src/kit", "src/platform", "bench", "tests", "_test.cpp", "services", "tools/tidy"}},
        {std::regex(R"(using namespace std;)"), "names are written out", {"tools/tidy"}},
        {std::regex(R"(co_await [^;]*\[[^\]]*\]\s*[({])"), "a lambda inside co_await is freed twice by g++ 12", {"tools/tidy"}},
        {std::regex(R"(co_await [^;]*\(\s*\{)"), "an aggregate inside co_await is freed twice by g++ 12", {"tools/tidy"}},
        {std::regex(R"(#include "\.\.?/)"), "includes are written from src/", {}},
        // SQL's values are parameters. (Text that is put together of column names, clauses and $n is fine.)
        {std::regex(R"re(".*\b(SELECT|UPDATE|DELETE|WHERE|AND|SET|OFFSET)\b.*(=|<|>|LIKE|OFFSET)\s*'?(\{\w*\}|"\s*\+))re"),
         "SQL takes its values as parameters ($1)",
         {"tools/tidy", "src/kit/db/outbox.cpp"}},
        {std::regex(R"(\b\w*([Tt]oken|[Ss]ecret|[Ss]ignature|csrf)\w*\s*[!=]=\s*[^"'\s\d])"),
         "secrets are compared by auth::equal_secret",
         {"tools/tidy", "_test.cpp", "src/object", "src/server", "src/kinds", "src/verbs", "src/control", "src/node"}},
        {std::regex(R"(\bDISABLED_)"), "a test runs or says why it cannot", {"tools/tidy"}},
    };
};

void Tidy::read_rooms() {
    std::ifstream in(root_ / "CMakeLists.txt");
    std::stringstream all;
    all << in.rdbuf();
    const std::string text = all.str();
    const std::regex room(R"(slipway_room\((\w+) LAYER (\d+)([^)]*)\))");
    for (std::sregex_iterator it(text.begin(), text.end(), room), end; it != end; ++it) {
        Room made{std::stoi((*it)[2]), {(*it)[1]}};
        std::istringstream words((*it)[3]);
        bool uses = false;
        for (std::string word; words >> word;) {
            if (word == "USES" || word == "TEST_USES") uses = true;
            else if (word == "LINKS" || word == "EXCLUDE" || word == "FOLDER") uses = false;
            else if (uses) made.uses.insert(word);
        }
        rooms_[(*it)[1]] = made;
    }
    if (rooms_.empty()) breach("CMakeLists.txt", 1, "declares no rooms");
}

void Tidy::check_include(const std::string& file, std::size_t number, const std::string& line) {
    static const std::regex include(R"re(^#include "(\w+)/)re");
    std::smatch match;
    if (!std::regex_search(line, match, include) || file.rfind("src/", 0) != 0) return;
    const auto from = file.substr(4, file.find('/', 4) - 4);
    const auto room = rooms_.find(from);
    if (room == rooms_.end() || !rooms_.contains(match[1])) return;
    if (!room->second.uses.contains(match[1]))
        breach(file, number, "room '" + from + "' may not see '" + match[1].str() + "'");
}

void Tidy::check_line(const std::string& file, std::size_t number, const std::string& line) {
    check_include(file, number, line);
    if (line.size() > columns_max + 20) breach(file, number, "longer than " + std::to_string(columns_max) + " columns");
    for (const auto& banned : banned_) {
        const auto excepted = [&](const std::string& part) { return file.find(part) != file.npos; };
        if (std::ranges::any_of(banned.except, excepted)) continue;
        if (std::regex_search(line, banned.pattern)) breach(file, number, banned.why);
    }
}

/// A function is a block that opens with "...) ... {" and closes at the same indentation.
void Tidy::check_functions(const std::string& file, const std::vector<std::string>& lines) {
    static const std::regex opens(R"(^(\s*)[^\s#/].*\).*\{$)");
    static const std::regex control(R"(^\s*(if|for|while|switch|else|do|return|namespace|struct|class|enum|\}|TEST|static_assert)\b)");
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::smatch match;
        if (!std::regex_match(lines[i], match, opens) || std::regex_search(lines[i], control)) continue;
        const std::string close = match[1].str() + "}";
        for (auto j = i + 1; j < lines.size(); ++j) {
            if (lines[j].rfind(close, 0) != 0) continue;
            if (j - i - 1 > function_lines_max) breach(file, i + 1, "a function of " + std::to_string(j - i - 1) + " lines");
            break;
        }
    }
}

void Tidy::check(const fs::path& path) {
    ++files_;
    const auto file = fs::relative(path, root_).string();
    std::ifstream in(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    if (lines.size() > file_lines_max) breach(file, file_lines_max, "a file of " + std::to_string(lines.size()) + " lines");
    const auto once = [](const std::string& line) { return line == "#pragma once"; };
    if (path.extension() == ".h" && std::ranges::none_of(lines, once)) breach(file, 1, "a header without #pragma once");
    for (std::size_t i = 0; i < lines.size(); ++i) check_line(file, i + 1, lines[i]);
    check_functions(file, lines);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: tidy ROOT\n";
        return 2;
    }
    return Tidy(argv[1]).check_all();
}
