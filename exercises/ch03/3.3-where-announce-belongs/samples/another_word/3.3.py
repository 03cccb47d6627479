predictions = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
answers = {'A': 'bad', 'B': 'good', 'C': 'good', 'D': 'bad'}
schedule = 'n9 v22 n3'
