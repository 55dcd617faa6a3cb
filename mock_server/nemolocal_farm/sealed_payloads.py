"""Seal what passes through the engine, so that it can neither read nor change it."""

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

from .farm_key import FarmKey

_ENCODING = b"binary/nemolocal-sealed"
_NONCE = 12
_VERSION = b"nemolocal farm 1"


class SealBroken(Exception):
    """A payload was not sealed with the key of this farm."""


class SealingCodec(PayloadCodec):
    """Seals payloads with AES-256-GCM; opens only those that were sealed with the same key."""

    def __init__(self, key: FarmKey) -> None:
        self._cipher = AESGCM(key.sealing)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return sealed payloads."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads within sealed ones; raises SealBroken."""
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        nonce = secrets.token_bytes(_NONCE)
        data = nonce + self._cipher.encrypt(nonce, payload.SerializeToString(), _VERSION)
        return Payload(metadata={"encoding": _ENCODING}, data=data)

    def _open(self, payload: Payload) -> Payload:
        try:
            if payload.metadata.get("encoding") != _ENCODING:
                raise InvalidTag
            nonce, data = payload.data[:_NONCE], payload.data[_NONCE:]
            return Payload.FromString(self._cipher.decrypt(nonce, data, _VERSION))
        except (InvalidTag, ValueError):
            raise SealBroken("not sealed with the key of this farm") from None


def sealing_converter(key: FarmKey) -> DataConverter:
    """Return a converter that also seals the texts of failures."""
    return DataConverter(
        payload_codec=SealingCodec(key),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
