"""The table of Benchmarks/networks.sh, from the reports of both programs: one JSON object a line, one line a turn."""
import collections
import json
import statistics
import sys


def reports(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def best(reports):
    """For each network, batch and pass: the way (threads, variant) with the lowest median over the turns, and its times in µs."""
    times = collections.defaultdict(lambda: collections.defaultdict(list))
    for report in reports:
        for case in report["cases"]:
            way = (report["threads"], case.get("variant", ""))
            times[case["network"], case["batch"], case["pass"]][way].append(case["median_us"])
    return {key: min(ways.items(), key=lambda way: statistics.median(way[1])) for key, ways in times.items()}


def text(way, times):
    threads, variant = way
    words = f"{threads} thread{'s' if threads > 1 else ''}{', ' if variant else ''}{variant}"
    return f"{statistics.median(times):10.1f} ({min(times):.1f} to {max(times):.1f}; {words})"


apus, pytorch = reports(sys.argv[1]), reports(sys.argv[2])
apus_best, pytorch_best = best(apus), best(pytorch)
print(f"{'network':18}{'batch':>6} {'pass':9} {'Apus µs':>10} {'':44}{pytorch[0]['program'] + ' µs':>20} {'':38}times faster")
for key, (way, times) in apus_best.items():
    if key not in pytorch_best:
        continue
    other_way, other_times = pytorch_best[key]
    ratio = statistics.median(other_times) / statistics.median(times)
    network, batch, which = key
    print(f"{network:18}{batch:6} {which:9} {text(way, times):55}{text(other_way, other_times):60}{ratio:9.2f}")
peaks = {report["threads"]: round(report["peak_gflops"], 1) for report in apus}
print(f"peak of Apus' products: {', '.join(f'{peak} GFLOP/s with {count} thread(s)' for count, peak in peaks.items())}")
