ORDER = "c e b h d a f g"
