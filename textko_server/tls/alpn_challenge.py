"""TLS-ALPN-01 (RFC 8737) for the ACME library, which has left it out since its version 4.

Importing this registers it there. Loads the library.
"""

from typing import Any

from acme import challenges
from josepy.jwk import JWK


@challenges.ChallengeResponse.register
class TLSALPN01Response(challenges.KeyAuthorizationChallengeResponse):
    typ = "tls-alpn-01"


@challenges.Challenge.register
class TLSALPN01(challenges.KeyAuthorizationChallenge):
    response_cls = TLSALPN01Response
    typ = TLSALPN01Response.typ

    def validation(self, account_key: JWK, **_: Any) -> str:
        return self.key_authorization(account_key)
