#ifndef APUS_CBOX2D_H
#define APUS_CBOX2D_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A Box2D world with a static ground, one hull and two legs on motorised hinges.
typedef struct apus_lander apus_lander;

/// What Box2D is told about a lander; lengths in metres, angles in radians. Single precision, as Box2D computes.
typedef struct {
    float gravity;
    /// Seconds of one step.
    float time_step;
    /// Iterations of the velocity solver in flight.
    int velocity_iterations;
    /// The same during the first two steps, when the hinges are torn, and while anything touches the ground.
    int stiff_iterations;
    int position_iterations;
    /// A straight edge from (0, 0) to (base_width, 0), under the terrain.
    float base_width;
    /// A chain of `terrain_count` points (x, y), each two neighbours an edge of its own.
    const float *terrain;
    int terrain_count;
    float terrain_friction;
    /// Where the hull and the two legs (right, left) start.
    float x, y, leg_x[2];
    /// A convex polygon of `hull_count` points (x, y) around the hull's origin.
    const float *hull;
    int hull_count;
    float hull_density, hull_friction;
    /// What pushes the hull during the first step.
    float force_x, force_y;
    /// Half the width and height of a leg.
    float leg_width, leg_height, leg_density;
    /// The hinge in the frame of the second leg; the first leg's is its mirror image.
    float leg_away, leg_down;
    /// The second leg's turn at the start; the first one turns the other way.
    float leg_angle;
    /// The hinge's limits for the first leg; the second leg's are their mirror image.
    float leg_lower, leg_upper;
    float motor_torque;
    /// The second leg's; the first one's is its opposite.
    float motor_speed;
} apus_lander_scene;

typedef struct {
    float x, y, velocity_x, velocity_y, angle, angular_velocity;
    /// The legs touch the ground, and the hull has touched something since the start.
    bool leg_contact[2], hull_contact;
    bool awake;
} apus_lander_state;

/// NULL when memory is short.
apus_lander *apus_lander_new(void);
void apus_lander_free(apus_lander *lander);

/// Builds a new world; nothing remains of the one before.
void apus_lander_build(apus_lander *lander, const apus_lander_scene *scene);

/// Acts on the hull during the next step only. Wakes it.
void apus_lander_apply_force(apus_lander *lander, float force_x, float torque);
/// Changes the hull's momentum at once, at a point of the world. Wakes it.
void apus_lander_apply_impulse(apus_lander *lander, float x, float y, float at_x, float at_y);

void apus_lander_step(apus_lander *lander);
apus_lander_state apus_lander_read(const apus_lander *lander);

#ifdef __cplusplus
}
#endif

#endif
