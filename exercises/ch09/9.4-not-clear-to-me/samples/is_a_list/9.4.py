REPLY = ["Thanks", "I will reword it"]
