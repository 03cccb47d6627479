EXPECTED = {"first": "wasteful", "read": "violated", "left": "violated", "right": "wasteful", "drop": "deadlock", "write": "violated",
            "again": "violated", "announce": "violated", "count": "violated"}
