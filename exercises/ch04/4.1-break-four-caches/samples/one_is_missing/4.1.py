schedules = {'A': 'n13', 'B': 'v16 n10 v6', 'C': 'n6 v22 n6', 'D': None}
