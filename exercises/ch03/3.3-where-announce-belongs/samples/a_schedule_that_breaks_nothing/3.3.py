predictions = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
answers = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
schedule = 'v22 n4'
