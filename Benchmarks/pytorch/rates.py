"""The table of Benchmarks/sac.sh: one JSON object a line, several turns of each program, method and number of threads."""
import collections
import json
import statistics
import sys

rates = collections.defaultdict(lambda: collections.defaultdict(list))
with open(sys.argv[1]) as file:
    for line in file:
        report = json.loads(line)
        rates[report["method"], report["program"]][report["threads"]].append(report["median"])
best = {key: max(ways.items(), key=lambda way: statistics.median(way[1])) for key, ways in rates.items()}
print(f"{'method':8}{'program':28}{'updates/s':>10}  {'lowest to highest turn':26}{'Apus times faster':>18}")
for (method, program), (threads, values) in best.items():
    own = statistics.median(best[method, "Apus"][1])
    median = statistics.median(values)
    spread = f"{min(values):.0f} to {max(values):.0f}, {threads} thread{'s' if threads > 1 else ''}"
    ratio = "" if program == "Apus" else f"{own / median:.2f}"
    print(f"{method:8}{program:28}{median:10.0f}  {spread:26}{ratio:>18}")
