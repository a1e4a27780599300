"""The short answer as one sentence: the question's words in order again, and nothing made up."""

import pytest

from ui.say import sentence


@pytest.mark.parametrize(
    ("question", "short", "said"),
    [
        ("How many professors left these schools?", "323", "323 professors."),
        ("How many faculty members left the institutes?", "119", "119 faculty members left the institutes."),
        ("How many hives stand on the roof?", "Six", "Six hives."),
        ("How many people came?", "about 40", "About 40."),
        ("who founded the bakery", "Kromadit", "Kromadit founded the bakery."),
        ("Who told him so?", "Ann Lee", "Ann Lee."),
        ("Who does the mayor fear?", "Ann Lee", "Ann Lee."),
        ("What keeps the bread fresh?", "The acid", "The acid keeps the bread fresh."),
        ("What was the harbour built for?", "timber", "Timber."),
        ("What is the average salary?", "41 million won", "The average salary is 41 million won."),
        ("What is it called?", "Amata", "Amata."),
        ("What is lupus?", "a disease", "Lupus is a disease."),
        ("What is happening?", "a strike", "A strike."),
        ("Where was it printed?", "in the Annals", "In the Annals."),
        ("Is it so?", "No", "No."),
        ("Which phone?", "iPhones", "iPhones."),
        ("Who owns it?", "the county, which\nowns the ferry,", "The county, which owns the ferry."),
        ("What did she say?", "“It is late.”", "“It is late.”"),
    ],
)
def test_the_short_answer_is_one_sentence(question: str, short: str, said: str) -> None:
    assert sentence(question, short) == said
