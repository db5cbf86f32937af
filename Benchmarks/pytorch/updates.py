"""PyTorch's side of Benchmarks/sac.sh: gradient updates per second of SAC or TD3 on random transitions of HalfCheetah-v5's shape (17
observations, 6 actions, batches of 256, two layers of 256), as Stable-Baselines3 makes them and as CleanRL does. Prints one JSON object
last on standard output.

Neither samples from its replay: both get prepared batches, as Apus does.
"""
import argparse
import itertools
import json
import statistics
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--repetitions", type=int, default=10)
parser.add_argument("--updates", type=int, default=100)
parser.add_argument("--method", default="sac", choices=["sac", "td3"])
parser.add_argument("--library", default="cleanrl", choices=["cleanrl", "sb3"])
parser.add_argument("--cpu-time", action="store_true", help="processor time instead of the clock's: for one thread on a busy machine")
arguments = parser.parse_args()

import torch
from torch import nn, optim
from torch.nn import functional as F

torch.set_num_threads(arguments.threads)
torch.manual_seed(1)
OBSERVATIONS, ACTIONS, BATCH, HIDDEN = 17, 6, 256, 256
GAMMA, TAU, RATE = 0.99, 0.005, 3e-4
batches = [
    (torch.randn(BATCH, OBSERVATIONS), torch.rand(BATCH, ACTIONS) * 2 - 1, torch.randn(BATCH, OBSERVATIONS), torch.randn(BATCH, 1),
     torch.zeros(BATCH, 1)) for _ in range(16)]


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(OBSERVATIONS + ACTIONS, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, HIDDEN)
        self.fc3 = nn.Linear(HIDDEN, 1)

    def forward(self, x, a):
        x = torch.cat([x, a], 1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class SquashedActor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(OBSERVATIONS, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, HIDDEN)
        self.fc_mean = nn.Linear(HIDDEN, ACTIONS)
        self.fc_logstd = nn.Linear(HIDDEN, ACTIONS)
        self.register_buffer("action_scale", torch.ones(ACTIONS))
        self.register_buffer("action_bias", torch.zeros(ACTIONS))

    def get_action(self, x):
        x = F.relu(self.fc2(F.relu(self.fc1(x))))
        mean = self.fc_mean(x)
        log_std = -5 + 0.5 * (2 + 5) * (torch.tanh(self.fc_logstd(x)) + 1)
        normal = torch.distributions.Normal(mean, log_std.exp())
        x_t = normal.rsample()
        y_t = torch.tanh(x_t)
        log_prob = normal.log_prob(x_t) - torch.log(self.action_scale * (1 - y_t.pow(2)) + 1e-6)
        return y_t * self.action_scale + self.action_bias, log_prob.sum(1, keepdim=True)


class DeterministicActor(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(OBSERVATIONS, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, HIDDEN)
        self.fc_mu = nn.Linear(HIDDEN, ACTIONS)

    def forward(self, x):
        return torch.tanh(self.fc_mu(F.relu(self.fc2(F.relu(self.fc1(x))))))


def follow(pairs):
    for network, target in pairs:
        for param, target_param in zip(network.parameters(), target.parameters()):
            target_param.data.copy_(TAU * param.data + (1 - TAU) * target_param.data)


def cleanrl():
    """The update of cleanrl/sac_continuous_action.py and cleanrl/td3_continuous_action.py."""
    actor = SquashedActor() if arguments.method == "sac" else DeterministicActor()
    qf1, qf2, qf1_target, qf2_target = Critic(), Critic(), Critic(), Critic()
    target_actor = DeterministicActor()
    q_optimizer = optim.Adam(list(qf1.parameters()) + list(qf2.parameters()), lr=1e-3)
    actor_optimizer = optim.Adam(list(actor.parameters()), lr=RATE)
    target_entropy = -float(ACTIONS)
    log_alpha = torch.zeros(1, requires_grad=True)
    a_optimizer = optim.Adam([log_alpha], lr=1e-3)
    alpha = log_alpha.exp().item()

    def critics(observation, action, next_q):
        loss = F.mse_loss(qf1(observation, action).view(-1), next_q) + F.mse_loss(qf2(observation, action).view(-1), next_q)
        q_optimizer.zero_grad()
        loss.backward()
        q_optimizer.step()

    def sac(step):
        nonlocal alpha
        observation, action, following, reward, done = batches[step % len(batches)]
        with torch.no_grad():
            next_action, next_log_pi = actor.get_action(following)
            least = torch.min(qf1_target(following, next_action), qf2_target(following, next_action)) - alpha * next_log_pi
            next_q = reward.flatten() + (1 - done.flatten()) * GAMMA * least.view(-1)
        critics(observation, action, next_q)
        if step % 2 == 0:
            for _ in range(2):
                pi, log_pi = actor.get_action(observation)
                actor_loss = ((alpha * log_pi) - torch.min(qf1(observation, pi), qf2(observation, pi))).mean()
                actor_optimizer.zero_grad()
                actor_loss.backward()
                actor_optimizer.step()
                with torch.no_grad():
                    _, log_pi = actor.get_action(observation)
                alpha_loss = (-log_alpha.exp() * (log_pi + target_entropy)).mean()
                a_optimizer.zero_grad()
                alpha_loss.backward()
                a_optimizer.step()
                alpha = log_alpha.exp().item()
        follow([(qf1, qf1_target), (qf2, qf2_target)])

    def td3(step):
        observation, action, following, reward, done = batches[step % len(batches)]
        with torch.no_grad():
            noise = (torch.randn_like(action) * 0.2).clamp(-0.5, 0.5)
            next_action = (target_actor(following) + noise).clamp(-1, 1)
            least = torch.min(qf1_target(following, next_action), qf2_target(following, next_action))
            next_q = reward.flatten() + (1 - done.flatten()) * GAMMA * least.view(-1)
        critics(observation, action, next_q)
        if step % 2 == 0:
            actor_loss = -qf1(observation, actor(observation)).mean()
            actor_optimizer.zero_grad()
            actor_loss.backward()
            actor_optimizer.step()
            follow([(actor, target_actor), (qf1, qf1_target), (qf2, qf2_target)])

    one = sac if arguments.method == "sac" else td3
    steps = itertools.count()

    def train(count):
        for _ in range(count):
            one(next(steps))

    return train


def sb3():
    import gymnasium
    import numpy
    from stable_baselines3 import SAC, TD3
    from stable_baselines3.common.buffers import ReplayBufferSamples
    from stable_baselines3.common.logger import Logger

    class Spaces(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-numpy.inf, numpy.inf, (OBSERVATIONS,), numpy.float32)
        action_space = gymnasium.spaces.Box(-1, 1, (ACTIONS,), numpy.float32)

    kind = SAC if arguments.method == "sac" else TD3
    model = kind(
        "MlpPolicy", Spaces(), buffer_size=BATCH, batch_size=BATCH, learning_rate=RATE, device="cpu",
        policy_kwargs={"net_arch": [HIDDEN, HIDDEN]})
    model.set_logger(Logger(None, []))
    turn = itertools.cycle(batches)

    def sample(*_, **__):
        observation, action, following, reward, done = next(turn)
        return ReplayBufferSamples(observation, action, following, done, reward)

    model.replay_buffer.sample = sample
    return lambda count: model.train(gradient_steps=count, batch_size=BATCH)


clock = time.process_time if arguments.cpu_time else time.perf_counter
train = cleanrl() if arguments.library == "cleanrl" else sb3()


def rate():
    start = clock()
    train(arguments.updates)
    return arguments.updates / (clock() - start)


rate()
rates = [rate() for _ in range(arguments.repetitions)]
if arguments.library == "sb3":
    import stable_baselines3

    program = f"Stable-Baselines3 {stable_baselines3.__version__}"
else:
    program = "CleanRL's loop"
print(json.dumps({
    "program": program, "method": arguments.method, "threads": arguments.threads, "median": statistics.median(rates),
    "lowest": min(rates), "highest": max(rates)}))
