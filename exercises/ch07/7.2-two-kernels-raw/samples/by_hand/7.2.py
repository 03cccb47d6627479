units = {'events': 'a', 'waits': 'a', '1000 * waits / events': 'd'}
counts = {'runs_61': 25, 'waits_61': 5808, 'runs_with_waits_612': 0, 'control_612': 4771}
sentence = 'b'
import math


def interval(values):
    n = len(values)
    mean = sum(values) / n
    s = math.sqrt(sum((x - mean) ** 2 for x in values) / (n - 1))
    t = {5: 2.776, 10: 2.262, 25: 2.064}[n]
    return [mean - t * s / math.sqrt(n), mean + t * s / math.sqrt(n)]
