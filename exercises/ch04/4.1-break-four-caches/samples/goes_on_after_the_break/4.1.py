schedules = {'A': 'n13 n9', 'B': 'v16 n10 v9', 'C': 'n6 v22 n9', 'D': 'o15 v30'}
