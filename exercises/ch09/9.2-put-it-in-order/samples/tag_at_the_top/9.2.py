ORDER = ["C", "A", "E", "B", "H", "D", "F", "G"]
