// WebSockets and event streams over real sockets, with frames as clients may send them and as they may not.
#include "kit/web/websocket.h"

#include "kit/testing/app_fixture.h"
#include "kit/web/frames.h"

namespace kit {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::get;

enum class Last : std::uint8_t { yes, no };

/// A client's frame, masked.
std::string masked(int opcode, std::string_view payload, Last last = Last::yes) {
    std::string bytes(1, static_cast<char>((last == Last::yes ? 0x80 : 0) | opcode));
    const auto size = payload.size();
    if (size < 126) {
        bytes += static_cast<char>(0x80 | size);
    } else if (size < 65'536) {
        bytes += static_cast<char>(0x80 | 126);
        for (int at = 1; at >= 0; --at) bytes += static_cast<char>(size >> (8 * at) & 0xff);
    } else {
        bytes += static_cast<char>(0x80 | 127);
        for (int at = 7; at >= 0; --at) bytes += static_cast<char>(size >> (8 * at) & 0xff);
    }
    const std::string mask = "\x12\x34\x56\x78";
    bytes += mask;
    for (std::size_t at = 0; at < size; ++at) bytes += static_cast<char>(payload[at] ^ mask[at % 4]);
    return bytes;
}

std::string code_text(std::uint16_t code, std::string_view reason = "") {
    std::string text{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    return text += reason;
}

const std::string upgrade =
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

class Sockets : public testing::AppFixture {
 protected:
    void SetUp() override {
        serve([this](App& app) {
            app.routes().get("/echo").calls([this, &app](Call call) {
                auto socket = accept_websocket(std::move(call), app.loop(), {.message_bytes_max = 100'000});
                if (!socket) return;
                socket->on_text([raw = socket.get()](std::string_view text) {
                    raw->send(std::make_shared<const std::string>(text));
                });
                socket->on_close([this, raw = socket.get()] { sockets_.erase(raw); });
                sockets_.emplace(socket.get(), socket);
            });
            app.routes().get("/events").calls([this, &app](Call call) {
                events_ = start_events(std::move(call), app.loop());
                events_->send("price", "two\nlines", "7");
                events_->send("", "plain\rtext");
            });
        });
    }
    void TearDown() override {
        loop_.run([&] {
            events_.reset();
            std::exchange(sockets_, {}).clear();
        });
        AppFixture::TearDown();
    }
    /// What comes after the handshake when `bytes` are sent, up to the end of the connection.
    std::string tell(const std::string& bytes) {
        Client client(port());
        client.send(get("/echo", upgrade) + bytes);
        const auto all = client.read_to_end();
        const auto end = all.find("\r\n\r\n");
        return end == std::string::npos ? all : all.substr(end + 4);
    }
    std::map<WebSocket*, std::shared_ptr<WebSocket>> sockets_;
    std::shared_ptr<EventStream> events_;
};

TEST_F(Sockets, ShakeHandsOrSayWhyNot) {
    Client client(port());
    client.send(get("/echo", upgrade));
    EXPECT_TRUE(client.read_until("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    EXPECT_EQ(ask(get("/echo")).status, 426);
    EXPECT_EQ(ask(get("/echo", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")).status,
              400);
    EXPECT_EQ(ask(get("/echo", upgrade + "Origin: https://elsewhere.example\r\n")).status, 403);
    EXPECT_EQ(ask(get("/echo", upgrade + "Origin: null\r\n")).status, 403);
    Client browser(port());
    browser.send(get("/echo", upgrade + "Origin: https://Shop.example\r\nX-Forwarded-Host: shop.example:443\r\n"));
    EXPECT_TRUE(browser.read_until("101 Switching"));
}

TEST_F(Sockets, EchoMessagesOfEveryFraming) {
    const auto bye = masked(8, code_text(1000, "done"));
    const auto closed = close_frame(1000, "");
    const auto big = std::string(70'000, 'x');
    EXPECT_EQ(tell(masked(1, "hello") + bye), frame(Opcode::text, "hello") + closed);
    EXPECT_EQ(tell(masked(1, "") + bye), frame(Opcode::text, "") + closed);
    EXPECT_EQ(tell(masked(1, big) + bye), frame(Opcode::text, big) + closed);
    EXPECT_EQ(tell(masked(1, std::string(126, 'y')) + bye), frame(Opcode::text, std::string(126, 'y')) + closed);
    EXPECT_EQ(tell(masked(1, "a", Last::no) + masked(9, "ping") + masked(0, "b", Last::no) + masked(0, "") + bye),
              frame(Opcode::pong, "ping") + frame(Opcode::text, "ab") + closed)
        << "control frames may come in between";
    EXPECT_EQ(tell(masked(1, "\xce", Last::no) + masked(0, "\xba") + bye), frame(Opcode::text, "\xce\xba") + closed)
        << "a character may be split";
    EXPECT_EQ(tell(masked(10, "unasked") + bye), closed);
    EXPECT_EQ(tell(masked(8, "")), frame(Opcode::close, ""));
    EXPECT_EQ(tell(masked(9, std::string(125, 'p')) + bye), frame(Opcode::pong, std::string(125, 'p')) + closed);
}

TEST_F(Sockets, EchoBytesThatComeOneByOne) {
    Client client(port());
    client.send(get("/echo", upgrade));
    ASSERT_TRUE(client.read_until("\r\n\r\n"));
    const auto message = masked(1, "κόσμε") + masked(8, code_text(1000));
    for (const char byte : message) client.send({&byte, 1});
    EXPECT_TRUE(client.read_to_end().ends_with(frame(Opcode::text, "κόσμε") + close_frame(1000, "")));
}

TEST_F(Sockets, RefuseWhatTheRulesForbid) {
    const auto code_of = [](const std::string& bytes) {
        if (bytes.size() < 4 || bytes[0] != static_cast<char>(0x88)) return -1;
        return (static_cast<unsigned char>(bytes[2]) << 8) | static_cast<unsigned char>(bytes[3]);
    };
    const std::string unmasked = "\x81\x02hi";
    const std::string reserved = "\xc1" + masked(1, "x").substr(1);
    const std::string long_way = std::string("\x81\xfe\x00\x01", 4) + "abcdx";
    const std::string huge = std::string("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10);
    for (const auto& broken : {unmasked, reserved, long_way, huge, masked(3, ""), masked(11, ""), masked(0, "x"),
                               masked(9, "x", Last::no), masked(1, "a", Last::no) + masked(1, "b"), masked(8, "x"),
                               masked(9, std::string(126, 'x')), masked(8, code_text(1005)), masked(8, code_text(999)),
                               masked(8, code_text(1016)), masked(8, code_text(5000))}) {
        EXPECT_EQ(code_of(tell(broken)), 1002) << ::testing::PrintToString(broken);
    }
    for (const auto& text : {std::string("\xff"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80"),
                             std::string("\xf4\x90\x80\x80"), std::string("\xce")}) {
        EXPECT_EQ(code_of(tell(masked(1, text))), 1007) << ::testing::PrintToString(text);
    }
    EXPECT_EQ(code_of(tell(masked(1, "\xff", Last::no))), 1007) << "as soon as it shows";
    EXPECT_EQ(code_of(tell(masked(8, code_text(1000, "\xff")))), 1007);
    EXPECT_EQ(code_of(tell(masked(2, "binary"))), 1003);
    EXPECT_EQ(code_of(tell(masked(1, std::string(100'001, 'x')))), 1009);
    EXPECT_EQ(code_of(tell(masked(1, std::string(60'000, 'x'), Last::no) + masked(0, std::string(60'000, 'x')))), 1009);
    EXPECT_EQ(code_of(tell(masked(8, code_text(4999)))), 4999);
}

TEST_F(Sockets, HearThatTheServiceStops) {
    Client client(port());
    client.send(get("/echo", upgrade));
    ASSERT_TRUE(client.read_until("\r\n\r\n"));
    Client reader(port());
    reader.send(get("/events"));
    ASSERT_TRUE(reader.read_until("plain"));
    std::promise<void> stopped;
    loop_.run([&] { app_->stop([&] { stopped.set_value(); }); });
    ASSERT_TRUE(client.read_until(close_frame(1001, "the service is stopping")));
    client.send(masked(8, code_text(1001)));
    client.read_to_end();
    reader.read_to_end();
    stopped.get_future().wait();
    EXPECT_TRUE(loop_.run([&] { return sockets_.empty(); }));
}

TEST_F(Sockets, SendEventsAsBrowsersReadThem) {
    Client client(port());
    client.send(get("/events"));
    ASSERT_TRUE(client.read_until("plain"));
    loop_.run([&] { std::exchange(events_, nullptr)->end(); });
    const auto answer = client.read();
    EXPECT_TRUE(answer.has("Content-Type: text/event-stream") && answer.has("Cache-Control: no-store"));
    EXPECT_EQ(answer.body, "event: price\nid: 7\ndata: two\ndata: lines\n\ndata: plain text\n\n");
}

}  // namespace
}  // namespace kit
