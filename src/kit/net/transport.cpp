#include "kit/net/transport.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace kit::net {
namespace {

constexpr std::size_t tls_record_bytes = 16 * 1024;

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

/// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a client that hangs up would kill the process.
int bio_write(BIO* bio, const char* data, int length) {
    BIO_clear_retry_flags(bio);
    const auto sent = ::send(socket_of(bio), data, static_cast<std::size_t>(length), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int length) {
    BIO_clear_retry_flags(bio);
    const auto got = ::recv(socket_of(bio), data, static_cast<std::size_t>(length), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    return static_cast<int>(got);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* socket_method() {
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kit socket");
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

std::vector<std::string> name_entries(X509_NAME* name, int nid) {
    std::vector<std::string> values;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
        unsigned char* text = nullptr;
        const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        if (length < 0) continue;
        values.emplace_back(reinterpret_cast<char*>(text), static_cast<std::size_t>(length));
        OPENSSL_free(text);
    }
    return values;
}

}  // namespace

Transport::Transport(int fd, const std::shared_ptr<TlsContext>& tls) : fd_(fd), tls_(tls) {
    if (!tls) return;
    attach_tls();
    SSL_set_accept_state(ssl_);
}

Transport::Transport(int fd, const std::shared_ptr<TlsContext>& tls, const std::string& host) : fd_(fd), tls_(tls) {
    if (!tls) return;
    attach_tls();
    SSL_set_connect_state(ssl_);
    in_addr address{};
    if (::inet_pton(AF_INET, host.c_str(), &address) == 1) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl_, host.c_str());
        SSL_set1_host(ssl_, host.c_str());
    }
}

void Transport::attach_tls() {
    ssl_ = SSL_new(tls_->native());
    base::check(ssl_ != nullptr, "OpenSSL has memory for a connection");
    BIO* bio = BIO_new(socket_method());
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd_)));
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
}

Transport::~Transport() { close(); }

void Transport::close() {
    if (ssl_) SSL_free(ssl_);
    ssl_ = nullptr;
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

Moved Transport::read(std::span<char> into) {
    if (!ssl_) {
        const auto got = ::recv(fd_, into.data(), into.size(), 0);
        if (got > 0) return {Io::done, static_cast<std::size_t>(got)};
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {Io::again};
        ended_well_ = got == 0;
        return {Io::closed};
    }
    ERR_clear_error();
    return outcome(SSL_read(ssl_, into.data(), static_cast<int>(into.size())));
}

Moved Transport::write(std::span<const iovec> pieces) {
    if (ssl_) return write_tls(pieces);
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    const auto sent = pieces.size() == 1 ? ::send(fd_, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                                         : ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0) return {Io::done, static_cast<std::size_t>(sent)};
    if (errno == EAGAIN || errno == EINTR) return {Io::again};
    return {Io::closed};
}

/// Small pieces are gathered into one record. A write that must be tried again is tried with the same bytes first,
/// because the caller's queue only grows at its end.
Moved Transport::write_tls(std::span<const iovec> pieces) {
    ERR_clear_error();
    if (pieces[0].iov_len >= tls_record_bytes || pieces.size() == 1) {
        const auto length = static_cast<int>(std::min<std::size_t>(pieces[0].iov_len, 1 << 20));
        return outcome(SSL_write(ssl_, pieces[0].iov_base, length));
    }
    std::array<char, tls_record_bytes> record;
    std::size_t filled = 0;
    for (const auto& piece : pieces) {
        const auto part = std::min(piece.iov_len, record.size() - filled);
        std::memcpy(record.data() + filled, piece.iov_base, part);
        filled += part;
        if (filled == record.size()) break;
    }
    return outcome(SSL_write(ssl_, record.data(), static_cast<int>(filled)));
}

Moved Transport::outcome(int result) {
    if (result > 0) return {Io::done, static_cast<std::size_t>(result)};
    switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return {Io::again};
        case SSL_ERROR_SSL:
            if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) return {Io::plain_text};
            tls_reason_ = ERR_reason_error_string(ERR_peek_error());
            return {Io::closed};
        case SSL_ERROR_ZERO_RETURN:
            ended_well_ = true;
            return {Io::closed};
        default:
            return {Io::closed};
    }
}

void Transport::shutdown_write() {
    if (ssl_ && SSL_is_init_finished(ssl_)) {
        ERR_clear_error();
        SSL_shutdown(ssl_);
    }
    ::shutdown(fd_, SHUT_WR);
}

std::string Transport::tls_problem() const {
    if (!ssl_) return {};
    const auto verified = SSL_get_verify_result(ssl_);
    if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
    return tls_reason_ ? tls_reason_ : "";
}

bool Transport::established() const { return !ssl_ || SSL_is_init_finished(ssl_); }

std::optional<PeerName> Transport::peer_name() const {
    if (!ssl_ || SSL_get_verify_result(ssl_) != X509_V_OK) return std::nullopt;
    X509* certificate = SSL_get0_peer_certificate(ssl_);
    if (!certificate) return std::nullopt;
    X509_NAME* subject = X509_get_subject_name(certificate);
    auto names = name_entries(subject, NID_commonName);
    return PeerName{.common_name = names.empty() ? std::string() : std::move(names.back()),
                    .organizations = name_entries(subject, NID_organizationName)};
}

}  // namespace kit::net
