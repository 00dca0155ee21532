"""The wall's own X-Twilio-Signature, written from the description and not from the SDK that checks it.

Source: twilio.com/docs/usage/webhooks/webhooks-security.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def signature(url: str, form: Sequence[tuple[str, str]], auth_token: str) -> str:
    """Base64 of HMAC-SHA1 over the URL and each name with each of its distinct values, sorted."""
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
