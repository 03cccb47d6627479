from pfncache_edu import explore
from pfncache_edu.announce import PLACES, situation

predictions = dict.fromkeys(PLACES, "safe")
verdicts = {place: explore(situation(place)) for place in PLACES}
answers = {place: "safe" if verdict.holds else "unsafe" for place, verdict in verdicts.items()}
schedule = verdicts["A"].schedule
