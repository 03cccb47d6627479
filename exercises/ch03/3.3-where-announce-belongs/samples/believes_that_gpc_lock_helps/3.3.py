predictions = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
answers = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'safe'}
schedule = 'n9 v22 n3'
