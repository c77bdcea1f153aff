"""Forms that people send: read with a limit, from this site only, and only to addresses of this site."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from central.origin import from_here

#: A form of ours is far below this; a reason of five megabytes is refused before it is held in memory.
MAX_FORM_BYTES = 64_000
MAX_FIELDS = 100
#: Fields of words that took somebody time: whatever a form is refused for, they are shown to them again.
WORDS = ("text", "note", "reason")


class FormRefused(Exception):  # noqa: N818 - reads as a sentence
    """A form that is not taken; `status` and `key` choose the sentence the person reads."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key


async def read_form(request: Request) -> dict[str, str]:
    """Fields of a URL-encoded form, the last of a name wins. Raises FormRefused."""
    if not from_here(request.headers):
        raise FormRefused(403, "error.csrf")
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise FormRefused(422, "error.422")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise FormRefused(413, "error.413")
    try:
        fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise FormRefused(422, "error.422") from error
    if any("\x00" in text for field in fields for text in field):
        raise FormRefused(422, "error.no_text")
    form = dict(fields)
    request.state.written = "\n\n".join(form[name] for name in WORDS if form.get(name, "").strip())
    return form


def answers_of(form: dict[str, str]) -> dict[str, str]:
    """Answers by fact: the choice, the words, or `choice: words`. Questions left open are left out."""
    found = {}
    for name, fact in form.items():
        if name.startswith("fact-"):
            number = name.removeprefix("fact-")
            parts = [form.get(f"choice-{number}", ""), form.get(f"words-{number}", "").strip()]
            answer = ": ".join(part for part in parts if part)
            if answer:
                found[fact] = answer
    return found


def version_of(form: dict[str, str]) -> int:
    """The version of the case that the officer saw. Raises FormRefused."""
    return number_in(form.get("version", ""))


def number_in(text: str) -> int:
    """A number that a form carries. Raises FormRefused."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise FormRefused(422, "error.422")
    return int(text)


def local(address: str) -> str:
    """`address` when it is a path of this site, else the queue: nobody is sent elsewhere by a link."""
    plain = all(sign.isprintable() and sign not in "\\ " for sign in address)
    return address if address.startswith("/") and not address.startswith("//") and plain else "/"
