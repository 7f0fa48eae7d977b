// Mails as text, and what is said to a mail server, step by step.
#include <gtest/gtest.h>

#include "kit/mail/base64.h"
#include "kit/mail/message.h"
#include "kit/mail/smtp_dialogue.h"

namespace kit::mail {
namespace {

using Next = SmtpDialogue::Next;

TEST(MailMessage, NothingGivenBeginsAHeaderOrALine) {
    for (const auto* bad : {"", "a", "a@", "@b", "a@b\r\nBcc: c@d", "a b@c", "a@b>", "<a@b", "a..b@c", "a@b c",
                            "\"a\"@b", "a@b\n", "ü@b.c"}) {
        EXPECT_FALSE(address_of(bad)) << bad;
    }
    EXPECT_EQ(*address_of("The Shop <shop@example.com>"), "shop@example.com");
    const auto text = text_of({.from = "Evil\r\nBcc: x@y <shop@example.com>",
                               .to = "a@example.com",
                               .subject = "Hello\r\nBcc: all@example.com",
                               .text = ".\r\nQUIT\r\n",
                               .message_id = "1.email@example.com"});
    ASSERT_TRUE(text);
    EXPECT_EQ(text->find("\nBcc"), std::string::npos) << *text;
    EXPECT_NE(text->find("Message-ID: <1.email@example.com>\r\n"), std::string::npos);
    EXPECT_FALSE(text_of({.from = "a@b.c", .to = "a@b.c\r\nX: y", .message_id = "a@b"}));
}

TEST(MailMessage, EncodesUtf8InHeadersAndBodies) {
    EXPECT_EQ(header_text("plain words"), "plain words");
    EXPECT_EQ(header_text("Grüße"), "=?utf-8?B?" + base64("Grüße") + "?=");
    const auto longer = header_text(std::string(30, 'x') + "ü" + std::string(100, 'y'));
    for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 2) {
        end = longer.find("\r\n", at);
        EXPECT_LE((end == std::string::npos ? longer.size() : end) - at, 76U);
    }
    EXPECT_EQ(quoted_printable("a=b \nü\tx \r\n"), "a=3Db=20\r\n=C3=BC\tx=20\r\n");
    const auto wrapped = quoted_printable(std::string(200, 'a'));
    EXPECT_EQ(wrapped.substr(75, 3), "=\r\n");
    EXPECT_EQ(base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
    EXPECT_EQ(date_text(*base::parse_rfc3339("2026-11-21T16:05:09Z")), "Sat, 21 Nov 2026 16:05:09 +0000");
}

TEST(Smtp, StuffsDotsAndEndsTheMail) {
    EXPECT_EQ(dot_stuffed(".a\r\n..b\r\nc."), "..a\r\n...b\r\nc.\r\n.\r\n");
    EXPECT_EQ(dot_stuffed("a\r\n"), "a\r\n.\r\n");
}

SmtpDialogue dialogue(const SmtpOptions& options, Channel channel = Channel::plain) {
    return {options, channel, "from@x.y", "to@x.y", "Subject: s\r\n\r\n.\r\n"};
}

TEST(Smtp, HandsOverAMail) {
    const SmtpOptions options{.security = Security::none};
    auto talk = dialogue(options);
    EXPECT_EQ(talk.take("220 here\r\n"), Next::go_on);
    EXPECT_EQ(talk.take_out(), "EHLO localhost\r\n");
    EXPECT_EQ(talk.take("250-here\r\n250-STARTTLS\r\n250 SIZE"), Next::go_on);
    EXPECT_EQ(talk.take_out(), "") << "the answer is not whole";
    EXPECT_EQ(talk.take(" 1000\r\n"), Next::go_on);
    EXPECT_EQ(talk.take_out(), "MAIL FROM:<from@x.y>\r\n");
    talk.take("250 ok\r\n");
    EXPECT_EQ(talk.take_out(), "RCPT TO:<to@x.y>\r\n");
    talk.take("250 ok\r\n");
    EXPECT_EQ(talk.take_out(), "DATA\r\n");
    talk.take("354 go\r\n");
    EXPECT_EQ(talk.take_out(), "Subject: s\r\n\r\n..\r\n.\r\n");
    EXPECT_EQ(talk.take("250 queued\r\n"), Next::done);
}

TEST(Smtp, KeepsPasswordsOffPlainConnectionsAndAsksForTls) {
    const SmtpOptions far{.host = "mail.example.com", .user = "u", .password = "p", .security = Security::none};
    auto talk = dialogue(far);
    talk.take("220 here\r\n");
    EXPECT_EQ(talk.take("250-here\r\n250 AUTH PLAIN\r\n"), Next::failed);
    EXPECT_EQ(talk.problem().code, base::Code::unavailable);

    const SmtpOptions offered{.host = "mail.example.com", .user = "u", .password = "p"};
    auto secured = dialogue(offered);
    secured.take("220 here\r\n");
    secured.take("250-here\r\n250 STARTTLS\r\n");
    EXPECT_EQ(secured.take_out(), "EHLO localhost\r\nSTARTTLS\r\n");
    EXPECT_EQ(secured.take("220 go\r\n250 injected\r\n"), Next::secure_now);
    EXPECT_EQ(secured.secured(), Next::go_on);
    EXPECT_EQ(secured.take_out(), "EHLO localhost\r\n") << "what came before TLS is forgotten";
    secured.take("250-here\r\n250 AUTH LOGIN PLAIN\r\n");
    EXPECT_EQ(secured.take_out(), "AUTH PLAIN " + base64(std::string("\0u\0p", 4)) + "\r\n");

    const SmtpOptions login{.user = "u", .password = "p"};
    auto other = dialogue(login, Channel::encrypted);
    other.take("220 here\r\n250-here\r\n250 AUTH LOGIN\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 welcome\r\n");
    EXPECT_EQ(other.take_out(),
              "EHLO localhost\r\nAUTH LOGIN\r\n" + base64("u") + "\r\n" + base64("p") + "\r\nMAIL FROM:<from@x.y>\r\n");

    const SmtpOptions must{.security = Security::starttls};
    auto refused = dialogue(must);
    refused.take("220 here\r\n");
    EXPECT_EQ(refused.take("250 here\r\n"), Next::failed);
}

TEST(Smtp, TellsRefusalForGoodFromTroubleThatPasses) {
    const SmtpOptions options{.security = Security::none};
    const auto ends_with = [&](const char* answer) {
        auto talk = dialogue(options);
        talk.take("220 here\r\n250 here\r\n250 ok\r\n");
        EXPECT_EQ(talk.take(answer), Next::failed);
        return talk.problem().code;
    };
    EXPECT_EQ(ends_with("550 nobody here\r\n"), base::Code::invalid);
    EXPECT_EQ(ends_with("451 later\r\n"), base::Code::unavailable);
    EXPECT_EQ(ends_with("nonsense\r\n"), base::Code::unavailable);
    auto busy = dialogue(options);
    EXPECT_EQ(busy.take("554 go away\r\n"), Next::failed);
    EXPECT_EQ(busy.problem().code, base::Code::unavailable) << "of the server, not of the mail";
}

TEST(Smtp, ReadsItsAddress) {
    const auto options = smtp_options("smtp://me:p%40ss@mail.example.com:587?starttls=required");
    ASSERT_TRUE(options);
    EXPECT_EQ(options->host, "mail.example.com");
    EXPECT_EQ(options->port, 587);
    EXPECT_EQ(options->password, "p@ss");
    EXPECT_EQ(options->security, Security::starttls);
    EXPECT_EQ(smtp_options("smtps://host")->port, 465);
    for (const auto* bad : {"", "http://x", "smtp://", "smtp://h:0", "smtp://h:x", "smtp://u@h", "smtp://h?tls=yes"}) {
        EXPECT_FALSE(smtp_options(bad)) << bad;
    }
}

}  // namespace
}  // namespace kit::mail
