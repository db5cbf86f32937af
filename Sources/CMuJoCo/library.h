#ifndef APUS_MUJOCO_LIBRARY_H
#define APUS_MUJOCO_LIBRARY_H

#include "CMuJoCo.h"

// Bits of mjtState that have never moved.
enum { state_positions = 1 << 1, state_velocities = 1 << 2 };

/// MuJoCo's functions. mjModel, mjData and mjSpec are only ever handled by their addresses.
struct apus_mujoco {
    const char *(*version_string)(void);
    void *(*parse_xml_string)(const char *xml, const void *files, char *error, int error_size);
    void *(*compile)(void *spec, const void *files);
    const char *(*spec_error)(void *spec);
    void (*delete_spec)(void *spec);
    void (*delete_model)(void *model);
    void *(*make_data)(const void *model);
    void *(*copy_data)(void *destination, const void *model, const void *source);
    void (*delete_data)(void *data);
    void (*reset_data)(const void *model, void *data);
    int (*state_size)(const void *model, unsigned int bits);
    void (*get_state)(const void *model, const void *data, double *state, unsigned int bits);
    void (*set_state)(const void *model, void *data, const double *state, unsigned int bits);
    void (*forward)(const void *model, void *data);
    void (*step)(const void *model, void *data);
    void (*rne_post_constraint)(const void *model, void *data);
    int (*name2id)(const void *model, int type, const char *name);
    void (*local2global)(
        void *data, double *position, double *matrix, const double *local, const double *quaternion, int body, unsigned char same_frame);
    // Variables of the library that hold the addresses of functions.
    void *(**user_malloc)(size_t);
    void (**user_free)(void *);
    void (**user_error)(const char *);
    void (**user_warning)(const char *);
};

struct apus_mujoco_model {
    const apus_mujoco *library;
    void *model;
    apus_mujoco_counts counts;
    unsigned int state_controls, state_external_forces;
    /// Where the address of cfrc_ext lies in mjData, in bytes; 0 while unknown.
    size_t external_forces_offset;
};

#endif
