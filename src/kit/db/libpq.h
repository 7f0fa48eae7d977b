// libpq, loaded when a PostgreSQL address is first opened. Linked as usual it would bring thirteen libraries (Kerberos,
// LDAP, GnuTLS, ...) into every process: 3 MB and half of its start, also where the database is SQLite.
#pragma once

#include <libpq-fe.h>

#include "base/result.h"

namespace kit::db {

/// Its functions, by their names without PQ.
struct Libpq {
    decltype(&PQclear) clear = nullptr;
    decltype(&PQcmdTuples) cmd_tuples = nullptr;
    decltype(&PQconnectPoll) connect_poll = nullptr;
    decltype(&PQconnectStart) connect_start = nullptr;
    decltype(&PQconninfoFree) conninfo_free = nullptr;
    decltype(&PQconninfoParse) conninfo_parse = nullptr;
    decltype(&PQconsumeInput) consume_input = nullptr;
    decltype(&PQenterPipelineMode) enter_pipeline_mode = nullptr;
    decltype(&PQerrorMessage) error_message = nullptr;
    decltype(&PQexitPipelineMode) exit_pipeline_mode = nullptr;
    decltype(&PQfinish) finish = nullptr;
    decltype(&PQflush) flush = nullptr;
    decltype(&PQfreemem) freemem = nullptr;
    decltype(&PQgetResult) get_result = nullptr;
    decltype(&PQgetisnull) getisnull = nullptr;
    decltype(&PQgetlength) getlength = nullptr;
    decltype(&PQgetvalue) getvalue = nullptr;
    decltype(&PQisBusy) is_busy = nullptr;
    decltype(&PQnfields) nfields = nullptr;
    decltype(&PQntuples) ntuples = nullptr;
    decltype(&PQpipelineSync) pipeline_sync = nullptr;
    decltype(&PQresultErrorField) result_error_field = nullptr;
    decltype(&PQresultStatus) result_status = nullptr;
    decltype(&PQsendPrepare) send_prepare = nullptr;
    decltype(&PQsendQuery) send_query = nullptr;
    decltype(&PQsendQueryPrepared) send_query_prepared = nullptr;
    decltype(&PQsetNoticeProcessor) set_notice_processor = nullptr;
    decltype(&PQsetnonblocking) setnonblocking = nullptr;
    decltype(&PQsocket) socket = nullptr;
    decltype(&PQstatus) status = nullptr;
};

/// An Error when it is not installed.
base::Result<void> load_libpq();
/// After load_libpq() has succeeded.
const Libpq& libpq();

}  // namespace kit::db
