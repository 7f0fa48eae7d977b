// The real loop: wall time and a Boost.Asio io_context that one thread runs.
#pragma once

#include <memory>

#include "run/loop.h"

namespace boost::asio {
class io_context;
}

namespace run {

class AsioLoop final : public Loop {
 public:
    explicit AsioLoop(boost::asio::io_context& io) : io_(io) {}
    Time now() const override;
    void post(Callback work) override;
    Timer after(Duration delay, Callback work) override;

 private:
    boost::asio::io_context& io_;
};

}  // namespace run
