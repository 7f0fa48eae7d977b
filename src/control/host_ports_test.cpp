#include "control/host_ports.h"

#include <gtest/gtest.h>

namespace {

namespace json = object::json;

object::ObjectPtr made(std::string_view text) {
    return std::make_shared<object::Object>(json::parse(text).as_object());
}

TEST(HostPorts, CollideOnTheSameAddressAndProtocol) {
    const auto with = [](const std::string& port) {
        return made(R"({"spec":{"containers":[{"ports":[)" + port + "]}]}}");
    };
    const auto collide = [&](const std::string& a, const std::string& b) {
        return control::ports_collide(object::Ref(with(a)->value()), object::Ref(with(b)->value()));
    };
    EXPECT_TRUE(collide(R"({"hostPort":80})", R"({"hostPort":80,"hostIP":"127.0.0.1"})"));
    EXPECT_FALSE(collide(R"({"hostPort":80,"hostIP":"127.0.0.2"})", R"({"hostPort":80,"hostIP":"127.0.0.1"})"));
    EXPECT_FALSE(collide(R"({"hostPort":80,"protocol":"UDP"})", R"({"hostPort":80})"));
    EXPECT_FALSE(collide(R"({"containerPort":80})", R"({"hostPort":80})"));
}

}  // namespace
