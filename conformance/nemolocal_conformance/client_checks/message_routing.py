"""Messages that must not be sent to the chat (CLI-2, CLI-6)."""

from collections.abc import Iterator

from ..traffic.client_log import ClientLog
from .client_check import ClientFinding, client_check, failed, passed
from .message_patterns import NonChatRoute, is_gui_instruction, non_chat_route


def _check_route(log: ClientLog, what: NonChatRoute) -> Iterator[ClientFinding]:
    for call in log.calls_to("chat"):
        cost = call.entry.turn.cost if call.entry.turn else 0
        if non_chat_route(call.message) == what:
            actual = call.message[:80]
            yield failed(
                "a message sent to the chat", f"the {what} call", actual, call, credits=cost
            )
        elif call.message:
            yield passed(call)


@client_check("client.export-in-chat", "CLI-2")
def export_words_do_not_go_to_the_chat(log: ClientLog) -> Iterator[ClientFinding]:
    """A request to export MUST start an export and not be sent to the chat."""
    return _check_route(log, "export")


@client_check("client.credits-in-chat", "CLI-2")
def credits_words_do_not_go_to_the_chat(log: ClientLog) -> Iterator[ClientFinding]:
    """A question about credits MUST read the balance and not be sent to the chat."""
    return _check_route(log, "credits")


@client_check("client.status-in-chat", "CLI-2")
def status_words_do_not_go_to_the_chat(log: ClientLog) -> Iterator[ClientFinding]:
    """A question about the status MUST read the state and not be sent to the chat."""
    return _check_route(log, "status")


@client_check("client.upload-in-chat", "CLI-2")
def upload_words_do_not_go_to_the_chat(log: ClientLog) -> Iterator[ClientFinding]:
    """A request to upload MUST start an upload and not be sent to the chat."""
    return _check_route(log, "upload")


@client_check("client.file-in-chat", "CLI-2")
def files_do_not_go_to_the_chat(log: ClientLog) -> Iterator[ClientFinding]:
    """A message that is a file name MUST upload the file and not be sent to the chat."""
    return _check_route(log, "file")


@client_check("client.gui-words", "CLI-6")
def gui_actions_do_not_go_to_the_chat(log: ClientLog) -> Iterator[ClientFinding]:
    """A GUI action such as "click Export" MUST be done through the API and not be sent
    to the chat.
    """
    for call in log.calls_to("chat"):
        cost = call.entry.turn.cost if call.entry.turn else 0
        if is_gui_instruction(call.message):
            actual = call.message[:80]
            yield failed("a message sent to the chat", "an API call", actual, call, credits=cost)
        elif call.message:
            yield passed(call)
