ORDER = ["C", "B", "H", "E", "D", "A", "F", "G"]
