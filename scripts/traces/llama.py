"""Writes the reference of a tiny Llama of Hugging Face's transformers: its files as they are published, what it says about two sequences,
and the gradient of a loss. Usage: llama.py FOLDER (Tests/NetworksTests/Fixtures/llama)"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(3)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=11, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=32, rope_theta=500.0, initializer_range=0.3, rms_norm_eps=1e-5,
    )
)
with torch.no_grad():
    for name, weight in model.named_parameters():
        if "norm" in name:
            weight.add_(0.2 * torch.randn_like(weight))
model.save_pretrained(folder)
(folder / "generation_config.json").unlink(missing_ok=True)

# The first token of a sequence is its prompt.
sequences = [torch.randint(0, 11, (length,)) for length in (9, 23)]
logits, loss = [], 0.0
for number, sequence in enumerate(sequences):
    values = model(input_ids=sequence[None]).logits[0]
    logits.append(values.tolist())
    log_probs = torch.log_softmax(values[:-1], -1)
    chosen = log_probs.gather(1, sequence[1:, None])[:, 0]
    entropy = -(log_probs.exp() * log_probs).sum(-1)
    place = torch.arange(len(chosen))
    loss = loss + (torch.cos(place + number) * chosen).sum() + 0.3 * entropy.sum()
loss.backward()
save_file({name: weight.grad.contiguous() for name, weight in model.named_parameters()}, folder / "gradient.safetensors")
json.dump(
    {"source": f"torch {torch.__version__}", "sequences": [s.tolist() for s in sequences], "logits": logits, "loss": loss.item()},
    open(folder / "expected.json", "w"),
)
