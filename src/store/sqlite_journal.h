// The durable side: one SQLite file (WAL, synchronous=FULL) holding the current objects and the revision. A thread of
// its own commits whatever has gathered since its last commit, so that many writers share one sync to disk.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "store/store.h"

namespace store {

struct Opened {
    Loaded loaded;
    std::unique_ptr<Journal> journal;
};

/// Opens or makes the file and reads all of it. Errors say which file and what SQLite said; a file of a newer format is
/// refused. A write that fails later (disk full) is tried again each second and holds back everything after it: nothing
/// that was not written is ever called durable.
base::Result<Opened> open_sqlite_journal(const std::filesystem::path& file, run::Loop& loop,
                                         std::function<void(std::string_view)> complain);

}  // namespace store
