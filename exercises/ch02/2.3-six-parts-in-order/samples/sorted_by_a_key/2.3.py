from pfncache_edu.grading.exercise_2_3 import LINES

PLACES = {"take refresh_lock": 0, "withdraw": 1, "snapshot": 2, "drop the lock and": 7, "drop the lock": 3, "look up": 4, "retake": 5, "retry": 6}
known = {line: next((place for start, place in PLACES.items() if line.startswith(start)), None) for line in LINES}
parts = tuple(sorted((line for line in LINES if known[line] is not None), key=known.get))
