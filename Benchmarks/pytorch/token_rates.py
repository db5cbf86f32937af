"""The table of Benchmarks/tokens.sh: one JSON object a line, several turns of each program and number of threads."""
import collections
import json
import statistics
import sys

rates = collections.defaultdict(lambda: collections.defaultdict(list))
with open(sys.argv[1]) as file:
    for line in file:
        report = json.loads(line)
        for what in ("generate", "step"):
            rates[what, report["threads"]][report["program"]].append(report[what])
print(f"{'':10}{'threads':>8}  {'tokens/s':34}{'PyTorch':34}{'times faster':>12}")
for (what, threads), programs in rates.items():
    cells = {name: f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})" for name, values in programs.items()}
    ratio = statistics.median(programs["Apus"]) / statistics.median(programs["PyTorch"])
    print(f"{what:10}{threads:8}  {cells['Apus']:34}{cells['PyTorch']:34}{ratio:12.2f}")
