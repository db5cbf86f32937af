#ifndef APUS_CMUJOCO_H
#define APUS_CMUJOCO_H

#include <stdbool.h>
#include <stddef.h>

/// libmujoco, loaded at run time. MuJoCo's headers are not needed: everything goes through functions whose signatures have not changed since
/// 3.2, and what has moved since (bits of the state, fields of mjData) is found by what it contains.
typedef struct apus_mujoco apus_mujoco;

/// Loads the library at `path`; it stays loaded. NULL, with one line in `error`, when it cannot be loaded or is older than 3.2.
apus_mujoco *apus_mujoco_open(const char *path, char *error, size_t error_size);
/// "4.0.0"
const char *apus_mujoco_version(const apus_mujoco *library);

/// A compiled model. Many data share it, on any thread.
typedef struct apus_mujoco_model apus_mujoco_model;

/// Compiles MJCF text. NULL, with MuJoCo's message in `error`, when that fails.
apus_mujoco_model *apus_mujoco_model_new(const apus_mujoco *library, const char *xml, char *error, size_t error_size);
void apus_mujoco_model_free(apus_mujoco_model *model);

typedef struct {
    /// nq, nv, nu, nbody (the world included).
    int positions, velocities, controls, bodies;
} apus_mujoco_counts;
apus_mujoco_counts apus_mujoco_model_counts(const apus_mujoco_model *model);
/// −1 when there is no body of that name.
int apus_mujoco_model_body(const apus_mujoco_model *model, const char *name);
/// Finds where mjData keeps cfrc_ext, which no function gives. Must be called before any data of the model is made, by one thread; false
/// when the place is not found. The model must not touch anything in its reference position.
bool apus_mujoco_model_find_external_forces(apus_mujoco_model *model);

/// The state of one simulation. Belongs to one thread at a time; must not outlive its model.
typedef struct apus_mujoco_data apus_mujoco_data;

/// In the reference state; NULL when memory is short.
apus_mujoco_data *apus_mujoco_data_new(const apus_mujoco_model *model);
/// With everything that the next step depends on; NULL when memory is short.
apus_mujoco_data *apus_mujoco_data_copy(const apus_mujoco_data *data);
void apus_mujoco_data_free(apus_mujoco_data *data);

/// Back to the reference state.
void apus_mujoco_reset(apus_mujoco_data *data);
/// Positions, then velocities.
void apus_mujoco_read(const apus_mujoco_data *data, double *state);
/// Positions, then velocities; computes what depends on them.
void apus_mujoco_write(apus_mujoco_data *data, const double *state);
/// Sets the controls and makes `count` time steps.
void apus_mujoco_step(apus_mujoco_data *data, const float *controls, int count);
/// Where the last time step saw a body: MuJoCo computes positions of bodies before it integrates.
void apus_mujoco_body_position(const apus_mujoco_data *data, int body, double position[3]);
/// Computes and gives what acts on each body from outside, [bodies, 6]: torque and force around the centre of mass of its tree. Valid until
/// the next call with this data. Only after `apus_mujoco_model_find_external_forces`.
const double *apus_mujoco_external_forces(apus_mujoco_data *data);

#endif
