// Boost.Asio's TLS parts, apart from the rest so that a program without TLS streams does not link OpenSSL for them.
#include <boost/asio/ssl/impl/src.hpp>
