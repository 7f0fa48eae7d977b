// Sending mail by SMTP (RFC 5321) on the loop: STARTTLS (RFC 3207) or TLS from the start, AUTH PLAIN and LOGIN
// (RFC 4954), one mail a connection. An answer of 5yz is `invalid` (it will be refused again); everything else that
// goes wrong is `unavailable` or `timeout`. A password never goes over a connection that is not encrypted, unless the
// server is this machine.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kit/mail/message.h"
#include "run/loop.h"

namespace kit::mail {

enum class Security : std::uint8_t {
    if_offered,  ///< STARTTLS when the server offers it
    starttls,    ///< not without it
    tls,         ///< from the first byte
    none,
};

struct SmtpOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 25;
    std::string user;  ///< "": no log-in
    std::string password;
    Security security = Security::if_offered;
    std::string hello = "localhost";                   ///< how we name ourselves
    run::Duration timeout = std::chrono::seconds(15);  ///< for the whole mail
    std::string ca_pem;                                ///< who signs the server; "" is the system's list
};

/// "smtp://[user:password@]host[:port]" or "smtps://..."; "?starttls=required", "?starttls=never".
base::Result<SmtpOptions> smtp_options(std::string_view url);

class Smtp {
 public:
    virtual ~Smtp() = default;
    using Done = std::move_only_function<void(base::Result<void>)>;
    /// `done` after the server has taken the mail as its own. Dropping the Smtp drops what is under way.
    virtual void send(Message message, Done done) = 0;
};

std::unique_ptr<Smtp> make_smtp(boost::asio::io_context& io, SmtpOptions options);

}  // namespace kit::mail
