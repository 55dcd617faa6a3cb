"""Wishes of 100 verbs and 100 nouns, half of them words that the agent does not know.

"VERB the NOUN", "VERB all the NOUN", "VERB NOUN at TIME": most make no sense, and no edit may
come of a word that it does not explain.
"""

import random

KNOWN_VERBS = """
remove delete trim cut keep add mute undo redo reset split merge swap move loop reverse
rotate flip mirror blur sharpen brighten darken crop zoom speed fade compress duplicate
replace change raise lower boost reduce clear erase drop hide show insert place put
generate create play stop start lose discard
""".split()
UNKNOWN_VERBS = """
polish massage tickle calibrate fold iron knit bake juggle sprinkle marinate shear
pamper decorate rehearse negotiate interview scold praise applaud vaccinate harvest weave
varnish laminate embroider appease nudge coax ponder glorify jostle mingle wiggle squint
grill mumble outwit befriend dazzle smuggle tailor trellis unravel upholster vanquish wax
yodel zigzag transmogrify
""".split()
KNOWN_NOUNS = """
video clip title text music song sound voice audio volume speed subtitles captions
transition crossfade watermark logo effect filter color contrast brightness saturation
blur vignette sepia picture photo image frame corner order slideshow timeline footage
upload file font size resolution quality part middle beginning ending intro bars scene
vocals pictures
""".split()
UNKNOWN_NOUNS = """
hamster umbrella teapot lawyer saxophone ukulele anchor bucket cactus dolphin wrinkles freckles
dog cat neighbour sandwich lamp curtain mustache tripod drone shaky feather goblet umms
stutters giraffe harbor kettle ladder magnet napkin ocelot pebble quilt raccoon sombrero
trombone unicorn violin walrus xylophone yogurt zipper lens glare reflection microphone
cough sneeze
""".split()


def made_up_wishes(count: int) -> list[tuple[str, bool]]:
    """So many of all wishes, always the same, and whether both words of each are known."""
    verbs = [(word, True) for word in KNOWN_VERBS] + [(word, False) for word in UNKNOWN_VERBS]
    nouns = [(word, True) for word in KNOWN_NOUNS] + [(word, False) for word in UNKNOWN_NOUNS]
    every = [
        (form.format(verb=verb, noun=noun), known and noun_known)
        for verb, known in verbs
        for noun, noun_known in nouns
        for form in ("{verb} the {noun}", "{verb} all the {noun}", "{verb} {noun} at 0:05")
    ]
    return random.Random(0).sample(every, count)
