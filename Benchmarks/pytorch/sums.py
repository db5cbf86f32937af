"""Sums of three digits with TRL's GRPOTrainer: from a warm start at 30 % until 95 % of the drawn responses are correct, or until the limit.

The same network (a Llama of 2 layers × 64), demonstrations, group size, batch, step size and schedule as the preset `addition` of Apus, at most as
many completions, and training pairs that are never the held-out ones. Prints one JSON line: seconds, completions and the share that is correct
over the last 1,024 of them, at the start and at the end.
"""
import argparse
import json
import os
import random
import tempfile
import time
from collections import deque

parser = argparse.ArgumentParser()
parser.add_argument("--limit", type=float, default=600, help="seconds of GRPO at most")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--batch", type=int, default=512, help="completions in one update")
parser.add_argument("--learning-rate", type=float, default=5e-4)
parser.add_argument("--completions", type=int, default=1_500_000, help="over which the step size falls to 0")
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="")

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

torch.set_num_threads(options.threads)
torch.manual_seed(options.seed)
random.seed(options.seed)
characters = ["<pad>", "<eos>"] + list("0123456789+=")
tokenizer = Tokenizer(models.WordLevel({c: i for i, c in enumerate(characters)}, unk_token="<pad>"))
tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
tokenizer.decoder = decoders.Fuse()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", padding_side="left")
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=len(characters), hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128,
    pad_token_id=0, eos_token_id=1, bos_token_id=1))


def pair():
    while True:
        a, b = random.randint(100, 999), random.randint(100, 999)
        if (31 * a + b) % 8:
            return a, b


def demonstrations(count):
    """Prompts and answers as tokens, padded on the right, and the labels: the answer alone."""
    tokens, labels = [], []
    for a, b in (pair() for _ in range(count)):
        prompt, answer = f"{a}+{b}=", str(a + b)
        row = tokenizer.convert_tokens_to_ids(list(prompt + answer)) + [1]
        label = [-100] * len(prompt) + row[len(prompt):]
        tokens.append(row + [0] * (13 - len(row)))
        labels.append(label + [-100] * (13 - len(label)))
    return torch.tensor(tokens), torch.tensor(labels)


@torch.inference_mode()
def accuracy(count=512):
    model.eval()
    pairs = [pair() for _ in range(count)]
    prompts = torch.tensor([tokenizer.convert_tokens_to_ids(list(f"{a}+{b}=")) for a, b in pairs])
    drawn = model.generate(input_ids=prompts, attention_mask=torch.ones_like(prompts), do_sample=True, top_k=0, max_new_tokens=8)
    texts = tokenizer.batch_decode(drawn[:, 8:], skip_special_tokens=True)
    model.train()
    return sum(text == str(a + b) for text, (a, b) in zip(texts, pairs)) / count


adam = torch.optim.Adam(model.parameters(), lr=1e-3)
warm = 0.0
for update in range(1, 6001):
    tokens, labels = demonstrations(256)
    loss = model(input_ids=tokens, labels=labels).loss
    adam.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
    adam.step()
    if update % 25 == 0:
        warm = accuracy()
        if warm >= 0.3:
            break

latest, drawn, began = deque(maxlen=1024), 0, None
first = None


def reward(prompts, completions, **_):
    global drawn
    rewards = []
    for prompt, completion in zip(prompts, completions):
        a, _, b = prompt.partition("+")
        rewards.append(1.0 if completion.strip() == str(int(a) + int(b[:-1])) else 0.0)
    latest.extend(rewards)
    drawn += len(rewards)
    return rewards


def share():
    return sum(latest) / max(len(latest), 1)


class Stop(TrainerCallback):
    def on_step_end(self, arguments, state, control, **_):
        global first
        if first is None and len(latest) == latest.maxlen:
            first = share()
        if (len(latest) == latest.maxlen and share() >= 0.95) or time.time() - began > options.limit:
            control.should_training_stop = True
        return control


settings = GRPOConfig(
    output_dir=tempfile.mkdtemp(), per_device_train_batch_size=options.batch, num_generations=8, max_completion_length=8, beta=0.0,
    max_steps=options.completions // options.batch, learning_rate=options.learning_rate, lr_scheduler_type="linear", max_grad_norm=1.0,
    loss_type="grpo", temperature=1.0, logging_steps=100000, report_to=[], use_cpu=True, bf16=False, save_strategy="no", disable_tqdm=True,
    seed=options.seed)
prompts = Dataset.from_dict({"prompt": [f"{a}+{b}=" for a, b in (pair() for _ in range(200_000))]})
trainer = GRPOTrainer(model=model, processing_class=tokenizer, reward_funcs=reward, args=settings, train_dataset=prompts, callbacks=[Stop()])
began = time.time()
trainer.train()
seconds = time.time() - began
print(json.dumps({
    "warm_updates": update, "warm": warm, "first": first, "correct": share(), "completions": drawn, "seconds": seconds,
    "completions_per_second": drawn / seconds}))
