"""What is written to somebody on duty when a text does not get through: neutral, and how to answer."""

from dataclasses import asdict, dataclass, field

from notifications import languages
from notifications.languages import spoken_in
from notifications.render import ENVIRONMENT, LANGUAGE, source_of

_NAME = "second_way.mail.j2"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondWay:
    """Somebody is asked for something, by code; what it is about, and whom, is not written.

    `number`: where answers are texted to, empty where it is not known. `repeat`: a text may have arrived.
    """

    agency: str
    code: str = field(repr=False)
    by: str
    number: str = field(repr=False)
    duty: str = field(repr=False)
    repeat: bool = False


def write(message: SecondWay, language: str) -> str:
    """The subject, an empty line, the words; in English where the language has none."""
    tag = spoken_in(language).tag
    known = source_of(f"{tag}/{_NAME}") is not None
    spoken = languages.known()[tag if known else LANGUAGE]
    template = ENVIRONMENT.get_template(f"{spoken.tag}/{_NAME}")
    fields = asdict(message)
    if message.by and spoken.tag != LANGUAGE:
        fields["by"] = spoken.date(message.by)
    return template.render(fields).strip() + "\n"
