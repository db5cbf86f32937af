#include "library.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// mjOBJ_BODY
enum { body_object = 1 };

/// mjtState has got a bit for history buffers before these two. A model without such buffers tells by its sizes which bits are meant: the
/// warm start in front of the controls and the applied forces behind them have as many numbers as there are velocities.
static bool find_state_bits(apus_mujoco_model *model) {
    const apus_mujoco *library = model->library;
    for (int controls = 5; controls <= 6; controls++) {
        if (library->state_size(model->model, 1u << (controls - 1)) != model->counts.velocities) continue;
        if (library->state_size(model->model, 1u << (controls + 1)) != model->counts.velocities) continue;
        model->state_controls = 1u << controls;
        model->state_external_forces = 1u << (controls + 2);
        model->counts.controls = library->state_size(model->model, model->state_controls);
        const int forces = library->state_size(model->model, model->state_external_forces);
        model->counts.bodies = forces / 6;
        return forces > 0 && forces % 6 == 0;
    }
    return false;
}

apus_mujoco_model *apus_mujoco_model_new(const apus_mujoco *library, const char *xml, char *error, size_t error_size) {
    apus_mujoco_model *model = calloc(1, sizeof *model);
    if (!model) {
        snprintf(error, error_size, "no memory");
        return NULL;
    }
    model->library = library;
    void *spec = library->parse_xml_string(xml, NULL, error, (int)error_size);
    if (!spec) {
        free(model);
        return NULL;
    }
    model->model = library->compile(spec, NULL);
    if (!model->model) snprintf(error, error_size, "%s", library->spec_error(spec));
    library->delete_spec(spec);
    if (!model->model) {
        free(model);
        return NULL;
    }
    model->counts.positions = library->state_size(model->model, state_positions);
    model->counts.velocities = library->state_size(model->model, state_velocities);
    if (!find_state_bits(model)) {
        snprintf(error, error_size, "this version of MuJoCo orders its state in an unknown way");
        apus_mujoco_model_free(model);
        return NULL;
    }
    return model;
}

void apus_mujoco_model_free(apus_mujoco_model *model) {
    if (!model) return;
    model->library->delete_model(model->model);
    free(model);
}

apus_mujoco_counts apus_mujoco_model_counts(const apus_mujoco_model *model) { return model->counts; }

int apus_mujoco_model_body(const apus_mujoco_model *model, const char *name) {
    return model->library->name2id(model->model, body_object, name);
}

// What MuJoCo has allocated while one mjData was made: so that only addresses inside of it are ever followed.
static struct {
    char *start;
    size_t size;
} blocks[16];
static int block_count;

static void *record_malloc(size_t size) {
    const size_t alignment = 64;
    const size_t rounded = (size + alignment - 1) / alignment * alignment;
    void *start = aligned_alloc(alignment, rounded);
    if (start && block_count < (int)(sizeof blocks / sizeof blocks[0])) {
        blocks[block_count].start = start;
        blocks[block_count].size = size;
        block_count++;
    }
    return start;
}

static bool lies_in_block(uintptr_t address, size_t size) {
    for (int i = 0; i < block_count; i++) {
        const uintptr_t start = (uintptr_t)blocks[i].start;
        if (address >= start && blocks[i].size >= size && address - start <= blocks[i].size - size) return true;
    }
    return false;
}

/// A torque of its own for every body; a torque alone is the same around every point.
static double torque_of(int body, int axis) { return 0.001 * (3 * body + axis + 1); }

static bool holds_torques(const double *forces, int bodies) {
    for (int body = 0; body < bodies; body++) {
        for (int k = 0; k < 6; k++) {
            // Nothing acts on the world, body 0.
            const double expected = body > 0 && k < 3 ? torque_of(body, k) : 0;
            if (!(fabs(forces[6 * body + k] - expected) < 1e-12)) return false;
        }
    }
    return true;
}

/// The offset of the one address in mjData that leads to numbers that only cfrc_ext can be; 0 when there is none, or several.
static size_t search_external_forces(const apus_mujoco_model *model, const char *data) {
    const size_t size = (size_t)model->counts.bodies * 6 * sizeof(double);
    size_t struct_size = 0;
    for (int i = 0; i < block_count; i++)
        if (blocks[i].start == data) struct_size = blocks[i].size;
    size_t found = 0;
    for (size_t offset = 0; offset + sizeof(uintptr_t) <= struct_size; offset += sizeof(uintptr_t)) {
        uintptr_t address;
        memcpy(&address, data + offset, sizeof address);
        if (address % sizeof(double) != 0 || !lies_in_block(address, size)) continue;
        if (!holds_torques((const double *)address, model->counts.bodies)) continue;
        if (found) return 0;
        found = offset;
    }
    return found;
}

bool apus_mujoco_model_find_external_forces(apus_mujoco_model *model) {
    const apus_mujoco *library = model->library;
    const int bodies = model->counts.bodies;
    double *applied = calloc((size_t)bodies * 6, sizeof *applied);
    if (!applied) return false;
    // xfrc_applied has forces first, cfrc_ext torques.
    for (int body = 1; body < bodies; body++)
        for (int axis = 0; axis < 3; axis++) applied[6 * body + 3 + axis] = torque_of(body, axis);

    void *(*const user_malloc)(size_t) = *library->user_malloc;
    void (*const user_free)(void *) = *library->user_free;
    block_count = 0;
    *library->user_malloc = record_malloc;
    *library->user_free = free;
    void *data = library->make_data(model->model);
    if (data) {
        library->set_state(model->model, data, applied, model->state_external_forces);
        library->forward(model->model, data);
        library->rne_post_constraint(model->model, data);
        model->external_forces_offset = search_external_forces(model, data);
        library->delete_data(data);
    }
    *library->user_malloc = user_malloc;
    *library->user_free = user_free;
    free(applied);
    return model->external_forces_offset != 0;
}
