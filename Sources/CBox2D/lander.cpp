#include "CBox2D.h"

#include <box2d/box2d.h>

#include <new>
#include <optional>

namespace {

// Hull and legs touch the ground alone, never one another.
constexpr uint16 ground_category = 0x0001;
constexpr uint16 hull_category = 0x0010;
constexpr uint16 leg_category = 0x0020;

/// What has touched what, as the task counts it: a leg is off the ground as soon as any one of its contacts ends.
struct contacts final : b2ContactListener {
    const b2Body *hull = nullptr;
    const b2Body *legs[2] = {nullptr, nullptr};
    bool leg_contact[2] = {false, false};
    bool hull_contact = false;
    /// Contacts that last.
    int lasting = 0;

    static bool concerns(b2Contact *contact, const b2Body *body) {
        return contact->GetFixtureA()->GetBody() == body || contact->GetFixtureB()->GetBody() == body;
    }

    void BeginContact(b2Contact *contact) override {
        lasting++;
        if (concerns(contact, hull)) hull_contact = true;
        for (int i = 0; i < 2; i++)
            if (concerns(contact, legs[i])) leg_contact[i] = true;
    }

    void EndContact(b2Contact *contact) override {
        lasting--;
        for (int i = 0; i < 2; i++)
            if (concerns(contact, legs[i])) leg_contact[i] = false;
    }
};

/// One episode.
struct scene_world {
    b2World world;
    contacts listener;
    b2Body *hull;
    float time_step;
    int velocity_iterations, stiff_iterations, position_iterations;
    int steps = 0;

    explicit scene_world(const apus_lander_scene &scene)
        : world(b2Vec2(0, scene.gravity)), time_step(scene.time_step), velocity_iterations(scene.velocity_iterations),
          stiff_iterations(scene.stiff_iterations), position_iterations(scene.position_iterations) {
        world.SetContactListener(&listener);
        // The order in which bodies come into being is the order in which Box2D solves them.
        add_ground(scene);
        add_hull(scene);
        hull->ApplyForceToCenter(b2Vec2(scene.force_x, scene.force_y), true);
        for (int i = 0; i < 2; i++) listener.legs[i] = add_leg(scene, i == 0 ? -1.0f : 1.0f);
    }

    scene_world(const scene_world &) = delete;
    scene_world &operator=(const scene_world &) = delete;

    void add_ground(const apus_lander_scene &scene) {
        b2BodyDef definition;
        b2Body *ground = world.CreateBody(&definition);
        b2EdgeShape edge;
        edge.SetTwoSided(b2Vec2(0, 0), b2Vec2(scene.base_width, 0));
        ground->CreateFixture(&edge, 0);
        for (int i = 0; i + 1 < scene.terrain_count; i++) {
            const float *p = scene.terrain + 2 * i;
            edge.SetTwoSided(b2Vec2(p[0], p[1]), b2Vec2(p[2], p[3]));
            b2FixtureDef fixture;
            fixture.shape = &edge;
            fixture.friction = scene.terrain_friction;
            ground->CreateFixture(&fixture);
        }
    }

    void add_hull(const apus_lander_scene &scene) {
        b2BodyDef definition;
        definition.type = b2_dynamicBody;
        definition.position.Set(scene.x, scene.y);
        hull = world.CreateBody(&definition);
        b2Vec2 points[b2_maxPolygonVertices];
        for (int i = 0; i < scene.hull_count; i++) points[i].Set(scene.hull[2 * i], scene.hull[2 * i + 1]);
        b2PolygonShape shape;
        shape.Set(points, scene.hull_count);
        b2FixtureDef fixture;
        fixture.shape = &shape;
        fixture.density = scene.hull_density;
        fixture.friction = scene.hull_friction;
        fixture.filter.categoryBits = hull_category;
        fixture.filter.maskBits = ground_category;
        hull->CreateFixture(&fixture);
        listener.hull = hull;
    }

    b2Body *add_leg(const apus_lander_scene &scene, float side) {
        b2BodyDef definition;
        definition.type = b2_dynamicBody;
        definition.position.Set(scene.leg_x[side < 0 ? 0 : 1], scene.y);
        definition.angle = side * scene.leg_angle;
        b2Body *leg = world.CreateBody(&definition);
        b2PolygonShape shape;
        shape.SetAsBox(scene.leg_width, scene.leg_height);
        b2FixtureDef fixture;
        fixture.shape = &shape;
        fixture.density = scene.leg_density;
        fixture.filter.categoryBits = leg_category;
        fixture.filter.maskBits = ground_category;
        leg->CreateFixture(&fixture);

        b2RevoluteJointDef joint;
        joint.bodyA = hull;
        joint.bodyB = leg;
        joint.localAnchorA.SetZero();
        joint.localAnchorB.Set(side * scene.leg_away, scene.leg_down);
        joint.referenceAngle = leg->GetAngle() - hull->GetAngle();
        joint.enableMotor = true;
        joint.maxMotorTorque = scene.motor_torque;
        joint.motorSpeed = side * scene.motor_speed;
        joint.enableLimit = true;
        joint.lowerAngle = side < 0 ? scene.leg_lower : -scene.leg_upper;
        joint.upperAngle = side < 0 ? scene.leg_upper : -scene.leg_lower;
        world.CreateJoint(&joint);
        return leg;
    }
};

}  // namespace

struct apus_lander {
    std::optional<scene_world> episode;
};

apus_lander *apus_lander_new(void) { return new (std::nothrow) apus_lander; }

void apus_lander_free(apus_lander *lander) { delete lander; }

void apus_lander_build(apus_lander *lander, const apus_lander_scene *scene) { lander->episode.emplace(*scene); }

void apus_lander_apply_force(apus_lander *lander, float force_x, float torque) {
    b2Body *hull = lander->episode->hull;
    hull->ApplyForceToCenter(b2Vec2(force_x, 0), true);
    hull->ApplyTorque(torque, true);
}

void apus_lander_apply_impulse(apus_lander *lander, float x, float y, float at_x, float at_y) {
    lander->episode->hull->ApplyLinearImpulse(b2Vec2(x, y), b2Vec2(at_x, at_y), true);
}

void apus_lander_step(apus_lander *lander) {
    scene_world &episode = *lander->episode;
    // The first step pulls the torn hinges together, the second one stops what that has set in motion.
    const bool stiff = episode.steps < 2 || episode.listener.lasting > 0;
    episode.steps++;
    episode.world.Step(episode.time_step, stiff ? episode.stiff_iterations : episode.velocity_iterations, episode.position_iterations);
}

apus_lander_state apus_lander_read(const apus_lander *lander) {
    const scene_world &episode = *lander->episode;
    const b2Body *hull = episode.hull;
    const contacts &touched = episode.listener;
    return {
        hull->GetPosition().x,
        hull->GetPosition().y,
        hull->GetLinearVelocity().x,
        hull->GetLinearVelocity().y,
        hull->GetAngle(),
        hull->GetAngularVelocity(),
        {touched.leg_contact[0], touched.leg_contact[1]},
        touched.hull_contact,
        hull->IsAwake(),
    };
}
