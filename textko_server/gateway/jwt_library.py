"""PyJWT without cryptography, which it loads when that is there: for RS256 and its kin, which we
never sign with. It would take a tenth of a second of every start, and 10 MB.
"""

import sys

_known = sys.modules.get("cryptography")
# To whoever imports it now, it is not installed.
sys.modules["cryptography"] = None  # type: ignore[assignment]  # as the import system documents it
try:
    import jwt
    from jwt.types import Options
finally:
    if _known is None:
        del sys.modules["cryptography"]
    else:
        sys.modules["cryptography"] = _known

__all__ = ["Options", "jwt"]
