"""Wishes of 100 verbs and 100 nouns, half of them words that the agent does not know.

"VERB the NOUN", "VERB all the NOUN", "VERB NOUN at TIME": most make no sense, and no edit may
come of a word that it does not explain.
"""

from collections.abc import Iterator

KNOWN_VERBS = """
remove delete trim cut keep add mute undo redo reset split merge swap move loop reverse
rotate flip mirror blur sharpen brighten darken crop zoom speed fade compress duplicate
replace change raise lower boost reduce clear erase drop hide show insert place put
generate create play stop start lose discard
""".split()
UNKNOWN_VERBS = """
polish massage tickle calibrate fold iron knit bake juggle sprinkle marinate whisper
pamper decorate rehearse negotiate interview scold praise applaud vaccinate harvest weave
varnish laminate embroider appease nudge coax ponder glorify jostle mingle wiggle squint
hum mumble outwit befriend dazzle smuggle tailor trellis unravel upholster vanquish wax
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
hamster umbrella teapot lawyer saxophone ukulele reverb echo hum hiss wrinkles freckles
dog cat neighbour sandwich lamp curtain mustache tripod drone shaky pauses silences umms
stutters giraffe harbor kettle ladder magnet napkin ocelot pebble quilt raccoon sombrero
trombone unicorn violin walrus xylophone yogurt zipper lens glare reflection microphone
cough sneeze
""".split()


def made_up_wishes(step: int) -> Iterator[tuple[str, bool]]:
    """Every `step`-th wish, and whether both of its words are known."""
    verbs = [(word, True) for word in KNOWN_VERBS] + [(word, False) for word in UNKNOWN_VERBS]
    nouns = [(word, True) for word in KNOWN_NOUNS] + [(word, False) for word in UNKNOWN_NOUNS]
    number = 0
    for verb, verb_known in verbs:
        for noun, noun_known in nouns:
            number += 1
            if number % step:
                continue
            turn = number // step % 3
            wish = (f"{verb} the {noun}", f"{verb} all the {noun}", f"{verb} {noun} at 0:05")[turn]
            yield wish, verb_known and noun_known
