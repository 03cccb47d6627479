ORDER = list("CEBHDAF")
