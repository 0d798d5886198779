"""SMSGate's end-to-end encryption, the phone's half: a text or a number made readable again.

`$aes-256-cbc/pbkdf2-sha1$i=<rounds>$<salt>$<ciphertext>`, both Base64; the salt is the vector too.
Refuses to know what is inside.
"""

from base64 import b64decode
from hashlib import pbkdf2_hmac

from textko_server.emulated.smsgate_app.faults import IllegalArgument

_ALGORITHM = "aes-256-cbc/pbkdf2-sha1"
_KEY_BYTES = 32


def decrypted(value: str, passphrase: str | None) -> str:
    """Raises: IllegalArgument, with what the app says of it."""
    # Loaded by the phones that are given a passphrase only.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    chunks = value.split("$")
    if len(chunks) < 5:
        raise IllegalArgument("Invalid encrypted data format")
    _, algorithm, parameters, salt, ciphertext, *_ = chunks
    if algorithm != _ALGORITHM:
        raise IllegalArgument("Unsupported algorithm")
    rounds = dict(pair.split("=", 1) for pair in parameters.split(",") if "=" in pair).get("i")
    if rounds is None:
        raise IllegalArgument("Missing iteration count")
    if passphrase is None:
        raise IllegalArgument("Passphrase is not set")
    try:
        vector = b64decode(salt)
        key = pbkdf2_hmac("sha1", passphrase.encode(), vector, int(rounds), _KEY_BYTES)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
        padded = decryptor.update(b64decode(ciphertext)) + decryptor.finalize()
        unpadder = PKCS7(algorithms.AES.block_size).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError as error:
        raise IllegalArgument(f"BAD_DECRYPT: {error}") from error
