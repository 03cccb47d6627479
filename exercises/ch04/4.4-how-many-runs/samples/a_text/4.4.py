runs = "1109"
