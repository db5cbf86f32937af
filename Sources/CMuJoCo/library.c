#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/// MuJoCo tells about unstable simulations here, after it has put them back into the reference state; its own handler writes a file into
/// the current folder.
static void ignore_warning(const char *message) { (void)message; }

/// MuJoCo cannot go on; its own handler would do the same after writing a file into the current folder.
static void fail(const char *message) {
    fprintf(stderr, "error: MuJoCo: %s\n", message);
    abort();
}

apus_mujoco *apus_mujoco_open(const char *path, char *error, size_t error_size) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(error, error_size, "%s", dlerror());
        return NULL;
    }
    apus_mujoco *library = calloc(1, sizeof *library);
    if (!library) {
        snprintf(error, error_size, "no memory");
        dlclose(handle);
        return NULL;
    }
    const struct {
        void *place;
        const char *name;
    } symbols[] = {
        {&library->version_string, "mj_versionString"},
        {&library->parse_xml_string, "mj_parseXMLString"},
        {&library->compile, "mj_compile"},
        {&library->spec_error, "mjs_getError"},
        {&library->delete_spec, "mj_deleteSpec"},
        {&library->delete_model, "mj_deleteModel"},
        {&library->make_data, "mj_makeData"},
        {&library->copy_data, "mj_copyData"},
        {&library->delete_data, "mj_deleteData"},
        {&library->reset_data, "mj_resetData"},
        {&library->state_size, "mj_stateSize"},
        {&library->get_state, "mj_getState"},
        {&library->set_state, "mj_setState"},
        {&library->forward, "mj_forward"},
        {&library->step, "mj_step"},
        {&library->rne_post_constraint, "mj_rnePostConstraint"},
        {&library->name2id, "mj_name2id"},
        {&library->local2global, "mj_local2Global"},
        {&library->user_malloc, "mju_user_malloc"},
        {&library->user_free, "mju_user_free"},
        {&library->user_error, "mju_user_error"},
        {&library->user_warning, "mju_user_warning"},
    };
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (!symbol) {
            snprintf(error, error_size, "it has no function %s", symbols[i].name);
            free(library);
            dlclose(handle);
            return NULL;
        }
        *(void **)symbols[i].place = symbol;
    }
    *library->user_error = fail;
    *library->user_warning = ignore_warning;
    return library;
}

const char *apus_mujoco_version(const apus_mujoco *library) { return library->version_string(); }
