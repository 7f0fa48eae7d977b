// The health probe against real servers of gRPC on loopback.
#include "edge/grpc_probe.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "run/asio_loop.h"

namespace {

using namespace std::chrono_literals;

struct GrpcProbeTest : testing::Test {
    boost::asio::io_context io;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy{io.get_executor()};
    run::AsioLoop loop{io};
    edge::GrpcProbe probe{loop};
    grpc::CallbackGenericService others;
    std::unique_ptr<grpc::Server> server;
    int port = 0;

    void serve() {
        grpc::ServerBuilder builder;
        builder.RegisterCallbackGenericService(&others);  // answers that nothing else is implemented
        builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
        server = builder.BuildAndStart();
    }
    /// "" when it is well.
    std::string ask(const std::string& service, base::Duration timeout = 5s) {
        std::optional<base::Result<void>> result;
        probe.check({.host = "127.0.0.1", .service = service, .port = port}, timeout,
                    [&](base::Result<void> got) { result = std::move(got); });
        while (!result) io.run_one();
        return *result ? "" : result->error().message;
    }
};

TEST_F(GrpcProbeTest, AsksEachServiceByItsName) {
    grpc::EnableDefaultHealthCheckService(true);
    serve();
    server->GetHealthCheckService()->SetServingStatus("orders", false);
    EXPECT_EQ(ask(""), "");
    EXPECT_EQ(ask("orders"), "service unhealthy (responded with \"NOT_SERVING\")");
    server->GetHealthCheckService()->SetServingStatus("orders", true);
    EXPECT_EQ(ask("orders"), "");
    EXPECT_TRUE(ask("nothing").starts_with("error: health rpc probe failed"));
    grpc::EnableDefaultHealthCheckService(false);
}

TEST_F(GrpcProbeTest, SaysWhatIsThereInstead) {
    serve();
    EXPECT_TRUE(ask("").starts_with("error: this server does not implement the grpc health protocol"));
    server->Shutdown();
    EXPECT_TRUE(
        ask("").starts_with("timeout: failed to connect service \"127.0.0.1:" + std::to_string(port) + "\" within 5s"));
}

TEST_F(GrpcProbeTest, WhatIsUnderWayEndsWithIt) {
    std::string said = "nothing";
    {
        edge::GrpcProbe short_lived(loop);
        port = 9;  // of an address that nobody answers for
        short_lived.check({.host = "192.0.2.1", .port = port}, 60s,
                          [&](base::Result<void> got) { said = got ? "" : got.error().message; });
    }
    io.poll();
    EXPECT_NE(said, "nothing");
}

}  // namespace
