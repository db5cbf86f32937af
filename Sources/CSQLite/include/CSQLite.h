#pragma once

#include <sqlite3.h>

/// The functions of SQLite that Apus calls. The library is loaded when they are asked for first: only the environment `sql` needs it, and
/// actors on other hosts run without.
typedef struct apus_sqlite {
    __typeof__(&sqlite3_open_v2) open;
    __typeof__(&sqlite3_close) close;
    __typeof__(&sqlite3_errmsg) error;
    __typeof__(&sqlite3_exec) execute;
    __typeof__(&sqlite3_limit) limit;
    __typeof__(&sqlite3_set_authorizer) set_authorizer;
    __typeof__(&sqlite3_progress_handler) set_progress_handler;
    __typeof__(&sqlite3_prepare_v2) prepare;
    __typeof__(&sqlite3_step) step;
    __typeof__(&sqlite3_finalize) finalize;
    __typeof__(&sqlite3_column_count) column_count;
    __typeof__(&sqlite3_column_type) column_type;
    __typeof__(&sqlite3_column_double) column_double;
    __typeof__(&sqlite3_column_text) column_text;
} apus_sqlite;

/// NULL: there is no library, or one without these functions. From any thread.
const apus_sqlite *apus_sqlite_library(void);
