#include "kit/web/static_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "kit/web/gzip.h"

namespace kit {
namespace {

constexpr std::size_t files_max = 10'000;
constexpr std::uintmax_t file_bytes_max = 64 << 20;
constexpr std::size_t kept_bytes_max = 1 << 20;  ///< of compressed files, in memory
constexpr int level_kept = 6;

struct Type {
    std::string_view ending;
    std::string_view type;
};
constexpr Type types[] = {{".css", "text/css; charset=utf-8"},
                          {".csv", "text/csv; charset=utf-8"},
                          {".gif", "image/gif"},
                          {".html", "text/html; charset=utf-8"},
                          {".ico", "image/x-icon"},
                          {".jpg", "image/jpeg"},
                          {".js", "text/javascript; charset=utf-8"},
                          {".json", "application/json"},
                          {".map", "application/json"},
                          {".mjs", "text/javascript; charset=utf-8"},
                          {".png", "image/png"},
                          {".svg", "image/svg+xml"},
                          {".txt", "text/plain; charset=utf-8"},
                          {".wasm", "application/wasm"},
                          {".webmanifest", "application/manifest+json"},
                          {".webp", "image/webp"},
                          {".woff2", "font/woff2"},
                          {".xml", "application/xml"}};

std::string_view type_of(std::string_view path) {
    const auto found = std::ranges::find_if(types, [&](const Type& one) { return path.ends_with(one.ending); });
    return found == std::end(types) ? "application/octet-stream" : found->type;
}

std::optional<std::string> content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (!file || error || size > file_bytes_max) return std::nullopt;
    std::string text(size, '\0');
    file.read(text.data(), static_cast<std::streamsize>(size));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return text;
}

/// Weak: the same in gzip has the same.
std::string tag_of(const std::string& path) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return {};
    return fmt::format("W/\"{:x}-{:x}.{:x}\"", about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
}

/// Whether an If-None-Match names `tag` (RFC 9110, 13.1.2: compared weakly).
bool names(std::string_view if_none_match, std::string_view tag) {
    if (if_none_match == "*") return true;
    const auto bare = tag.substr(2);
    const auto at = if_none_match.find(bare);
    return !bare.empty() && at != std::string_view::npos;
}

std::shared_ptr<const std::string> read(const std::string& path) {
    auto text = content(path);
    return text ? std::make_shared<const std::string>(std::move(*text)) : nullptr;
}

}  // namespace

base::Result<void> FileShelf::fill() {
    std::error_code error;
    const std::filesystem::path top(options_.folder);
    for (std::filesystem::recursive_directory_iterator at(top, error), end; !error && at != end; at.increment(error)) {
        if (!at->is_regular_file(error) || at->is_symlink(error)) continue;
        if (files_.size() >= files_max) return base::fail(base::Code::too_large, options_.folder + " is too full");
        File file;
        file.path = at->path().string();
        files_.emplace(at->path().lexically_relative(top).generic_string(), std::move(file));
    }
    if (error) return base::fail(base::Code::not_found, options_.folder + ": " + error.message());
    for (auto& [name, file] : files_) file.has_gz = files_.contains(name + ".gz");
    return {};
}

void FileShelf::answer(Call call, const std::string& name) {
    auto* file = find(name);
    if (!file) return call.problem({.status = 404, .detail = "nothing is at " + call.request().path, .fields = {}});
    const auto& headers = call.request().headers;
    const auto tag = tag_of(file->path);
    http::Response response;
    for (const auto& [field, value] : options_.headers.all()) response.headers.add(field, value);
    const bool lasts = !options_.forever.empty() && name.starts_with(options_.forever) && files_.contains(name);
    response.headers.add("Cache-Control", lasts ? "public, max-age=31536000, immutable" : "no-cache");
    response.headers.add("ETag", tag);
    response.headers.add("Vary", "Accept-Encoding");
    if (names(headers.get("If-None-Match"), tag)) {
        response.status = 304;
        return call.answer(std::move(response));
    }
    response.headers.add("Content-Type", type_of(file->path));
    const bool packed = takes_gzip(headers.get("Accept-Encoding")) && worth_compressing(type_of(file->path));
    if (packed) response.headers.add("Content-Encoding", "gzip");
    response.body = packed ? packed_body(*file, tag) : read(file->path);
    if (!response.body) return call.fail({base::Code::unavailable, "the file cannot be read"});
    call.answer(std::move(response));
}

FileShelf::File* FileShelf::find(std::string_view name) {
    std::string wanted(name);
    if (wanted.empty() || wanted.ends_with('/')) wanted += options_.front;
    auto found = files_.find(wanted);
    if (found == files_.end()) found = files_.find(wanted + "/" + options_.front);
    const auto last = name.substr(name.rfind('/') + 1);
    if (found == files_.end() && !options_.fallback.empty() && last.find('.') == std::string_view::npos)
        found = files_.find(options_.fallback);
    return found == files_.end() ? nullptr : &found->second;
}

std::shared_ptr<const std::string> FileShelf::packed_body(File& file, const std::string& tag) {
    if (file.has_gz) return read(file.path + ".gz");
    if (file.kept_gzip && file.kept_tag == tag) return file.kept_gzip;
    const auto plain = content(file.path);
    if (!plain) return nullptr;
    auto packed = std::make_shared<const std::string>(gzip(*plain, level_kept));
    if (kept_bytes_ + packed->size() <= kept_bytes_max) {
        kept_bytes_ += packed->size() - (file.kept_gzip ? file.kept_gzip->size() : 0);
        file.kept_gzip = packed;
        file.kept_tag = tag;
    }
    return packed;
}

base::Result<void> serve_files(Router& router, StaticFiles options) {
    auto pattern = options.at + (options.at.ends_with('/') ? "{rest...}" : "/{rest...}");
    const auto shelf = std::make_shared<FileShelf>(std::move(options));
    TRY(shelf->fill());
    router.get(std::move(pattern)).unlisted().calls([shelf](Call call) {
        const std::string name(call.path("rest"));
        shelf->answer(std::move(call), name);
    });
    return {};
}

}  // namespace kit
