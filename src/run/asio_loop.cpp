#include "run/asio_loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace run {
namespace {

class TimerEntry final : public Timer::Entry {
 public:
    TimerEntry(boost::asio::io_context& io, Duration delay, Callback work)
        : timer_(io, delay), work_(std::make_shared<Callback>(std::move(work))) {
        timer_.async_wait([weak = std::weak_ptr(work_)](const boost::system::error_code& error) {
            const auto work = weak.lock();
            if (!error && work) (*work)();
        });
    }

 private:
    boost::asio::steady_timer timer_;
    std::shared_ptr<Callback> work_;
};

}  // namespace

Time AsioLoop::now() const { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

void AsioLoop::post(Callback work) { boost::asio::post(io_, std::move(work)); }

Timer AsioLoop::after(Duration delay, Callback work) {
    return Timer(std::make_unique<TimerEntry>(io_, std::max(delay, Duration{0}), std::move(work)));
}

}  // namespace run
