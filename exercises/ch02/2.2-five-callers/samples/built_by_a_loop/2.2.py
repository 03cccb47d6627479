found = [(9, "use_under_the_lock"), (4, "drop_before_refresh"), (6, "lock_before_check"), (7, "give_up"), (9, "check_after_refresh")]
lines, rules_broken = {}, {}
for letter, (line, rule) in zip("ABCDE", found):
    lines[letter], rules_broken[letter] = line, rule
