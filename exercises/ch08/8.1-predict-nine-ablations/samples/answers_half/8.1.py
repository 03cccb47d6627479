EXPECTED = {"first": "wasteful", "read": "violated", "left": "violated", "right": "wasteful", "drop": None}
