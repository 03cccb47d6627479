predictions = {'A': 'unsafe', 'B': 'unsafe', 'C': 'safe', 'D': 'unsafe'}
answers = {'A': 'unsafe', 'B': 'unsafe', 'C': 'safe', 'D': 'unsafe'}
schedule = 'n9 v22 n3'
