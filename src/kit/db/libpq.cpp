#include "kit/db/libpq.h"

#include <dlfcn.h>

namespace kit::db {
namespace {

constexpr auto library = "libpq.so.5";

struct Loaded {
    Libpq functions;
    bool whole = true;

    Loaded() {
        void* const handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            whole = false;
            return;
        }
        const auto find = [&]<class Function>(Function& function, const char* name) {
            function = reinterpret_cast<Function>(::dlsym(handle, name));
            whole = whole && function != nullptr;
        };
        find(functions.clear, "PQclear");
        find(functions.cmd_tuples, "PQcmdTuples");
        find(functions.connect_poll, "PQconnectPoll");
        find(functions.connect_start, "PQconnectStart");
        find(functions.conninfo_free, "PQconninfoFree");
        find(functions.conninfo_parse, "PQconninfoParse");
        find(functions.consume_input, "PQconsumeInput");
        find(functions.enter_pipeline_mode, "PQenterPipelineMode");
        find(functions.error_message, "PQerrorMessage");
        find(functions.exit_pipeline_mode, "PQexitPipelineMode");
        find(functions.finish, "PQfinish");
        find(functions.flush, "PQflush");
        find(functions.freemem, "PQfreemem");
        find(functions.get_result, "PQgetResult");
        find(functions.getisnull, "PQgetisnull");
        find(functions.getlength, "PQgetlength");
        find(functions.getvalue, "PQgetvalue");
        find(functions.is_busy, "PQisBusy");
        find(functions.nfields, "PQnfields");
        find(functions.ntuples, "PQntuples");
        find(functions.pipeline_sync, "PQpipelineSync");
        find(functions.result_error_field, "PQresultErrorField");
        find(functions.result_status, "PQresultStatus");
        find(functions.send_prepare, "PQsendPrepare");
        find(functions.send_query, "PQsendQuery");
        find(functions.send_query_prepared, "PQsendQueryPrepared");
        find(functions.set_notice_processor, "PQsetNoticeProcessor");
        find(functions.setnonblocking, "PQsetnonblocking");
        find(functions.socket, "PQsocket");
        find(functions.status, "PQstatus");
    }
};

const Loaded& loaded() {
    static const Loaded once;
    return once;
}

}  // namespace

base::Result<void> load_libpq() {
    if (loaded().whole) return {};
    return base::fail(
        base::Code::unavailable,
        "PostgreSQL cannot be spoken to: libpq.so.5 of version 14 or newer is missing (Debian package libpq5)");
}

const Libpq& libpq() { return loaded().functions; }

}  // namespace kit::db
