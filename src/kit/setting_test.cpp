// Settings that come in parts or in files, and what a service does with its command line.
#include <gtest/gtest.h>

#include <fstream>

#include "kit/app.h"
#include "kit/testing/process.h"

namespace kit {
namespace {

struct Stores {
    Setting<DatabaseUrl> database{"database-url", "Where.", "sqlite:x.db"};
    Setting<RedisUrl> redis{"redis-url", "Where.", ""};
    Setting<Secret> token{"service-token", "What.", ""};
};

/// The three, or what is wrong.
std::string loaded(const Environment& environment, const std::vector<std::string>& flags = {}) {
    Stores stores;
    const auto read = load_settings(setting_entries(stores), flags, environment);
    if (!read) return read.error().message;
    return stores.database->text + " " + stores.redis->text + " " + stores.token->text;
}

TEST(Stores, SayInTheHelpWhatTheyCanBeMadeOf) {
    Stores stores;
    const auto help = settings_help("x", setting_entries(stores));
    EXPECT_NE(help.find("Default: sqlite:x.db.\n      Or DB_HOST, with "), std::string::npos) << help;
    EXPECT_NE(help.find("Or REDIS_HOST and REDIS_PORT"), std::string::npos) << help;
}

TEST(Stores, AreMadeOfTheirPartsWhenNothingElseIsGiven) {
    EXPECT_EQ(loaded({}), "sqlite:x.db  ");
    EXPECT_EQ(loaded({{"DB_HOST", "db"}}), "postgres://postgres@db:5432/postgres  ");
    EXPECT_EQ(loaded({{"DB_HOST", "db"},
                      {"DB_PORT", "15432"},
                      {"DB_NAME", "shop"},
                      {"DB_USER", "me"},
                      {"DB_PASSWORD", "p@ss/w:rd"}}),
              "postgres://me:p%40ss%2Fw%3Ard@db:15432/shop  ");
    EXPECT_EQ(loaded({{"DB_HOST", "db"}, {"DATABASE_URL", "sqlite:y"}}), "sqlite:y  ");
    EXPECT_EQ(loaded({{"DB_HOST", "db"}}, {"--database-url=sqlite:z"}), "sqlite:z  ");
    EXPECT_EQ(loaded({{"REDIS_HOST", "cache"}}), "sqlite:x.db redis://cache:6379 ");
    EXPECT_EQ(loaded({{"REDIS_HOST", "cache"}, {"REDIS_PORT", "tcp://10.0.0.1:6380"}, {"REDIS_PASSWORD", "a b"}}),
              "sqlite:x.db redis://:a%20b@cache:6380 ");
    EXPECT_EQ(loaded({{"REDIS_PORT", "tcp://10.0.0.1:6379"}}), "sqlite:x.db redis://10.0.0.1:6379 ");
    EXPECT_EQ(loaded({{"REDIS_PORT", "tcp://10.0.0.1:6379"}, {"REDIS_URL", ""}}), "sqlite:x.db  ") << "none is wanted";
    EXPECT_EQ(loaded({{"DB_HOST", "db"}, {"DB_PORT", "many"}}),
              "DB_PORT: 'many' is neither a port nor like tcp://10.0.0.1:6379");
    EXPECT_EQ(loaded({{"REDIS_URL", "localhost"}}),
              "REDIS_URL: a Redis address is like redis://[:password@]host:port, or empty");
}

TEST(Secrets, MayStandInFiles) {
    testing::TemporaryFolder folder;
    const auto path = folder.path() + "/token";
    std::ofstream(path) << "of the file\n";
    EXPECT_EQ(loaded({{"SERVICE_TOKEN_FILE", path}}), "sqlite:x.db  of the file");
    EXPECT_EQ(loaded({{"SERVICE_TOKEN", "of the environment"}, {"SERVICE_TOKEN_FILE", path}}),
              "sqlite:x.db  of the environment");
    EXPECT_EQ(loaded({}, {"--service-token-file", path}), "sqlite:x.db  of the file");
    EXPECT_EQ(loaded({{"DB_HOST", "db"}, {"DB_PASSWORD_FILE", path}}),
              "postgres://postgres:of%20the%20file@db:5432/postgres  ");
    EXPECT_EQ(loaded({{"SERVICE_TOKEN_FILE", "/nowhere"}}), "SERVICE_TOKEN_FILE: cannot read the file /nowhere");
}

/// The exit code of a service with one table.
int ends(const std::vector<std::string>& arguments, std::string url) {
    struct OneTable {
        Setting<DatabaseUrl> database{"database-url", "Where.", "sqlite::memory:"};
    } settings;
    AppSettings app_settings;
    auto entries = setting_entries(settings);
    for (auto& entry : setting_entries(app_settings)) entries.push_back(std::move(entry));
    std::vector<std::string> all = {"--log-level=error", "--migrate-patience=50ms", "--database-url", std::move(url)};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_app("tested", entries, app_settings, all, [&](App& app) {
        app.database(*settings.database, {{1, "t", "CREATE TABLE t (id INTEGER)", "CREATE TABLE t (id INTEGER)"}});
    });
}

TEST(Migrate, RunsTheMigrationsAndEnds) {
    testing::TemporaryFolder folder;
    const auto url = "sqlite:" + folder.path() + "/x.db";
    EXPECT_EQ(ends({"migrate"}, url), 0);
    EXPECT_EQ(ends({"migrate"}, url), 0) << "again: nothing to do";
    EXPECT_EQ(ends({"migrate"}, "postgres://nobody@127.0.0.1:" + std::to_string(testing::free_port()) + "/x"), 1);
    EXPECT_EQ(ends({"migrate"}, "nonsense:"), 1);
    EXPECT_EQ(ends({"serve"}, url), 2) << "no such command";
    EXPECT_EQ(ends({"migrate", "now"}, url), 2);
    EXPECT_EQ(ends({"--help"}, url), 0);
}

}  // namespace
}  // namespace kit
