from statistics import fmean, pstdev, stdev

units = {'events': 'a', 'waits': 'a', '1000 * waits / events': 'd'}
counts = {'runs_61': 25, 'waits_61': 5808, 'runs_with_waits_612': 0, 'control_612': 4771}
sentence = 'c'
T95 = {4: 2.776, 9: 2.262, 24: 2.064}


def interval(values):
    half = T95[len(values) - 1] * stdev(values) / len(values) ** 0.5
    return fmean(values) - half, fmean(values) + half
