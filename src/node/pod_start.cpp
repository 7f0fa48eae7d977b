// How a container comes to run: image, environment and config, a place among the starts, create and start, postStart.
#include "base/quantity.h"
#include "node/image_name.h"
#include "node/images.h"
#include "node/pod_worker.h"

namespace node {

using std::chrono::seconds;

struct PodWorker::Start {
    std::shared_ptr<const PodView> view;  ///< keeps `container` alive
    const ContainerView* container = nullptr;
    std::uint64_t token = 0;
    ImageInfo image;
    Variables variables;
    ContainerSetup setup;
    std::string replaces;  ///< id of the run before
};

void PodWorker::start(const ContainerView& container) {
    auto next = std::make_shared<Start>();
    next->view = view_;
    next->container = view_->find(container.name);
    next->token = ++start_token_[container.name];
    state_.containers[container.name].stage = Stage::preparing;
    context_.images.ensure(view_, *next->container, [weak = weak_from_this(), next](auto image) {
        if (const auto self = weak.lock()) self->image_ready(next, std::move(image));
    });
}

void PodWorker::drop_start(const std::string& container) {
    ++start_token_[container];
    auto& facts = state_.containers[container];
    facts.stage = facts.runs > 0 ? Stage::exited : Stage::none;
}

bool PodWorker::still_wanted(const Start& start) {
    return !done_ && start_token_[start.container->name] == start.token &&
           state_.containers[start.container->name].stage == Stage::preparing;
}

void PodWorker::image_ready(const StartPtr& start, std::expected<ImageInfo, NoImage> image) {
    if (!still_wanted(*start)) return;
    if (!image) {
        auto& why = image.error();
        note_waiting(state_.containers[start->container->name], why.reason, why.message, why.retry_at);
        return look();
    }
    start->image = std::move(*image);
    context_.starts.enter([weak = weak_from_this(), start, &starts = context_.starts] {
        const auto self = weak.lock();
        if (self && self->still_wanted(*start))
            self->run(start);
        else
            starts.leave();
    });
}

void PodWorker::config_error(const StartPtr& start, std::string reason, const base::Error& error) {
    context_.starts.leave();
    context_.events.say(*view_, start->container, EventKind::warning, "Failed", "Error: " + error.message);
    note_waiting(state_.containers[start->container->name], std::move(reason), error.message,
                 context_.loop.now() + context_.settings.config_retry);
    look();
}

void PodWorker::run(const StartPtr& start) {
    auto& facts = state_.containers[start->container->name];
    if (const auto ready = prepare(*start); !ready) {
        return config_error(start, "CreateContainerConfigError", ready.error());
    }
    if (start->setup.argv.empty()) {
        return config_error(start, "CreateContainerError",
                            {base::Code::invalid, "no command specified for image \"" + start->image.ref + "\""});
    }
    start->replaces = facts.id;
    note_run_begun(facts, context_.settings.times, context_.loop.now());
    facts.stage = Stage::starting;
    facts.id.clear();
    facts.image_id = start->image.id;
    facts.image = full_image_name(start->container->spec["image"].str());
    facts.applied_image = start->container->spec["image"].str();
    const auto* resources = start->container->spec["resources"].value();
    facts.applied_resources = resources ? *resources : json::value(json::object());
    facts.log_path = start->setup.log_path;
    facts.termination_path = start->setup.termination_path;
    facts.uid = start->setup.uid;
    facts.gid = std::max<std::int64_t>(start->setup.gid, 0);
    facts.groups = groups_of(start->setup, facts.gid);
    stop_signals_[start->container->name] = start->image.stop_signal;
    context_.ports.runtime.start_container(start->setup,
                                           [weak = weak_from_this(), start, &starts = context_.starts](auto container) {
                                               starts.leave();
                                               if (const auto self = weak.lock())
                                                   self->started(start, std::move(container));
                                           });
}

base::Result<void> PodWorker::prepare(Start& start) {
    auto sources = sources_for(context_, *view_, state_.ip);
    sources.file = [this](std::string_view volume, std::string_view path) -> base::Result<std::string> {
        constexpr std::size_t file_max = 64 * 1024;
        const auto found = volumes_.find(std::string(volume));
        if (found == volumes_.end()) return base::fail(base::Code::not_found, "no such volume");
        const auto source = TRY(context_.ports.files.sub_path(found->second.host_path, std::string(path)));
        return context_.ports.files.read_tail(source, file_max);
    };
    start.variables = TRY(environment(*start.view, *start.container, sources));
    const auto& facts = state_.containers[start.container->name];
    SetupInput input;
    input.pod = start.view.get();
    input.container = start.container;
    input.image = &start.image;
    input.variables = &start.variables;
    input.attempt = facts.runs;
    input.hostname = view_->host_network ? context_.settings.node_name : view_->hostname();
    input.memory_capacity = base::Quantity::parse(context_.settings.memory).value_or(base::Quantity()).value();
    start.setup = TRY(container_setup(input));
    auto& setup = start.setup;
    setup.log_path = context_.ports.files.log_path(view_->ns, view_->name, view_->uid, setup.name, setup.attempt);
    setup.labels["slipway.dev/log-path"] = setup.log_path;
    if (const auto target = start.container->spec["targetContainerName"].str(); !target.empty())
        setup.pid_namespace_of = state_.facts(std::string(target)).id;
    return add_mounts(start);
}

base::Result<void> PodWorker::add_file(Start& start, const std::string& name, const std::string& content,
                                       const std::string& at) {
    for (const auto& mount : start.setup.mounts)
        if (mount.container_path == at) return {};
    start.setup.mounts.push_back({TRY(context_.ports.files.write(view_->uid, name, content, 0644)), at});
    return {};
}

base::Result<void> PodWorker::add_mounts(Start& start) {
    auto& files = context_.ports.files;
    auto& setup = start.setup;
    for (const Ref mount : start.container->spec["volumeMounts"].items()) {
        const auto found = volumes_.find(std::string(mount["name"].str()));
        if (found == volumes_.end())
            return base::fail(base::Code::not_found, "cannot find volume \"" + std::string(mount["name"].str()) +
                                                         "\" to mount into container");
        Mount m;
        m.host_path = found->second.host_path;
        const auto sub = TRY(sub_path_of(mount, start.variables));
        if (!sub.empty()) m.host_path = TRY(files.sub_path(m.host_path, sub));
        m.container_path = mount["mountPath"].str();
        if (!m.container_path.starts_with('/')) m.container_path.insert(0, 1, '/');
        m.read_only = found->second.read_only || mount["readOnly"].flag();
        const auto propagation = mount["mountPropagation"].str();
        m.propagation = propagation == "HostToContainer" ? "rslave"
                        : propagation == "Bidirectional" ? "rshared"
                                                         : "private";
        setup.mounts.push_back(std::move(m));
    }
    constexpr std::size_t host_file_max = 64 * 1024;
    const auto& dns = context_.settings.dns;
    TRY(add_file(start, "etc-hosts",
                 hosts_file(*view_, state_.ip, dns.cluster_domain,
                            view_->host_network ? files.read_tail(context_.settings.hosts_path, host_file_max) : ""),
                 "/etc/hosts"));
    TRY(add_file(start, "resolv.conf",
                 resolv_conf(*view_, dns, files.read_tail(context_.settings.resolv_conf_path, host_file_max)),
                 "/etc/resolv.conf"));
    if (!view_->host_network) TRY(add_file(start, "hostname", view_->hostname() + "\n", "/etc/hostname"));
    const std::string message_path(start.container->spec["terminationMessagePath"].str("/dev/termination-log"));
    setup.termination_path =
        TRY(files.write(view_->uid, "termination/" + setup.name + "." + std::to_string(setup.attempt), "", 0666));
    setup.mounts.push_back({setup.termination_path, message_path});
    setup.labels["slipway.dev/termination-path"] = setup.termination_path;
    return {};
}

void PodWorker::started(const StartPtr& start, base::Result<ContainerObserved> container) {
    const auto& c = *start->container;
    auto& facts = state_.containers[c.name];
    const auto now = context_.loop.now();
    if (!start->replaces.empty()) context_.ports.runtime.remove_container(start->replaces, [](base::Result<void>) {});
    if (!container) {
        context_.events.say(*view_, &c, EventKind::warning, "Failed", "Error: " + container.error().message);
        const auto code = container.error().code;
        if (code == base::Code::unavailable || code == base::Code::not_found || code == base::Code::timeout) {
            --facts.runs;
            note_waiting(facts, "CreateContainerError", container.error().message,
                         now + context_.settings.config_retry);
        } else {
            Ended ended;
            ended.exit_code = 128;
            ended.reason = "StartError";
            ended.message = container.error().message;
            ended.finished_at = now;
            note_exit(*view_, c, facts, std::move(ended), context_.settings.times);
        }
        return look();
    }
    facts.id = container->id;
    facts.started_at = container->started_at == Time{} ? now : container->started_at;
    if (!container->image_id.empty()) facts.image_id = container->image_id;
    if (container->uid >= 0) facts.uid = container->uid;
    if (container->gid >= 0) facts.gid = container->gid;
    if (container->uid >= 0) start->setup.supplemental_gids = container->supplemental_gids;
    facts.groups = groups_of(start->setup, facts.gid);
    context_.events.say(*view_, &c, EventKind::normal, "Created", "Container created");
    context_.events.say(*view_, &c, EventKind::normal, "Started", "Container started");
    const auto early = early_exits_.extract(facts.id);
    if (c.post_start() && early.empty())
        run_post_start(start);
    else
        running(c);
    if (!early.empty()) exited(early.mapped());
    look();
}

void PodWorker::run_post_start(const StartPtr& start) {
    const auto& c = *start->container;
    auto& facts = state_.containers[c.name];
    facts.stage = Stage::hooking;
    constexpr auto hook_max = std::chrono::minutes(10);
    run_hook(c, c.post_start(), hook_max, [this, start, id = facts.id](base::Result<void> result) {
        auto& now_known = state_.containers[start->container->name];
        if (now_known.id != id || now_known.stage != Stage::hooking) return;
        if (result) return running(*start->container);
        context_.events.say(*view_, start->container, EventKind::warning, "FailedPostStartHook",
                            "PostStartHook failed");
        now_known.waiting_reason = "PostStartHookError";
        now_known.waiting_message = result.error().message;
        begin_stop({Do::begin_stop, start->container->name, view_->grace_s, "FailedPostStartHook"});
    });
}

void PodWorker::running(const ContainerView& container) {
    auto& facts = state_.containers[container.name];
    note_running(facts, context_.loop.now());
    facts.startup_passed = !container.has_startup_probe();
    facts.probe_ready = !container.has_readiness_probe();
    start_probes(container);
}

}  // namespace node
