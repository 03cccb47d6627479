predictions = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
answers = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
schedule = 'n9 v25 n3'
