#include "kit/mail/smtp_dialogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "kit/mail/base64.h"

namespace kit::mail {
namespace {

constexpr std::size_t answer_max = 64 * 1024;

std::string upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return out;
}

/// The rest of the line of EHLO's answer that begins with `word`, or nothing.
std::optional<std::string> extension(std::string_view answer, std::string_view word) {
    while (!answer.empty()) {
        const auto end = answer.find('\n');
        auto line = upper(answer.substr(0, end));
        answer = end == std::string_view::npos ? std::string_view() : answer.substr(end + 1);
        if (line == word) return "";
        if (line.starts_with(word) && (line[word.size()] == ' ' || line[word.size()] == '=')) {
            return line.substr(word.size() + 1);
        }
    }
    return std::nullopt;
}

bool holds_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const auto end = list.find(' ');
        if (list.substr(0, end) == word) return true;
        list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    }
    return false;
}

/// For logs and dead letters: one line, bounded.
std::string shown(std::string_view text) {
    std::string out(text.substr(0, 300));
    std::ranges::replace_if(
        out, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, ' ');
    return out;
}

}  // namespace

std::string dot_stuffed(std::string_view mail) {
    std::string out;
    out.reserve(mail.size() + 64);
    bool line_begins = true;
    for (const char c : mail) {
        if (line_begins && c == '.') out += '.';
        out += c;
        line_begins = c == '\n';
    }
    if (!line_begins) out += "\r\n";
    return out += ".\r\n";
}

SmtpDialogue::Next SmtpDialogue::take(std::string_view bytes) {
    in_ += bytes;
    Next next = Next::go_on;
    while (next == Next::go_on) {
        const auto answer = next_answer();
        if (!answer) break;
        next = answered(*answer);
        // What came before TLS does not count after it (RFC 3207, 4.2).
        if (next == Next::secure_now) in_.clear();
    }
    if (next == Next::go_on && in_.size() > answer_max) {
        return fail({base::Code::unavailable, "the mail server's answer has no end"});
    }
    return next;
}

/// A whole answer: lines "250-..." and a last "250 ...".
std::optional<SmtpDialogue::Answer> SmtpDialogue::next_answer() {
    Answer answer;
    std::size_t at = 0;
    while (true) {
        const auto end = in_.find('\n', at);
        if (end == std::string::npos) return std::nullopt;
        std::string_view line(in_.data() + at, end - at);
        if (line.ends_with('\r')) line.remove_suffix(1);
        at = end + 1;
        const auto digit = [&](std::size_t place) { return line[place] >= '0' && line[place] <= '9'; };
        if (line.size() < 3 || !digit(0) || !digit(1) || !digit(2)) {
            answer = {.code = 0, .text = std::string(line)};
            break;
        }
        answer.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        if (!answer.text.empty()) answer.text += '\n';
        if (line.size() > 4) answer.text += line.substr(4);
        if (line.size() == 3 || line[3] != '-') break;
    }
    in_.erase(0, at);
    return answer;
}

SmtpDialogue::Next SmtpDialogue::say(std::string_view line, Step step) {
    out_ += line;
    out_ += "\r\n";
    step_ = step;
    return Next::go_on;
}

SmtpDialogue::Next SmtpDialogue::fail(base::Error error) {
    problem_ = std::move(error);
    step_ = Step::over;
    out_ = "QUIT\r\n";
    return Next::failed;
}

SmtpDialogue::Next SmtpDialogue::refused(const Answer& answer) {
    // A refused log-in or greeting is our set-up's fault, which a person mends: the mail may still go.
    const bool for_good = answer.code / 100 == 5 && step_ >= Step::from;
    return fail({for_good ? base::Code::invalid : base::Code::unavailable,
                 fmt::format("the mail server answered {} {}", answer.code, shown(answer.text))});
}

SmtpDialogue::Next SmtpDialogue::secured() {
    channel_ = Channel::encrypted;
    return say(fmt::format("EHLO {}", options_.hello), Step::hello);
}

SmtpDialogue::Next SmtpDialogue::answered(const Answer& answer) {
    const auto kind = answer.code / 100;
    switch (step_) {
        case Step::greeting:
            if (kind != 2) return refused(answer);
            return say(fmt::format("EHLO {}", options_.hello), Step::hello);
        case Step::hello:
            if (kind != 2) return refused(answer);
            return after_hello(answer);
        case Step::starttls:
            if (kind != 2) return refused(answer);
            return Next::secure_now;
        case Step::user:
            if (kind != 3) return refused(answer);
            return say(base64(options_.user), Step::password);
        case Step::password:
            if (kind != 3) return refused(answer);
            return say(base64(options_.password), Step::login);
        case Step::login:
            if (kind != 2) return refused(answer);
            return say(fmt::format("MAIL FROM:<{}>", from_), Step::from);
        case Step::from:
            if (kind != 2) return refused(answer);
            return say(fmt::format("RCPT TO:<{}>", to_), Step::to);
        case Step::to:
            if (kind != 2) return refused(answer);
            return say("DATA", Step::data);
        case Step::data:
            if (kind != 3) return refused(answer);
            return send_body();
        case Step::body:
            if (kind != 2) return refused(answer);
            say("QUIT", Step::over);
            return Next::done;
        case Step::over:
            break;
    }
    return Next::go_on;
}

SmtpDialogue::Next SmtpDialogue::send_body() {
    out_ += dot_stuffed(mail_);
    step_ = Step::body;
    return Next::go_on;
}

SmtpDialogue::Next SmtpDialogue::after_hello(const Answer& answer) {
    const bool offered = extension(answer.text, "STARTTLS").has_value();
    const bool wished = options_.security == Security::starttls || options_.security == Security::if_offered;
    if (channel_ == Channel::plain && wished && offered) return say("STARTTLS", Step::starttls);
    if (channel_ == Channel::plain && options_.security == Security::starttls) {
        return fail({base::Code::unavailable, "the mail server offers no STARTTLS, which is required"});
    }
    if (options_.user.empty()) return say(fmt::format("MAIL FROM:<{}>", from_), Step::from);
    return log_in(extension(answer.text, "AUTH").value_or(""));
}

SmtpDialogue::Next SmtpDialogue::log_in(std::string_view offered) {
    const bool here = options_.host == "localhost" || options_.host.starts_with("127.");
    if (channel_ == Channel::plain && !here) {
        return fail({base::Code::unavailable, "the connection is not encrypted: the password is not sent"});
    }
    if (holds_word(offered, "PLAIN")) {
        std::string secret;
        secret += '\0';
        secret += options_.user;
        secret += '\0';
        secret += options_.password;
        return say(fmt::format("AUTH PLAIN {}", base64(secret)), Step::login);
    }
    if (holds_word(offered, "LOGIN")) return say("AUTH LOGIN", Step::user);
    return fail({base::Code::unavailable, "the mail server offers neither AUTH PLAIN nor AUTH LOGIN"});
}

}  // namespace kit::mail
