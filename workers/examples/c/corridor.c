// The smallest worker in C: walk to the end of a corridor that is worth it.
//
//     make && apus environments check worker:./corridor
//
// Observation: the place in 0 … 1, and the end that is worth 1 (−1 left, 1 right).
// Actions: 0 left, 1 right. The contract is proto/worker.proto.
#include "worker.pb-c.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

typedef struct {
    uint64_t random;
    int place, goal, steps;
} Slot;

static int last = 8, limit = 50, count = 0;
static Slot *slots;

// SplitMix64. Each slot draws from its own seed: what happens in one never depends on the others.
static uint64_t draw(Slot *slot) {
    uint64_t z = (slot->random += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static void start(Slot *slot) {
    slot->place = 1 + (int)(draw(slot) % (uint64_t)(last - 1));
    slot->goal = draw(slot) & 1 ? 1 : -1;
    slot->steps = 0;
}

static void observe(const Slot *slot, float *observation) {
    observation[0] = (float)slot->place / (float)last;
    observation[1] = (float)slot->goal;
}

// ------------------------------------------------------------------------------------------------ messages

static void send_message(void *socket, Apus__Worker__FromWorker *message, int more) {
    size_t size = apus__worker__from_worker__get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    apus__worker__from_worker__pack(message, bytes);
    zmq_send(socket, bytes, size, more ? ZMQ_SNDMORE : 0);
    free(bytes);
}

static void say_hello(void *socket) {
    Apus__Worker__Hello hello = APUS__WORKER__HELLO__INIT;
    hello.protocol = 1;
    hello.name = "corridor.c";
    Apus__Worker__FromWorker message = APUS__WORKER__FROM_WORKER__INIT;
    message.body_case = APUS__WORKER__FROM_WORKER__BODY_HELLO;
    message.hello = &hello;
    send_message(socket, &message, 0);
}

static void refuse(void *socket, char *problem, char *remedy) {
    Apus__Worker__Failure failure = APUS__WORKER__FAILURE__INIT;
    failure.kind = APUS__WORKER__FAILURE__KIND__REFUSED;
    failure.problem = problem;
    failure.remedy = remedy;
    Apus__Worker__FromWorker message = APUS__WORKER__FROM_WORKER__INIT;
    message.body_case = APUS__WORKER__FROM_WORKER__BODY_FAILURE;
    message.failure = &failure;
    send_message(socket, &message, 0);
}

static void open_slots(void *socket, const Apus__Worker__Open *request) {
    if (request->protocol != 1) return refuse(socket, "this worker speaks version 1 of the protocol", "Make it with this version of Apus.");
    if (request->n_seeds != request->slots) return refuse(socket, "not one seed for each slot", "");
    for (size_t i = 0; i < request->n_options; i++) {
        if (strcmp(request->options[i]->name, "length") != 0) return refuse(socket, "the corridor has no such option", "Known: length.");
        double length = request->options[i]->value;
        if (!(length >= 3 && length <= 1000000)) return refuse(socket, "a corridor of such a length", "It takes 3 to 1000000 places.");
        last = (int)length - 1;
    }
    if (request->max_episode_steps > 0) limit = (int)request->max_episode_steps;
    count = (int)request->slots;
    slots = calloc((size_t)count + 1, sizeof *slots);
    for (int i = 0; i < count; i++) slots[i].random = request->seeds[i];

    uint32_t shape[1] = {2};
    float low[2] = {0, -1}, high[2] = {1, 1};
    Apus__Worker__Box box = APUS__WORKER__BOX__INIT;
    box.n_shape = 1;
    box.shape = shape;
    box.low = (ProtobufCBinaryData){sizeof low, (uint8_t *)low};
    box.high = (ProtobufCBinaryData){sizeof high, (uint8_t *)high};
    Apus__Worker__Space observation = APUS__WORKER__SPACE__INIT, action = APUS__WORKER__SPACE__INIT;
    observation.kind_case = APUS__WORKER__SPACE__KIND_BOX;
    observation.box = &box;
    Apus__Worker__Discrete discrete = APUS__WORKER__DISCRETE__INIT;
    discrete.count = 2;
    action.kind_case = APUS__WORKER__SPACE__KIND_DISCRETE;
    action.discrete = &discrete;
    Apus__Worker__Opened opened = APUS__WORKER__OPENED__INIT;
    opened.observation_space = &observation;
    opened.action_space = &action;
    opened.max_episode_steps = (uint32_t)limit;
    opened.notes = "a corridor with a reward at one end";
    Apus__Worker__FromWorker message = APUS__WORKER__FROM_WORKER__INIT;
    message.body_case = APUS__WORKER__FROM_WORKER__BODY_OPENED;
    message.opened = &opened;
    send_message(socket, &message, 0);
}

static void reset(void *socket) {
    float observations[2 * count + 1];
    for (int i = 0; i < count; i++) {
        start(&slots[i]);
        observe(&slots[i], &observations[2 * i]);
    }
    Apus__Worker__Observations body = APUS__WORKER__OBSERVATIONS__INIT;
    Apus__Worker__FromWorker message = APUS__WORKER__FROM_WORKER__INIT;
    message.body_case = APUS__WORKER__FROM_WORKER__BODY_OBSERVATIONS;
    message.observations = &body;
    send_message(socket, &message, 1);
    zmq_send(socket, observations, (size_t)count * sizeof(float[2]), 0);
}

static void step(void *socket, const int32_t *actions) {
    float observations[2 * count + 1], rewards[count + 1], finals[2 * count + 1];
    uint8_t terminated[count + 1], truncated[count + 1];
    size_t ended = 0;
    for (int i = 0; i < count; i++) {
        Slot *slot = &slots[i];
        slot->place += actions[i] == 1 ? 1 : -1;
        slot->steps += 1;
        terminated[i] = slot->place == 0 || slot->place == last;
        truncated[i] = !terminated[i] && slot->steps == limit;
        rewards[i] = terminated[i] && (slot->place > 0) == (slot->goal > 0) ? 1.0f : -0.01f;
        if (terminated[i] || truncated[i]) {
            // The last observation comes before the slot starts again, in the same step.
            observe(slot, &finals[2 * ended++]);
            start(slot);
        }
        observe(slot, &observations[2 * i]);
    }
    Apus__Worker__Stepped body = APUS__WORKER__STEPPED__INIT;
    Apus__Worker__FromWorker message = APUS__WORKER__FROM_WORKER__INIT;
    message.body_case = APUS__WORKER__FROM_WORKER__BODY_STEPPED;
    message.stepped = &body;
    send_message(socket, &message, 1);
    zmq_send(socket, observations, (size_t)count * sizeof(float[2]), ZMQ_SNDMORE);
    zmq_send(socket, rewards, (size_t)count * sizeof(float), ZMQ_SNDMORE);
    zmq_send(socket, terminated, (size_t)count, ZMQ_SNDMORE);
    zmq_send(socket, truncated, (size_t)count, ZMQ_SNDMORE);
    zmq_send(socket, finals, ended * sizeof(float[2]), 0);
}

int main(int words, char *word[]) {
    if (words < 2) {
        fprintf(stderr, "Apus starts this program: apus environments check worker:%s\n", word[0]);
        return 2;
    }
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_PAIR);
    if (zmq_connect(socket, word[words - 1]) != 0) {
        fprintf(stderr, "cannot connect to %s: %s\n", word[words - 1], zmq_strerror(zmq_errno()));
        return 1;
    }
    say_hello(socket);
    for (int closed = 0; !closed;) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0) return 1;
        Apus__Worker__FromApus *message = apus__worker__from_apus__unpack(NULL, zmq_msg_size(&frame), zmq_msg_data(&frame));
        zmq_msg_close(&frame);
        if (message == NULL) return 1;
        switch (message->body_case) {
        case APUS__WORKER__FROM_APUS__BODY_OPEN: open_slots(socket, message->open); break;
        case APUS__WORKER__FROM_APUS__BODY_RESET: reset(socket); break;
        case APUS__WORKER__FROM_APUS__BODY_STEP: {
            int32_t actions[count + 1];
            if (zmq_recv(socket, actions, (size_t)count * sizeof *actions, 0) != (int)((size_t)count * sizeof *actions)) return 1;
            step(socket, actions);
            break;
        }
        default: closed = 1;
        }
        apus__worker__from_apus__free_unpacked(message, NULL);
    }
    free(slots);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
