"""What a recording keeps of the names of headers that the contract does not have.

A name may hold a secret as anything else may. So it is kept word by word, and of a word that is
not in the list here only its length: `x-request-id` stays, `x-7hf0a1-id` is `x-<text:6>-id`.
"""

import re

_NAME = re.compile(r"[a-z0-9]{1,20}(?:[-_][a-z0-9]{1,20}){0,7}", re.ASCII)
_SEPARATOR = re.compile("([-_])")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,6})?", re.ASCII)

HEADER_WORDS = frozenset(
    "a accel accept access account action after age agent ai allow allowed alt amz anonymous "
    "api apigw app asset async auth authenticate authorization aws azure b3 backend balance "
    "bandwidth billing blob bot bucket budget buffering build burst by bytes cache cached "
    "canary cdn cf challenge charged chat claim clear client cloud cloudflare cloudfront code "
    "coep compressed concurrency connection consumed content control cookie coop cors cost "
    "count country credit credits cross csp csrf current custom dapr data date day debug "
    "default delay delta deploy deprecated deprecation device digest disposition domain "
    "downlink download draft duration dynamic early edge edit elapsed embedder encoding end "
    "engine env environment envoy error etag event events execution expect expires export "
    "expose fail failed fastly feature file fly for format forwarded frame free from frozen "
    "fwd gateway gcp generation generator global gmt goog google grpc guest hash head header "
    "headers health heartbeat hit hits host hour hsts http id idempotency idempotent identity "
    "if info instance interval ip isolation job keep key kind kong language last latency "
    "length level limit limited link live load local location lock log login max md5 media "
    "message method metric min minute miss mode model modified monitor name nature nel nemo "
    "nemovideo new next node nonce none nosniff of offset only opener options order origin "
    "page parent path payment pending period permissions plan platform policy poll pool "
    "powered pragma prefer preference price priority process processed processing processor "
    "project protection proto protocol provider proxy push quality query queue quota railway "
    "range ranges rate ratelimit ray real reason redirect referrer refresh region remaining "
    "render replay report reporting repr request requested requests required reset resource "
    "response result retry revision robots role root route router runtime sampled scope score "
    "sec security served server service session set sha256 shard signature since size skill "
    "source span spanid speed sse stage start state status store stream strict subscription "
    "sunset support supported t tag task team tenant tier time timeout timestamp timing to "
    "token tokens total trace traceid traceparent tracestate track traffic trailer "
    "transaction transfer transform transport trial trust try turn type ua unit units unlock "
    "until update upgrade upload upstream uri url usage used user v vary vercel version via "
    "video view wait warning wasm webkit worker www x xff xss zone".split()
)  # fmt: skip
"""The words of header names that are kept: those of HTTP, of proxies, and of the contract."""


def kept_header_name(name: str) -> str:
    """Return a name (lower case) with the length of each word that is not a word of headers."""
    if not _NAME.fullmatch(name):
        return _length_of(name)
    parts = _SEPARATOR.split(name)
    return "".join(
        part if part in HEADER_WORDS or part in ("-", "_") else _length_of(part) for part in parts
    )


def _length_of(word: str) -> str:
    return f"<text:{len(word)}>"


def type_of_header(value: str) -> str:
    """Return the type of the value of a header: `number` or `string`."""
    return "number" if _NUMBER.fullmatch(value.strip()) else "string"
