schedules = {'A': 'n13', 'B': 'v16 n5 v6', 'C': 'n6 v22 n6', 'D': 'v4 o2 v9'}
