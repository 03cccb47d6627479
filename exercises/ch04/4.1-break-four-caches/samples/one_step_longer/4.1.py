schedules = {'A': 'v1 n13', 'B': 'v16 n11 v6', 'C': 'n6 v23 n6', 'D': 'o15 v21'}
