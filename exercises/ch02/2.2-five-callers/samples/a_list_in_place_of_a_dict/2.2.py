lines = [10, 4, 3, 7, 9]
rules_broken = {"A": "use_under_the_lock"}
