from pfncache_edu.grading.exercise_2_3 import LINES

parts = [LINES[number] for number in [8, 9, 5, 6, 0, 2, 3, 4, 1]]
