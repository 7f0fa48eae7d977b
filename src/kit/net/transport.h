// The bytes of one connection, plain or through TLS, never blocking. It owns the socket and closes it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace kit::net {

enum class Io : std::uint8_t {
    done,        ///< `bytes` were moved
    again,       ///< nothing now; readiness will be reported
    closed,      ///< the peer has ended, or the connection is broken
    plain_text,  ///< a TLS port was spoken to in plain HTTP
};

struct Moved {
    Io io;
    std::size_t bytes = 0;
};

/// Who a verified client certificate speaks for: its CN and its O values.
struct PeerName {
    std::string common_name;
    std::vector<std::string> organizations;
};

/// What a TLS server shows and demands, or whom a TLS client believes; made once, shared by its connections.
class TlsContext {
 public:
    /// PEM texts. With `client_ca_pem` client certificates are asked for, not demanded; a bad one is refused.
    static base::Result<std::shared_ptr<TlsContext>> create(std::string_view certificate_pem, std::string_view key_pem,
                                                            std::string_view client_ca_pem);
    /// For a client: servers must be signed by `ca_pem`, or by the system's list when it is empty.
    static base::Result<std::shared_ptr<TlsContext>> for_client(std::string_view ca_pem);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ssl_ctx_st* native() const { return context_; }

 private:
    explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
    ssl_ctx_st* context_;
};

class Transport {
 public:
    /// Takes over `fd`, which must not block. `tls` null: plain.
    Transport(int fd, const std::shared_ptr<TlsContext>& tls);
    /// The client's side: with `tls` the server must prove that it is `host` (a name or an address).
    Transport(int fd, const std::shared_ptr<TlsContext>& tls, const std::string& host);
    ~Transport();
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    Moved read(std::span<char> into);
    /// Writes as much of `pieces`, in order, as goes.
    Moved write(std::span<const iovec> pieces);
    /// Says that nothing more will be sent (TLS close_notify, then FIN).
    void shutdown_write();
    void close();

    int fd() const { return fd_; }
    bool secure() const { return ssl_ != nullptr; }
    /// True for plain sockets, and after the TLS handshake.
    bool established() const;
    std::optional<PeerName> peer_name() const;
    /// After `closed`: the peer ended as the protocol wants it (FIN; through TLS a close_notify), nothing was cut off.
    bool ended_well() const { return ended_well_; }
    /// After `closed`: what TLS did not like, or "".
    std::string tls_problem() const;

 private:
    void attach_tls();
    Moved write_tls(std::span<const iovec> pieces);
    Moved outcome(int result);

    int fd_;
    ssl_st* ssl_ = nullptr;
    std::shared_ptr<TlsContext> tls_;
    const char* tls_reason_ = nullptr;
    bool ended_well_ = false;
};

}  // namespace kit::net
