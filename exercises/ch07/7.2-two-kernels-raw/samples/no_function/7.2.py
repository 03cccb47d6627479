from statistics import fmean, pstdev, stdev

units = {'events': 'a', 'waits': 'a', '1000 * waits / events': 'd'}
counts = {'runs_61': 25, 'waits_61': 5808, 'runs_with_waits_612': 0, 'control_612': 4771}
sentence = 'b'
interval = (1, 2)
