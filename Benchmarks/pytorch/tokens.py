"""Generation and a training step of a small Llama in Hugging Face's transformers, as `apus bench tokens` measures them.

Prints one JSON object with the rates in tokens per second.
"""
import argparse
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--repetitions", type=int, default=7)
parser.add_argument("--cpu-time", action="store_true")
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(options.threads)
torch.manual_seed(0)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=14, hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128,
        pad_token_id=0, eos_token_id=1, bos_token_id=1,
    )
)
clock = time.process_time if options.cpu_time else time.perf_counter


def median_rate(tokens, body):
    rates = []
    for repetition in range(options.repetitions + 2):
        start = clock()
        body()
        if repetition >= 2:
            rates.append(tokens / (clock() - start))
    return sorted(rates)[len(rates) // 2]


SLOTS, PROMPT, NEW = 64, 8, 32
prompts = torch.randint(2, 14, (SLOTS, PROMPT))


@torch.inference_mode()
def generate():
    model.generate(
        input_ids=prompts, attention_mask=torch.ones_like(prompts), do_sample=True, top_k=0, min_new_tokens=NEW, max_new_tokens=NEW
    )


SEQUENCES, LENGTH = 64, 64
tokens = torch.randint(2, 14, (SEQUENCES, LENGTH))
adam = torch.optim.Adam(model.parameters(), lr=1e-3)


def step():
    loss = model(input_ids=tokens, labels=tokens).loss
    adam.zero_grad()
    loss.backward()
    adam.step()


model.eval()
generated = median_rate(SLOTS * NEW, generate)
model.train()
trained = median_rate(SEQUENCES * LENGTH, step)
print(json.dumps({"program": "PyTorch", "threads": options.threads, "generate": generated, "step": trained}))
