// What pods are given as addresses, and when.
#include "edge/pod/ipam.h"

#include <gtest/gtest.h>

namespace {

using edge::Ipam;

TEST(Ipam, GivesTheNextAddressNotTheLowest) {
    auto ipam = Ipam::create("10.244.0.0/29").value();
    EXPECT_EQ(ipam.gateway(), "10.244.0.1");
    EXPECT_EQ(ipam.take("a").value(), "10.244.0.2");
    EXPECT_EQ(ipam.take("b").value(), "10.244.0.3");
    EXPECT_EQ(ipam.take("a").value(), "10.244.0.2");
    ipam.release("a");
    EXPECT_EQ(ipam.take("c").value(), "10.244.0.4");  // a's address rests
}

TEST(Ipam, SaysWhenAllAreTakenAndComesRound) {
    auto ipam = Ipam::create("10.244.0.0/29").value();  // .2 to .6
    for (const char* owner : {"a", "b", "c", "d", "e"}) EXPECT_TRUE(ipam.take(owner));
    EXPECT_FALSE(ipam.take("f"));
    ipam.release("b");
    EXPECT_EQ(ipam.take("f").value(), "10.244.0.3");
}

TEST(Ipam, AdoptsWhatStands) {
    auto ipam = Ipam::create("10.244.0.0/24").value();
    EXPECT_TRUE(ipam.adopt("a", "10.244.0.9"));
    EXPECT_FALSE(ipam.adopt("b", "10.244.0.9"));
    EXPECT_FALSE(ipam.adopt("b", "10.244.0.1"));
    EXPECT_FALSE(ipam.adopt("b", "10.245.0.9"));
    EXPECT_EQ(ipam.take("a").value(), "10.244.0.9");
    EXPECT_EQ(ipam.take("b").value(), "10.244.0.10");
}

TEST(Ipam, RefusesWhatIsNoNetwork) {
    for (const char* text : {"10.244.0.0", "10.244.0.0/31", "x/24", "10.244.0.0/0"})
        EXPECT_FALSE(Ipam::create(text)) << text;
    EXPECT_EQ(edge::ipv4_text(edge::parse_cidr("10.96.3.4/12").value().network), "10.96.0.0");
}

}  // namespace
