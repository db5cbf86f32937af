#include "library.h"

#include <stdlib.h>
#include <string.h>

struct apus_mujoco_data {
    const apus_mujoco_model *model;
    void *data;
    /// What mjData is told to do, in its own precision.
    double controls[];
};

static apus_mujoco_data *allocate(const apus_mujoco_model *model) {
    apus_mujoco_data *data = calloc(1, sizeof *data + (size_t)model->counts.controls * sizeof(double));
    if (data) data->model = model;
    return data;
}

apus_mujoco_data *apus_mujoco_data_new(const apus_mujoco_model *model) {
    apus_mujoco_data *data = allocate(model);
    if (!data) return NULL;
    data->data = model->library->make_data(model->model);
    if (data->data) return data;
    free(data);
    return NULL;
}

apus_mujoco_data *apus_mujoco_data_copy(const apus_mujoco_data *source) {
    apus_mujoco_data *data = apus_mujoco_data_new(source->model);
    if (data) data->model->library->copy_data(data->data, source->model->model, source->data);
    return data;
}

void apus_mujoco_data_free(apus_mujoco_data *data) {
    if (!data) return;
    data->model->library->delete_data(data->data);
    free(data);
}

void apus_mujoco_reset(apus_mujoco_data *data) { data->model->library->reset_data(data->model->model, data->data); }

void apus_mujoco_read(const apus_mujoco_data *data, double *state) {
    data->model->library->get_state(data->model->model, data->data, state, state_positions | state_velocities);
}

void apus_mujoco_write(apus_mujoco_data *data, const double *state) {
    const apus_mujoco *library = data->model->library;
    library->set_state(data->model->model, data->data, state, state_positions | state_velocities);
    library->forward(data->model->model, data->data);
}

void apus_mujoco_step(apus_mujoco_data *data, const float *controls, int count) {
    const apus_mujoco_model *model = data->model;
    for (int i = 0; i < model->counts.controls; i++) data->controls[i] = controls[i];
    model->library->set_state(model->model, data->data, data->controls, model->state_controls);
    for (int i = 0; i < count; i++) model->library->step(model->model, data->data);
}

void apus_mujoco_body_position(const apus_mujoco_data *data, int body, double position[3]) {
    // The body's own origin; its frame is no other's.
    const double origin[3] = {0, 0, 0};
    data->model->library->local2global(data->data, position, NULL, origin, NULL, body, 0);
}

const double *apus_mujoco_external_forces(apus_mujoco_data *data) {
    data->model->library->rne_post_constraint(data->model->model, data->data);
    const double *forces;
    memcpy(&forces, (const char *)data->data + data->model->external_forces_offset, sizeof forces);
    return forces;
}
