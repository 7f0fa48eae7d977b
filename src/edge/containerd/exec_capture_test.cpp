// A real FIFO and the orders in which a shim may open and close it.
#include "edge/containerd/exec_capture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>

namespace {

using namespace std::chrono_literals;

struct CaptureTest : testing::Test {
    std::string base, fifo;
    edge::Reactor reactor;
    edge::ExecCapture capture{reactor};

    void SetUp() override {
        char pattern[] = "/tmp/slipway-capture-XXXXXX";
        base = ::mkdtemp(pattern);
        fifo = base + "/out";
        ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
        ASSERT_TRUE(capture.open("exec", fifo));
    }
    void TearDown() override {
        reactor.stop();
        std::filesystem::remove_all(base);
    }
    edge::Fd writer() { return edge::Fd(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC)); }
    static void print(const edge::Fd& to, std::string_view text) {
        ASSERT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    /// All work posted before has run, and what was readable has been read.
    void settle() {
        for (int i = 0; i < 3; ++i) {
            std::promise<void> passed;
            reactor.post([&] { passed.set_value(); });
            passed.get_future().wait();
        }
    }
    std::string finish() {
        std::promise<std::string> text;
        capture.finish("exec", [&](std::string got) { text.set_value(std::move(got)); });
        return text.get_future().get();
    }
};

TEST_F(CaptureTest, AStreamThatEndsBeforeTheOtherIsOpenedEndsNothing) {
    writer();  // stdout of a program that printed nothing there
    settle();
    print(writer(), "only on stderr\n");
    EXPECT_EQ(finish(), "only on stderr\n");
}

TEST_F(CaptureTest, WhatIsPrintedInTheLastMomentIsKept) {
    const auto out = writer();
    print(out, "before");
    settle();
    std::promise<std::string> text;
    capture.finish("exec", [&](std::string got) { text.set_value(std::move(got)); });
    print(out, " and after its exit was told");
    EXPECT_EQ(text.get_future().get(), "before and after its exit was told");
}

TEST_F(CaptureTest, AChildThatKeepsTheOutputOpenHoldsNobodyUp) {
    const auto child = writer();
    print(child, "served");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(finish(), "served");
    EXPECT_LT(std::chrono::steady_clock::now() - start, edge::ExecCapture::linger + 5s);
}

TEST_F(CaptureTest, MoreThanIsKeptIsReadAllTheSame) {
    {
        const auto out = writer();
        for (int i = 0; i < 100; ++i) print(out, std::string(4096, 'x'));  // a FIFO holds 64 KiB
    }
    EXPECT_EQ(finish().size(), edge::ExecCapture::bytes_max);
}

TEST_F(CaptureTest, NothingOpenedIsNothingPrinted) {
    EXPECT_EQ(finish(), "");
    EXPECT_EQ(finish(), "");
}

}  // namespace
