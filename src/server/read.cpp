#include "server/read.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/answer.h"
#include "server/represent.h"
#include "server/status.h"

namespace server {

using base::Code;
using base::Result;
using object::ObjectPtr;

namespace {

/// ?resourceVersion of a GET: only one that is still to come, or no number, changes anything.
Result<void> check_version(Core& core, const Query& query) {
    const auto options = TRY(
        parse_list_options(Query({{"resourceVersion", std::string(query.get("resourceVersion"))}}), Reading::watch));
    if (options.version && *options.version > core.store().revision())
        return std::unexpected(too_large_version(*options.version, core.store().revision()));
    return {};
}

struct Page {
    std::vector<ObjectPtr> objects;
    ListMeta meta;
};

/// All objects that the page is cut from, with the revision that they show.
Result<Page> snapshot(Core& core, const Call& call, const Selection& selection, const ListOptions& options,
                      const std::optional<Continue>& from) {
    auto& store = core.store();
    const auto resource = verbs::key_of(call.target()).resource;
    const auto at = from                                               ? from->revision
                    : options.match == Match::exact && options.version ? *options.version
                                                                       : store.revision();
    if (options.version && *options.version > store.revision())
        return std::unexpected(too_large_version(*options.version, store.revision()));
    Page page;
    page.meta.revision = at;
    page.objects = at == store.revision() ? selection.candidates(store, resource)
                                          : TRY(store.list_at(resource, call.place.ns, at));
    return page;
}

void skip_seen(std::vector<ObjectPtr>& objects, const Continue& from) {
    const auto first = std::ranges::find_if(objects, [&](const ObjectPtr& object) {
        return std::pair(object->ns(), object->name()) >
               std::pair(std::string_view(from.ns), std::string_view(from.name));
    });
    objects.erase(objects.begin(), first);
}

/// Keeps what is selected, up to `limit`; says where the next page begins when objects are left.
void cut(Page& page, const Selection& selection, std::int64_t limit) {
    auto& objects = page.objects;
    if (selection.everything() && (limit <= 0 || std::ssize(objects) <= limit)) return;
    std::vector<ObjectPtr> kept;
    std::size_t seen = 0;
    for (; seen < objects.size() && (limit <= 0 || std::ssize(kept) < limit); ++seen)
        if (selection.matches(*objects[seen])) kept.push_back(std::move(objects[seen]));
    if (seen < objects.size() && !kept.empty()) {
        const auto& last = *kept.back();
        page.meta.next = continue_text({page.meta.revision, std::string(last.ns()), std::string(last.name())});
        if (selection.everything()) page.meta.remaining = std::ssize(objects) - static_cast<std::ptrdiff_t>(seen);
    }
    objects = std::move(kept);
}

Result<Page> list_page(Core& core, const Call& call) {
    const auto options = TRY(parse_list_options(call.query, Reading::list));
    const auto selection = TRY(Selection::of(call));
    std::optional<Continue> from;
    if (!options.next.empty()) {
        from = TRY(parse_continue(options.next));
        if (options.version.value_or(0) != 0)
            return base::fail(Code::bad_request, "specifying resource version is not allowed when using continue");
    }
    auto page = TRY(snapshot(core, call, selection, options, from));
    if (from) skip_seen(page.objects, *from);
    // As upstream's cache does: resourceVersion=0 gives everything at once.
    const bool any_version = options.version == store::Revision{0} && !from;
    cut(page, selection, any_version ? 0 : options.limit);
    return page;
}

}  // namespace

std::string list_text(const object::Kind& kind, const std::vector<ObjectPtr>& objects, const ListMeta& meta) {
    const ItemWriter items(kind);
    auto out = fmt::format(R"({{"kind":"{}","apiVersion":"{}","metadata":{},"items":[)", kind.list_kind,
                           kind.api_version(), meta.text());
    std::size_t size = out.size() + 2;
    for (const auto& object : objects) size += items.size_of(*object) + 1;
    out.reserve(size);
    bool first = true;
    for (const auto& object : objects) {
        if (!first) out += ',';
        first = false;
        items.append(out, object);
    }
    out += "]}";
    return out;
}

namespace {

std::string partial_list_text(const std::vector<ObjectPtr>& objects, const ListMeta& meta, std::string_view version) {
    auto out =
        fmt::format(R"({{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/{}","metadata":{},"items":[)",
                    version, meta.text());
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (i) out += ',';
        out += partial_text(*objects[i], version);
    }
    return out + "]}";
}

}  // namespace

void send_list(Core& core, Call call, const std::vector<ObjectPtr>& objects, const ListMeta& meta) {
    std::string text;
    const auto& kind = *call.place.kind;
    if (call.accepted.form == Form::table) {
        const auto layout = TableLayout::of(kind, call.accepted.meta_version, call.query.get("includeObject"));
        if (!layout) return send_error(std::move(call), layout.error());
        text = layout->of_list(objects, meta, core.loop.now());
    } else if (call.accepted.form == Form::partial) {
        text = partial_list_text(objects, meta, call.accepted.meta_version);
    } else {
        text = list_text(kind, objects, meta);
    }
    const auto revision = std::min(meta.revision, core.store().revision());
    send_durable(core, std::move(call), revision, 200, std::make_shared<const std::string>(std::move(text)));
}

void get_object(Core& core, Call call) {
    if (call.query.has("resourceVersion"))
        if (const auto checked = check_version(core, call.query); !checked)
            return send_error(std::move(call), checked.error());
    const auto object = core.api.get(call.target());
    if (!object) return send_error(std::move(call), object.error());
    const auto* kind = call.place.kind;
    send_object(core, std::move(call), 200, *kind, *object);
}

void list_or_watch(Core& core, Call call) {
    if (call.query.flag("watch")) return open_watch(core, std::move(call));
    const auto page = list_page(core, call);
    if (!page) return send_error(std::move(call), page.error());
    send_list(core, std::move(call), page->objects, page->meta);
}

}  // namespace server
