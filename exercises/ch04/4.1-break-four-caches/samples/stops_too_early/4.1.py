schedules = {'A': 'n12', 'B': 'v16 n10 v5', 'C': 'n6 v22 n5', 'D': 'o15 v20'}
