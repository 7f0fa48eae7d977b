// Commands inside containers: begun on a worker, ended by their exit event, so that a slow one holds no thread.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>

#include "edge/containerd/containerd_runtime.h"

namespace edge {

void ContainerdRuntime::exec(std::string container_id, std::vector<std::string> argv, base::Duration timeout,
                             node::Done<node::ExecOutput> done) {
    const auto exec_id = fmt::format("exec-{}-{}", loop_.now().time_since_epoch().count(), ++exec_count_);
    {
        const std::lock_guard lock(mutex_);
        execs_[exec_id] = {.container_id = container_id, .done = std::move(done)};
    }
    if (timeout.count() > 0) {
        exec_timers_[exec_id] =
            loop_.after(timeout, [this, exec_id, container_id] { time_out(exec_id, container_id); });
    }
    workers_.submit("", Workers::Weight::light, [this, exec_id, argv = std::move(argv)] { begin_exec(exec_id, argv); });
}

/// Kills the command; its exit then answers. Should that not come (containerd went down with it), the answer does.
void ContainerdRuntime::time_out(const std::string& exec_id, const std::string& container_id) {
    constexpr std::chrono::seconds exit_patience{5};
    {
        const std::lock_guard lock(mutex_);
        const auto exec = execs_.find(exec_id);
        if (exec == execs_.end()) return;
        exec->second.timed_out = true;
    }
    workers_.submit("", Workers::Weight::light, [this, exec_id, container_id] {
        (void)tasks_.kill(container_id, exec_id, 9, Tasks::Whom::first_process);
    });
    exec_timers_[exec_id] = loop_.after(exit_patience, [this, exec_id] {
        workers_.submit("", Workers::Weight::light, [this, exec_id] {
            fail_exec(exec_id, {base::Code::timeout, "the command timed out and its end was not told"});
        });
    });
}

void ContainerdRuntime::begin_exec(const std::string& exec_id, const std::vector<std::string>& argv) {
    std::string container_id;
    {
        const std::lock_guard lock(mutex_);
        const auto exec = execs_.find(exec_id);
        if (exec == execs_.end()) return;  // given up before its turn came
        container_id = exec->second.container_id;
    }
    const auto begin = [&]() -> base::Result<void> {
        const auto record = TRY(tasks_.record(container_id));
        boost::system::error_code error;
        const auto spec = boost::json::parse(record.spec_json, error);
        if (error) return base::fail(base::Code::internal, "the container's specification is no JSON");
        // One FIFO for both streams keeps their order.
        const auto fifo = TRY(make_io(pod_of(container_id), exec_id));
        TRY(capture_.open(exec_id, fifo));
        return tasks_.exec(container_id, exec_id, boost::json::serialize(exec_process(spec, argv)),
                           {.out = fifo, .err = fifo});
    };
    if (auto begun = begin(); !begun) return fail_exec(exec_id, std::move(begun).error());
    {
        const std::lock_guard lock(mutex_);
        const auto exec = execs_.find(exec_id);
        if (exec != execs_.end() && !exec->second.timed_out) return;
    }
    // Its time was over before there was anything to kill.
    (void)tasks_.kill(container_id, exec_id, 9, Tasks::Whom::first_process);
}

void ContainerdRuntime::fail_exec(const std::string& exec_id, base::Error error) {
    capture_.finish(exec_id, [](std::string) {});
    node::Done<node::ExecOutput> done;
    std::string pod_uid;
    {
        const std::lock_guard lock(mutex_);
        const auto exec = execs_.find(exec_id);
        if (exec == execs_.end()) return;
        done = std::move(exec->second.done);
        const auto known = known_.find(exec->second.container_id);
        if (known != known_.end()) pod_uid = known->second.seen.pod_uid;
        execs_.erase(exec);
    }
    std::error_code ignored;
    if (!pod_uid.empty()) std::filesystem::remove(io_folder(pod_uid) + "/" + exec_id, ignored);
    loop_.post(
        [this, alive = std::weak_ptr(alive_), exec_id, done = std::move(done), error = std::move(error)]() mutable {
            if (!alive.expired()) exec_timers_.erase(exec_id);
            done(std::unexpected(std::move(error)));
        });
}

void ContainerdRuntime::end_exec(const std::string& exec_id) {
    capture_.finish(exec_id, [this, exec_id](std::string output) {
        Exec exec;
        {
            const std::lock_guard lock(mutex_);
            const auto found = execs_.find(exec_id);
            if (found == execs_.end()) return;
            exec = std::move(found->second);
            execs_.erase(found);
        }
        node::ExecOutput result{.exit_code = exec.status, .output = std::move(output), .timed_out = exec.timed_out};
        loop_.post([this, alive = std::weak_ptr(alive_), exec_id, done = std::move(exec.done),
                    result = std::move(result)]() mutable {
            if (!alive.expired()) exec_timers_.erase(exec_id);
            done(std::move(result));
        });
        workers_.submit("", Workers::Weight::light, [this, exec_id, container_id = exec.container_id] {
            (void)tasks_.delete_exec(container_id, exec_id);
            std::error_code ignored;
            std::filesystem::remove(io_folder(pod_of(container_id)) + "/" + exec_id, ignored);
        });
    });
}

}  // namespace edge
