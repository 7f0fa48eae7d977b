#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "run/asio_loop.h"
#include "run/virtual_loop.h"

using namespace std::chrono_literals;

namespace {

TEST(VirtualLoop, JumpsToTheNextTimer) {
    run::VirtualLoop loop(1);
    const auto start = loop.now();
    int fired = 0;
    auto late = loop.after(2h, [&] { ++fired; });
    auto dropped = loop.after(1h, [&] { fired += 100; });
    dropped.cancel();
    loop.post([&] { ++fired; });
    while (loop.step()) {
    }
    EXPECT_EQ(fired, 2);
    EXPECT_EQ(loop.now() - start, 2h);
}

TEST(VirtualLoop, PostedWorkKeepsItsOrderAndSeedsOrderTimers) {
    const auto history = [](std::uint64_t seed) {
        run::VirtualLoop loop(seed);
        std::string seen;
        std::vector<run::Timer> timers;
        for (char c = 'a'; c < 'i'; ++c) timers.push_back(loop.after(1s, [&seen, c] { seen += c; }));
        for (char c = 'A'; c < 'D'; ++c) loop.post([&seen, c] { seen += c; });
        while (loop.step()) {
        }
        return seen;
    };
    EXPECT_EQ(history(7).substr(0, 3), "ABC");
    EXPECT_EQ(history(7), history(7));
    EXPECT_NE(history(7), history(8));
}

TEST(AsioLoop, RunsPostedWorkAndTimersUnlessDropped) {
    boost::asio::io_context io;
    run::AsioLoop loop(io);
    std::string seen;
    auto first = loop.after(2ms, [&] { seen += 'b'; });
    auto dropped = loop.after(1ms, [&] { seen += 'x'; });
    dropped.cancel();
    loop.post([&] { seen += 'a'; });
    io.run();
    EXPECT_EQ(seen, "ab");
}

}  // namespace
