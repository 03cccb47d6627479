ORDER = ["C", "E", "B", "H", "D", "G", "A", "F"]
