#include "CSQLite.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

static apus_sqlite library;
static const apus_sqlite *loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *handle = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!handle) handle = dlopen("libsqlite3.so", RTLD_NOW | RTLD_LOCAL);
    if (!handle) return;
    const struct {
        void **function;
        const char *name;
    } functions[] = {
        {(void **)&library.open, "sqlite3_open_v2"},
        {(void **)&library.close, "sqlite3_close"},
        {(void **)&library.error, "sqlite3_errmsg"},
        {(void **)&library.execute, "sqlite3_exec"},
        {(void **)&library.limit, "sqlite3_limit"},
        {(void **)&library.set_authorizer, "sqlite3_set_authorizer"},
        {(void **)&library.set_progress_handler, "sqlite3_progress_handler"},
        {(void **)&library.prepare, "sqlite3_prepare_v2"},
        {(void **)&library.step, "sqlite3_step"},
        {(void **)&library.finalize, "sqlite3_finalize"},
        {(void **)&library.column_count, "sqlite3_column_count"},
        {(void **)&library.column_type, "sqlite3_column_type"},
        {(void **)&library.column_double, "sqlite3_column_double"},
        {(void **)&library.column_text, "sqlite3_column_text"},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        *functions[i].function = dlsym(handle, functions[i].name);
        if (!*functions[i].function) return;
    }
    loaded = &library;
}

const apus_sqlite *apus_sqlite_library(void) {
    pthread_once(&once, load);
    return loaded;
}
