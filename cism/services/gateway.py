"""The one place that builds the way to the provider: Twilio, or the phone wall where no Twilio is set."""

from __future__ import annotations

import asyncio

from cism.clock import RealClock
from cism.settings import WALL_NUMBER, Settings
from notifications.email_gateway import EmailGateway, MailServer
from notifications.gateway import Gateway, SendError, SendFailure
from notifications.twilio_gateway import TwilioGateway


def build_gateway(settings: Settings) -> Gateway:
    """The gateway of this installation; used from one event loop and closed by whoever asked for it."""
    if settings.uses_wall:
        account, token = settings.wall_credentials()
        return TwilioGateway(
            account_sid=account,
            auth_token=token,
            sender=WALL_NUMBER,
            messaging_service_sid=None,
            urgent_sender=None,
            base_url=settings.provider_url,
            status_callback_base=settings.public_url,
        )
    return TwilioGateway(
        account_sid=settings.twilio_account_sid or "",
        auth_token=settings.twilio_auth_token or "",
        sender=settings.twilio_from,
        messaging_service_sid=settings.twilio_messaging_service_sid,
        urgent_sender=settings.twilio_urgent_from,
        base_url=settings.twilio_base_url,  # None: Twilio's own
        status_callback_base=settings.public_url,
    )


def build_second(settings: Settings) -> EmailGateway | None:
    """The second way for urgent texts to staff; None where no mail server is set."""
    if settings.second_smtp_host is None:
        return None
    server = MailServer(
        host=settings.second_smtp_host,
        port=settings.second_smtp_port,
        tls=settings.second_smtp_tls,
        user=settings.second_smtp_user,
        password=settings.second_smtp_password,
        from_=settings.second_from or "",
    )
    return EmailGateway(server)


async def trouble(settings: Settings, within: float = 5.0) -> tuple[bool, str] | None:
    """Ask the provider whether it would work for us; whether it refused, and what to do. None: it would."""
    gateway = build_gateway(settings)
    try:
        await asyncio.wait_for(gateway.inbound_since(RealClock().now()), within)
    except SendError as error:
        return _words(error)
    except TimeoutError:
        return _words(SendError(SendFailure.RETRY))
    finally:
        await gateway.aclose()
    return None


async def second_trouble(settings: Settings) -> str | None:
    """Ask the mail server of the second way whether it takes us, and what to do. None: it does."""
    gateway = build_second(settings)
    if gateway is None:
        return None
    try:
        await gateway.probe()
    except SendError as error:
        code = f" (code {error.code})" if error.code else ""
        says = "refuses us" if error.kind is SendFailure.CONFIGURATION else "does not take mail now"
        return f"the mail server {says}{code}: check CISM_SECOND_*"
    finally:
        await gateway.aclose()
    return None


def _words(error: SendError) -> tuple[bool, str]:
    if error.kind in {SendFailure.RETRY, SendFailure.UNKNOWN}:
        return False, "does not answer, no text leaves until it does: check the network, CISM_TWILIO_BASE_URL"
    code = f" (code {error.code})" if error.code else ""
    return True, f"refuses us{code}: check CISM_TWILIO_ACCOUNT_SID and CISM_TWILIO_AUTH_TOKEN"
