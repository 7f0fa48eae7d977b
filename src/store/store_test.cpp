#include "store/store.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "run/asio_loop.h"
#include "run/virtual_loop.h"
#include "store/sqlite_journal.h"

namespace {

using namespace store;
namespace json = object::json;

const Resource maps{"", "configmaps"};
Key key(const std::string& name) { return {maps, "default", name}; }
json::object body(std::string_view name, int n) {
    return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}, {"data", {{"n", n}}}};
}
void settle(run::VirtualLoop& loop) {
    while (loop.step()) {
    }
}

TEST(Store, TakesOneRevisionAWriteAndRefusesStaleOnes) {
    run::VirtualLoop loop(1);
    Store store(loop, {}, nullptr);
    const auto a = store.create(key("a"), body("a", 1)).value();
    EXPECT_EQ(store.create(key("a"), body("a", 1)).error().code, base::Code::already_exists);
    const auto b = store.update(key("a"), body("a", 2), a->revision()).value();
    EXPECT_GT(b->revision(), a->revision());
    EXPECT_EQ(store.update(key("a"), body("a", 3), a->revision()).error().code, base::Code::conflict);
    EXPECT_EQ(store.remove(key("a"), a->revision()).error().code, base::Code::conflict);
    const auto gone = store.remove(key("a"), 0).value();
    EXPECT_EQ(gone->revision(), store.revision());
    EXPECT_EQ(store.get(key("a")), nullptr);
}

TEST(Store, WatchesLoseNothingBetweenListAndWatch) {
    run::VirtualLoop loop(1);
    Store store(loop, {}, nullptr);
    store.create(key("a"), body("a", 1)).value();
    const auto from = store.revision();
    store.create(key("b"), body("b", 1)).value();
    std::string seen;
    const auto watch = store.watch(maps, from, [&](const EventPtr& event) { seen += event->key.name; }).value();
    store.create(key("c"), body("c", 1)).value();
    store.create({{"", "secrets"}, "default", "x"}, body("x", 1)).value();
    settle(loop);
    store.create(key("d"), body("d", 1)).value();
    settle(loop);
    EXPECT_EQ(seen, "bcd");
}

TEST(Store, ListsThePastAndForgetsItInBounds) {
    run::VirtualLoop loop(1);
    Store store(loop, {}, nullptr, {.history_max = 3});
    store.create(key("a"), body("a", 1)).value();
    store.create(key("b"), body("b", 1)).value();
    const auto then = store.revision();
    store.remove(key("a"), 0).value();
    store.update(key("b"), body("b", 2), 0).value();
    const auto past = store.list_at(maps, "default", then).value();
    ASSERT_EQ(past.size(), 2u);
    EXPECT_EQ((*past[1])["data"]["n"].num(), 1);
    store.create(key("c"), body("c", 1)).value();
    settle(loop);
    store.create(key("d"), body("d", 1)).value();
    EXPECT_EQ(store.list_at(maps, "default", then).error().code, base::Code::expired);
    EXPECT_EQ(store.watch(maps, then, [](const EventPtr&) {}).error().code, base::Code::expired);
}

/// A journal that gets nothing to the disk until it is told to.
class StuckJournal final : public Journal {
 public:
    void append(EventPtr event) override { last_ = event->revision; }
    void on_durable(std::function<void(Revision)> durable) override { durable_ = std::move(durable); }
    void release() { durable_(last_); }

 private:
    Revision last_ = 0;
    std::function<void(Revision)> durable_;
};

TEST(Store, WatchersMissNothingHoweverLongTheDiskIsFull) {
    run::VirtualLoop loop(1);
    StuckJournal journal;
    Store store(loop, {}, &journal, {.history_max = 3});
    std::string seen;
    const auto watch =
        store.watch(maps, store.revision(), [&](const EventPtr& event) { seen += event->key.name; }).value();
    for (const auto* name : {"a", "b", "c", "d", "e", "f"}) store.create(key(name), body(name, 1)).value();
    settle(loop);
    EXPECT_EQ(seen, "");
    journal.release();
    EXPECT_EQ(seen, "abcdef");
}

TEST(SqliteJournal, HoldsWhatWasDurableAcrossRestarts) {
    const auto folder = std::filesystem::temp_directory_path() / ("slipway-store-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    const auto file = folder / "store.db";
    const auto complain = [](std::string_view message) { ADD_FAILURE() << message; };
    Revision last = 0;
    {
        boost::asio::io_context io;
        run::AsioLoop loop(io);
        auto opened = open_sqlite_journal(file, loop, complain).value();
        Store store(loop, std::move(opened.loaded), opened.journal.get());
        for (int i = 0; i < 100; ++i)
            last = store.create(key("m" + std::to_string(i)), body("m", i)).value()->revision();
        last = store.remove(key("m7"), 0).value()->revision();
        int acknowledged = 0;
        bool shown = false;
        const auto watch =
            store.watch(maps, last - 1, [&](const EventPtr&) { shown = store.durable() >= last; }).value();
        store.when_durable(last, [&] { ++acknowledged; });
        EXPECT_EQ(acknowledged, 0);
        auto guard = loop.after(std::chrono::seconds(10), [&] { io.stop(); });
        while (!acknowledged || !shown)
            if (!io.run_one()) break;
        EXPECT_EQ(acknowledged, 1);
        EXPECT_TRUE(shown);
    }
    boost::asio::io_context io;
    run::AsioLoop loop(io);
    auto opened = open_sqlite_journal(file, loop, complain).value();
    Store store(loop, std::move(opened.loaded), opened.journal.get());
    EXPECT_EQ(store.revision(), last);
    EXPECT_EQ(store.list(maps).size(), 99u);
    EXPECT_EQ((*store.get(key("m42")))["data"]["n"].num(), 42);
    std::filesystem::remove_all(folder);
}

TEST(SqliteJournal, NamesTheFileThatItCannotOpen) {
    boost::asio::io_context io;
    run::AsioLoop loop(io);
    const auto opened = open_sqlite_journal("/nonexistent/store.db", loop, [](std::string_view) {});
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find("/nonexistent/store.db"), std::string::npos);
}

}  // namespace
