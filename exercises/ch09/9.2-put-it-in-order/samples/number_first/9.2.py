ORDER = ["C", "H", "E", "B", "D", "A", "F", "G"]
