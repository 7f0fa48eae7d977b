#include "kit/mail/smtp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>

#include "kit/http/server.h"
#include "kit/mail/smtp_dialogue.h"
#include "kit/net/poller.h"
#include "kit/net/transport.h"
#include "run/asio_loop.h"

namespace kit::mail {
namespace {

using boost::asio::ip::tcp;
using Next = SmtpDialogue::Next;

constexpr std::size_t sending_max = 256;  ///< mails under way at the same time

/// One mail on its connection, from connecting to the server's last word.
class Sending final : public net::Watcher {
 public:
    Sending(net::Poller& poller, const SmtpOptions& options, std::shared_ptr<net::TlsContext> tls,
            SmtpDialogue dialogue, Smtp::Done done)
        : poller_(poller),
          options_(options),
          tls_(std::move(tls)),
          dialogue_(std::move(dialogue)),
          done_(std::move(done)) {}
    ~Sending() { drop(); }

    run::Timer limit;

    base::Result<void> connect(in_addr address) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) return base::fail(base::Code::unavailable, fmt::format("no socket: {}", std::strerror(errno)));
        const bool at_once = options_.security == Security::tls;
        transport_ = std::make_unique<net::Transport>(fd, at_once ? tls_ : nullptr, options_.host);
        sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(options_.port), .sin_addr = address, .sin_zero = {}};
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
            return base::fail(base::Code::unavailable,
                              fmt::format("no connection to the mail server: {}", std::strerror(errno)));
        }
        return watch();
    }

    void on_ready(std::uint32_t) override { pump(); }

    /// Calls back, once; the caller then lets go of it.
    void end(base::Result<void> result) {
        drop();
        if (auto done = std::exchange(done_, nullptr)) done(std::move(result));
    }
    /// Called when it has ended; it may be destroyed in there.
    run::Callback over;

 private:
    base::Result<void> watch() {
        return poller_.add(transport_->fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
    }

    void drop() {
        if (transport_) poller_.remove(transport_->fd(), *this);
        transport_.reset();
        limit.cancel();
    }

    void finish(base::Result<void> result) {
        auto over_now = std::move(over);
        end(std::move(result));
        if (over_now) over_now();
    }

    /// Reads and writes until nothing moves.
    void pump() {
        while (true) {
            if (!flush()) return;
            char bytes[4096];
            const auto moved = transport_->read(bytes);
            if (moved.io == net::Io::again) {
                if (out_.empty()) return;
                const auto before = out_.size();  // TLS may have become ready to write
                if (!flush() || out_.size() == before) return;
                continue;
            }
            if (moved.io != net::Io::done) return finish(broken());
            if (!follow(dialogue_.take({bytes, moved.bytes}))) return;
        }
    }

    base::Result<void> broken() const {
        const auto why = transport_->tls_problem();
        return base::fail(base::Code::unavailable,
                          why.empty() ? "the mail server closed the connection" : fmt::format("TLS: {}", why));
    }

    /// False when it is over.
    bool follow(Next next) {
        out_ += dialogue_.take_out();
        switch (next) {
            case Next::go_on:
                return true;
            case Next::secure_now:
                return secure();
            case Next::done:
                flush_goodbye();
                finish({});
                return false;
            case Next::failed:
                flush_goodbye();
                finish(std::unexpected(dialogue_.problem()));
                return false;
        }
        return false;
    }

    /// The same connection goes on under TLS: a second descriptor of it, for the old transport closes its own.
    bool secure() {
        const int fd = ::fcntl(transport_->fd(), F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            finish(base::fail(base::Code::unavailable, std::strerror(errno)));
            return false;
        }
        poller_.remove(transport_->fd(), *this);
        transport_ = std::make_unique<net::Transport>(fd, tls_, options_.host);
        if (auto watched = watch(); !watched) {
            finish(std::move(watched));
            return false;
        }
        return follow(dialogue_.secured());
    }

    void flush_goodbye() {
        if (transport_ && !out_.empty()) {
            const iovec piece{out_.data(), out_.size()};
            transport_->write({&piece, 1});
        }
    }

    /// False when it is over.
    bool flush() {
        while (!out_.empty()) {
            const iovec piece{out_.data(), out_.size()};
            const auto moved = transport_->write({&piece, 1});
            if (moved.io == net::Io::again) return true;
            if (moved.io != net::Io::done) {
                finish(broken());
                return false;
            }
            out_.erase(0, moved.bytes);
        }
        return true;
    }

    net::Poller& poller_;
    const SmtpOptions& options_;
    std::shared_ptr<net::TlsContext> tls_;
    SmtpDialogue dialogue_;
    Smtp::Done done_;
    std::unique_ptr<net::Transport> transport_;
    std::string out_;
};

class LoopSmtp final : public Smtp {
 public:
    LoopSmtp(boost::asio::io_context& io, SmtpOptions options, std::unique_ptr<net::Poller> poller)
        : loop_(io), options_(std::move(options)), poller_(std::move(poller)), resolver_(io) {}
    ~LoopSmtp() override { *alive_ = false; }

    void send(Message message, Done done) override {
        if (sending_.size() >= sending_max) {
            return done(base::fail(base::Code::unavailable, "too many mails are under way"));
        }
        const auto mail = text_of(message);
        if (!mail) return done(std::unexpected(mail.error()));
        if (auto ready = ready_tls(); !ready) return done(std::move(ready));
        const auto channel = options_.security == Security::tls ? Channel::encrypted : Channel::plain;
        SmtpDialogue dialogue(options_, channel, *address_of(message.from), *address_of(message.to), *mail);
        const auto key = ++made_;
        auto sending = std::make_unique<Sending>(*poller_, options_, tls_, std::move(dialogue), std::move(done));
        sending->over = [this, key] { forget(key); };
        sending->limit = loop_.after(options_.timeout, [this, key] {
            fail(key, {base::Code::timeout, "the mail server took too long"});
        });
        sending_.emplace(key, std::move(sending));
        resolve(key);
    }

 private:
    base::Result<void> ready_tls() {
        if (options_.security != Security::none && !tls_) tls_ = TRY(net::TlsContext::for_client(options_.ca_pem));
        return {};
    }

    /// On a thread of Asio's, for looking up names blocks.
    void resolve(std::uint64_t key) {
        in_addr address{};
        if (inet_pton(AF_INET, options_.host.c_str(), &address) == 1) return connect(key, address);
        resolver_.async_resolve(tcp::v4(), options_.host, std::to_string(options_.port),
                                [this, key, alive = alive_](const boost::system::error_code& error,
                                                            const tcp::resolver::results_type& found) {
                                    if (!*alive) return;
                                    if (error || found.empty()) {
                                        return fail(key,
                                                    {base::Code::unavailable,
                                                     fmt::format("the mail server {} cannot be found", options_.host)});
                                    }
                                    in_addr first{};
                                    const auto bytes = found.begin()->endpoint().address().to_v4().to_bytes();
                                    std::memcpy(&first, bytes.data(), bytes.size());
                                    connect(key, first);
                                });
    }

    void connect(std::uint64_t key, in_addr address) {
        const auto found = sending_.find(key);
        if (found == sending_.end()) return;
        if (auto begun = found->second->connect(address); !begun) fail(key, begun.error());
    }

    void fail(std::uint64_t key, base::Error error) {
        const auto found = sending_.find(key);
        if (found == sending_.end()) return;
        auto sending = std::move(found->second);
        sending_.erase(found);
        sending->end(std::unexpected(std::move(error)));
    }

    /// Not at once: it is still on the stack.
    void forget(std::uint64_t key) {
        loop_.post([this, key, alive = alive_] {
            if (*alive) sending_.erase(key);
        });
    }

    run::AsioLoop loop_;
    SmtpOptions options_;
    std::unique_ptr<net::Poller> poller_;
    tcp::resolver resolver_;
    std::shared_ptr<net::TlsContext> tls_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::map<std::uint64_t, std::unique_ptr<Sending>> sending_;
    std::uint64_t made_ = 0;
};

base::Error no_url() {
    return {base::Code::invalid, "the mail server's address is not like smtp://[user:password@]host[:port]"};
}

}  // namespace

base::Result<SmtpOptions> smtp_options(std::string_view url) {
    SmtpOptions options;
    if (url.starts_with("smtps://")) {
        options.security = Security::tls;
        options.port = 465;
    } else if (!url.starts_with("smtp://")) {
        return std::unexpected(no_url());
    }
    url.remove_prefix(url.find("//") + 2);
    if (const auto mark = url.find('?'); mark != std::string_view::npos) {
        const auto wish = url.substr(mark + 1);
        if (wish != "starttls=required" && wish != "starttls=never") return std::unexpected(no_url());
        options.security = wish == "starttls=required" ? Security::starttls : Security::none;
        url = url.substr(0, mark);
    }
    if (const auto at = url.rfind('@'); at != std::string_view::npos) {
        const auto secret = url.substr(0, at);
        const auto colon = secret.find(':');
        if (colon == std::string_view::npos) return std::unexpected(no_url());
        const auto user = http::percent_decode(secret.substr(0, colon));
        const auto password = http::percent_decode(secret.substr(colon + 1));
        if (!user || !password) return std::unexpected(no_url());
        options.user = *user;
        options.password = *password;
        url.remove_prefix(at + 1);
    }
    while (url.ends_with('/')) url.remove_suffix(1);
    const auto colon = url.find(':');
    options.host = url.substr(0, colon);
    if (options.host.empty()) return std::unexpected(no_url());
    if (colon == std::string_view::npos) return options;
    const auto port = url.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
    if (error != std::errc{} || end != port.data() + port.size() || options.port == 0) return std::unexpected(no_url());
    return options;
}

std::unique_ptr<Smtp> make_smtp(boost::asio::io_context& io, SmtpOptions options) {
    auto poller = net::Poller::create(io);
    base::check(poller.has_value(), "the system gives an epoll set");
    return std::make_unique<LoopSmtp>(io, std::move(options), std::move(*poller));
}

}  // namespace kit::mail
