from math import log
runs = log(0.95) / log(1 - 0.0027)
