// Names of the cluster as resolvers ask for them.
#include "network/dns.h"

#include <gtest/gtest.h>

#include "network/dns_message.h"

namespace network {
namespace {

constexpr std::string_view cidr = "10.96.0.0/16";

Endpoint pod(std::string ip, std::string hostname = "") {
    return {.ip = std::move(ip),
            .hostname = std::move(hostname),
            .pod_uid = "",
            .ready = true,
            .serving = true,
            .ports = {{.name = "http", .protocol = "tcp", .port = 8080}}};
}

Zone zone() {
    Zone out;
    out.put({"default", "web"}, ZoneService{.cluster_ip = "10.96.0.50",
                                            .external_name = "",
                                            .ports = {{.name = "http", .protocol = "tcp", .port = 80}},
                                            .endpoints = {}});
    out.put({"data", "db"}, ZoneService{.endpoints = {pod("10.244.0.7", "db-0"), pod("10.244.0.8")}});
    out.put({"default", "outside"}, ZoneService{.external_name = "db.example.org"});
    out.put({"default", "alias"}, ZoneService{.external_name = "web.default.svc.cluster.local"});
    return out;
}

/// "answer-code: records", each as "type data" with addresses and names spelled out.
std::string asked(std::string_view name, DnsType type, Transport transport = Transport::udp) {
    const auto reply = answer_dns(zone(), write_query(7, name, type), transport, cidr);
    if (reply.what == DnsReply::What::forward) return "forward";
    std::string out = reply.what == DnsReply::What::follow ? "follow" : "code " + std::to_string(reply.bytes[3] & 15);
    const auto answers = static_cast<int>(static_cast<unsigned char>(reply.bytes[7]));
    std::size_t at = 12;
    (void)read_name(reply.bytes, at);
    at += 4;
    for (int i = 0; i < answers; ++i) {
        (void)read_name(reply.bytes, at);
        const auto found = static_cast<DnsType>(reply.bytes[at + 1]);
        const auto size = static_cast<std::size_t>(static_cast<unsigned char>(reply.bytes[at + 9]));
        at += 10;
        auto inside = at;
        if (found == DnsType::a) {
            std::string ip;
            for (int k = 0; k < 4; ++k)
                ip += (k ? "." : "") +
                      std::to_string(static_cast<unsigned char>(reply.bytes[at + static_cast<std::size_t>(k)]));
            out += " A " + ip;
        } else if (found == DnsType::srv) {
            inside += 6;
            const auto port =
                static_cast<unsigned char>(reply.bytes[at + 4]) << 8 | static_cast<unsigned char>(reply.bytes[at + 5]);
            out += " SRV " + std::to_string(port) + " " + *read_name(reply.bytes, inside);
        } else if (found == DnsType::txt) {
            out += " TXT " + reply.bytes.substr(at + 1, size - 1);
        } else if (found == DnsType::soa || found == DnsType::ns) {
            out += (found == DnsType::soa ? " SOA " : " NS ") + *read_name(reply.bytes, inside);
        } else {
            out += (found == DnsType::cname ? " CNAME " : " PTR ") + *read_name(reply.bytes, inside);
        }
        at += size;
    }
    return out;
}

TEST(Dns, ServicesHaveTheirAddress) {
    EXPECT_EQ(asked("web.default.svc.cluster.local", DnsType::a), "code 0 A 10.96.0.50");
    EXPECT_EQ(asked("WEB.Default.SVC.cluster.local.", DnsType::a), "code 0 A 10.96.0.50");
    EXPECT_EQ(asked("web.default.svc.cluster.local", DnsType::aaaa), "code 0");
}

TEST(Dns, TheDomainSpeaksOfItself) {
    EXPECT_EQ(asked("cluster.local", DnsType::soa), "code 0 SOA ns.dns.cluster.local");
    EXPECT_EQ(asked("cluster.local", DnsType::ns), "code 0 NS ns.dns.cluster.local");
    EXPECT_EQ(asked("cluster.local", DnsType::a), "code 0");
    EXPECT_EQ(asked("dns-version.cluster.local", DnsType::txt), "code 0 TXT 1.1.0");
}

TEST(Dns, WhatIsNotThereIsSaidToBeNowhere) {
    EXPECT_EQ(asked("nope.default.svc.cluster.local", DnsType::a), "code 3");
    EXPECT_EQ(asked("web.default.svc.cluster.local.svc.cluster.local", DnsType::a), "code 3");
    EXPECT_EQ(asked("a.b.web.default.svc.cluster.local", DnsType::a), "code 3");
    EXPECT_EQ(asked("web.default.cluster.local", DnsType::a), "code 3");
    EXPECT_EQ(asked("default.svc.cluster.local", DnsType::a), "code 0");
    EXPECT_EQ(asked("nowhere.svc.cluster.local", DnsType::a), "code 3");
}

TEST(Dns, HeadlessServicesHaveTheirPods) {
    EXPECT_EQ(asked("db.data.svc.cluster.local", DnsType::a), "code 0 A 10.244.0.7 A 10.244.0.8");
    EXPECT_EQ(asked("db-0.db.data.svc.cluster.local", DnsType::a), "code 0 A 10.244.0.7");
    EXPECT_EQ(asked("10-244-0-8.db.data.svc.cluster.local", DnsType::a), "code 0 A 10.244.0.8");
    EXPECT_EQ(asked("db-9.db.data.svc.cluster.local", DnsType::a), "code 3");
    EXPECT_EQ(asked("10-244-0-8.data.pod.cluster.local", DnsType::a), "code 0 A 10.244.0.8");
}

TEST(Dns, NamedPorts) {
    EXPECT_EQ(asked("_http._tcp.web.default.svc.cluster.local", DnsType::srv),
              "code 0 SRV 80 web.default.svc.cluster.local");
    EXPECT_EQ(asked("_http._tcp.db.data.svc.cluster.local", DnsType::srv),
              "code 0 SRV 8080 db-0.db.data.svc.cluster.local SRV 8080 10-244-0-8.db.data.svc.cluster.local");
    EXPECT_EQ(asked("_ftp._tcp.web.default.svc.cluster.local", DnsType::srv), "code 3");
}

TEST(Dns, ReverseNames) {
    EXPECT_EQ(asked("50.0.96.10.in-addr.arpa", DnsType::ptr), "code 0 PTR web.default.svc.cluster.local");
    EXPECT_EQ(asked("7.0.244.10.in-addr.arpa", DnsType::ptr), "code 0 PTR db-0.db.data.svc.cluster.local");
    EXPECT_EQ(asked("51.0.96.10.in-addr.arpa", DnsType::ptr), "code 3");
    EXPECT_EQ(asked("8.8.8.8.in-addr.arpa", DnsType::ptr), "forward");
}

TEST(Dns, AliasesLeadInsideAndOut) {
    EXPECT_EQ(asked("alias.default.svc.cluster.local", DnsType::a),
              "code 0 CNAME web.default.svc.cluster.local A 10.96.0.50");
    EXPECT_EQ(asked("outside.default.svc.cluster.local", DnsType::a), "follow CNAME db.example.org");
    EXPECT_EQ(asked("example.org", DnsType::a), "forward");
    const auto alias =
        answer_dns(zone(), write_query(7, "outside.default.svc.cluster.local", DnsType::a), Transport::udp, cidr);
    const auto question = read_question(alias.query);
    ASSERT_TRUE(question);
    EXPECT_EQ(question->name, "db.example.org");
    DnsParts parts{.answers = {{.name = "db.example.org", .type = DnsType::a, .ttl = 60, .data = "\x01\x02\x03\x04"}}};
    const auto whole = read_answers(with_followed(alias.bytes, write_answer(*question, parts)));
    ASSERT_EQ(whole.size(), 2u);
    EXPECT_EQ(whole[1].data, "\x01\x02\x03\x04");
}

TEST(Dns, LongAnswersGoByTcp) {
    Zone big;
    ZoneService service;
    for (int i = 1; i < 100; ++i) service.endpoints.push_back(pod("10.244.0." + std::to_string(i)));
    big.put({"data", "many"}, service);
    const auto query = write_query(7, "many.data.svc.cluster.local", DnsType::a);
    const auto udp = answer_dns(big, query, Transport::udp, cidr);
    EXPECT_LE(udp.bytes.size(), 512u);
    EXPECT_TRUE(udp.bytes[2] & 2);
    EXPECT_EQ(read_answers(answer_dns(big, query, Transport::tcp, cidr).bytes).size(), 99u);
}

TEST(Dns, BrokenQueriesAreIgnored) {
    const auto query = write_query(7, "web.default.svc.cluster.local", DnsType::a);
    for (std::size_t size = 0; size < query.size(); ++size)
        EXPECT_EQ(answer_dns(zone(), query.substr(0, size), Transport::udp, cidr).what, DnsReply::What::ignore) << size;
    auto looping = query.substr(0, 12) + std::string("\xc0\x0c\0\x01\0\x01", 6);
    EXPECT_EQ(answer_dns(zone(), looping, Transport::udp, cidr).what, DnsReply::What::ignore);
    auto answer = query;
    answer[2] = static_cast<char>(0x80);
    EXPECT_EQ(answer_dns(zone(), answer, Transport::udp, cidr).what, DnsReply::What::ignore);
}

}  // namespace
}  // namespace network
