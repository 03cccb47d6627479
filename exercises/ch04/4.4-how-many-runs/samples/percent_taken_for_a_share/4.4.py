from math import log
runs = log(0.05) / log(1 - 0.27)
