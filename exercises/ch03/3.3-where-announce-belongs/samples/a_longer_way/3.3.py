predictions = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'safe'}
answers = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
schedule = 'v1 n9 v21 n3'
