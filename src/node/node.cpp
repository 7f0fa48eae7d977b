// Routes store events and exits to the pods' workers; adopts or clears away what an earlier daemon left.
#include "node/node.h"

#include <algorithm>

namespace node {

using std::chrono::seconds;

Node::Node(run::Loop& loop, verbs::Api& api, Ports ports, base::Rng rng, Settings settings)
    : loop_(loop),
      api_(api),
      settings_(std::move(settings)),
      rng_(rng),
      events_(loop, api, {settings_.node_name}),
      images_(loop, ports.runtime, events_, api.store()),
      starts_(settings_.starts_max),
      context_{loop_, api_, ports, settings_, events_, images_, starts_, rng_},
      object_(context_),
      alive_(std::make_shared<Node*>(this)) {}

Node::~Node() = default;

void Node::start() {
    object_.start();
    images_.when_seen([this](const ImageInfo& image) { object_.image_seen(image); });
    if (!watch_) watch_ = api_.store().subscribe([this](const store::EventPtr& event) { on_event(event); });
    context_.ports.runtime.on_exit([weak = std::weak_ptr(alive_)](ContainerObserved exited) {
        const auto self = weak.lock();
        if (!self) return;
        const auto& workers = (*self)->workers_;
        if (const auto found = workers.find(exited.pod_uid); found != workers.end()) found->second->exited(exited);
        if ((*self)->heard_) (*self)->heard_();
    });
    context_.ports.runtime.list([weak = std::weak_ptr(alive_)](base::Result<Observed> observed) {
        const auto self = weak.lock();
        if (!self) return;
        if (observed) return (*self)->adopt(std::move(*observed));
        (*self)->list_retry_ = (*self)->loop_.after(seconds(1), [node = *self] { node->start(); });
    });
}

const PodWorker* Node::find(const std::string& uid) const {
    const auto found = workers_.find(uid);
    return found == workers_.end() ? nullptr : found->second.get();
}

bool Node::ours(const ObjectPtr& pod) const { return pod && (*pod)["spec"]["nodeName"].str() == settings_.node_name; }

void Node::adopt(Observed observed) {
    std::map<std::string, std::vector<ContainerObserved>> containers;
    for (auto& container : observed.containers) containers[container.pod_uid].push_back(std::move(container));
    std::map<std::string, const PodObserved*> pods;
    for (const auto& pod : observed.pods) pods[pod.uid] = &pod;
    for (auto& [uid, list] : containers) {
        std::ranges::sort(list, [](const auto& a, const auto& b) {
            return std::tie(a.name, a.attempt) < std::tie(b.name, b.attempt);
        });
        pods.try_emplace(uid, nullptr);
    }
    adopted_ = true;
    for (const auto& pod : api_.store().list({"", "pods"})) {
        if (!ours(pod)) continue;
        auto* worker = add(pod);
        const auto found = pods.find(worker->uid());
        worker->adopt(found == pods.end() ? nullptr : found->second, containers[worker->uid()]);
        if (found != pods.end()) pods.erase(found);
    }
    for (const auto& [uid, pod] : pods) {  // nobody asks for these any more
        if (!pod || pod->ip.empty() || pod->ip == settings_.host_ip) {
            clear_away(uid, "");
            continue;
        }
        context_.ports.traffic.exclude(uid, pod->ip, [weak = std::weak_ptr(alive_), id = uid, ip = pod->ip] {
            if (const auto self = weak.lock()) (*self)->clear_away(id, ip);
        });
    }
}

void Node::clear_away(const std::string& uid, const std::string& ip) {
    context_.ports.runtime.tear_down_pod(uid, [weak = std::weak_ptr(alive_), uid, ip](base::Result<void>) {
        const auto self = weak.lock();
        if (!self) return;
        (*self)->context_.ports.traffic.forget(uid, ip);
        (*self)->context_.ports.files.remove_pod(uid);
    });
}

void Node::on_event(const store::EventPtr& event) {
    const auto& resource = event->key.resource;
    if (!adopted_ || !resource.group.empty()) return;
    if (resource.plural == "pods") {
        if (!ours(event->object) && !ours(event->previous)) return;
        if (event->type != store::EventType::deleted && !event->object->deleting())
            return on_pod(event->object, event->type);
        // What is stopped cannot be taken back: a deletion that a crash may still undo must not end a pod that would
        // then be ready and in service again.
        api_.store().when_durable(event->revision, [event, weak = std::weak_ptr(alive_)] {
            if (const auto self = weak.lock()) (*self)->on_pod(event->object, event->type);
        });
        return;
    }
    if (resource.plural != "configmaps" && resource.plural != "secrets") return;
    const auto found = users_.find({resource.plural, event->key.ns, event->key.name});
    if (found == users_.end()) return;
    for (const auto& uid : found->second) workers_.at(uid)->object_changed();
}

void Node::on_pod(const ObjectPtr& pod, store::EventType type) {
    const std::string uid(pod->uid());
    const auto found = workers_.find(uid);
    if (type == store::EventType::deleted) {
        if (found != workers_.end()) found->second->vanished();
        return;
    }
    if (found == workers_.end()) {
        add(pod)->look();
        return;
    }
    found->second->changed(pod);
    note_uses(found->second->view());
}

PodWorker* Node::add(const ObjectPtr& pod) {
    auto worker = std::make_shared<PodWorker>(context_, pod, [weak = std::weak_ptr(alive_)](const std::string& uid) {
        const auto self = weak.lock();
        if (!self) return;
        for (const auto& use : (*self)->uses_[uid]) {
            auto& users = (*self)->users_[use];
            users.erase(uid);
            if (users.empty()) (*self)->users_.erase(use);
        }
        (*self)->uses_.erase(uid);
        (*self)->workers_.erase(uid);
        if ((*self)->heard_) (*self)->heard_();
    });
    auto* added = worker.get();
    workers_[worker->uid()] = std::move(worker);
    note_uses(added->view());
    return added;
}

void Node::note_uses(const PodView& view) {
    auto& mine = uses_[view.uid];
    for (const auto& [kind, name] : used_objects(view)) {
        const std::tuple use{kind, view.ns, name};
        if (mine.insert(use).second) users_[use].insert(view.uid);
    }
}

}  // namespace node
