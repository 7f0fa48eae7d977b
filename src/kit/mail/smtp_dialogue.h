// What client and server say to each other until a mail is handed over, without any I/O: bytes in, bytes out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kit/mail/smtp.h"

namespace kit::mail {

enum class Channel : std::uint8_t { plain, encrypted };

class SmtpDialogue {
 public:
    /// `from` and `to` are envelope addresses; `mail` is a whole mail with CRLF line ends.
    SmtpDialogue(const SmtpOptions& options, Channel channel, std::string from, std::string to, std::string mail)
        : options_(options), channel_(channel), from_(std::move(from)), to_(std::move(to)), mail_(std::move(mail)) {}

    enum class Next : std::uint8_t {
        go_on,       ///< send what take_out() gives, read on
        secure_now,  ///< begin TLS on this connection, then call secured()
        done,        ///< the server has the mail; what take_out() still gives is a goodbye
        failed,      ///< problem() says why
    };
    Next take(std::string_view bytes);
    Next secured();
    std::string take_out() { return std::exchange(out_, {}); }
    const base::Error& problem() const { return *problem_; }

 private:
    enum class Step : std::uint8_t { greeting, hello, starttls, login, user, password, from, to, data, body, over };
    struct Answer {
        int code = 0;
        std::string text;  ///< all lines
    };
    std::optional<Answer> next_answer();
    Next answered(const Answer& answer);
    Next after_hello(const Answer& answer);
    Next log_in(std::string_view offered);
    Next say(std::string_view line, Step step);
    Next fail(base::Error error);
    Next refused(const Answer& answer);
    Next send_body();

    const SmtpOptions& options_;
    Channel channel_;
    std::string from_, to_, mail_;
    Step step_ = Step::greeting;
    std::string in_, out_;
    std::optional<base::Error> problem_;
};

/// With a dot before each dot that begins a line, and the end (RFC 5321, 4.5.2).
std::string dot_stuffed(std::string_view mail);

}  // namespace kit::mail
