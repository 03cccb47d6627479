schedules = {'A': 'v5 n20', 'B': 'v28 n20', 'C': 'n20 v28', 'D': 'v28 o9'}
