"""Sixteen sentences: short and long, several languages, code, numbers, a near-duplicate pair."""

SENTENCES: tuple[str, ...] = (
    "The cat sits on the mat.",
    "A cat is sitting on a mat.",
    "Stock prices fell sharply after the announcement.",
    "How do I reset my password?",
    "To set a new password, open the settings and choose Security.",
    "def add(a, b): return a + b",
    "SELECT name FROM users WHERE id = 42;",
    "Der Zug nach Berlin fährt um acht Uhr ab.",
    "Le train pour Paris part à huit heures.",
    "東京は日本の首都です。",
    "Vaccines train the immune system to recognise a pathogen before it causes illness.",
    "3.14159, 2.71828 and 1.41421 are approximations of well-known constants.",
    "Yes.",
    "An operator watches objects, compares what is wanted with what is there, and acts until both agree.",
    "Rain is expected in the north, while the south stays dry and warm until the weekend.",
    "It is not that the film was bad; it is that nobody, least of all the director, knew why it was made.",
)
