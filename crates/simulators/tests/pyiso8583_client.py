"""An acquirer's client that owes nothing to Ferropay: messages are made and read by the package pyiso8583.

Usage: python pyiso8583_client.py HOST PORT

Signs on, buys with the test cards, refunds, voids, sends reversal advices, and checks every answer element by element.
Exits with 0 and a count of the answers checked, or with 1 and the first difference.
"""

import socket
import struct
import sys

import iso8583
from iso8583.specs import default_ascii as SPEC

TIMEOUT_SECONDS = 20
ECHOED_02 = ["3", "4", "7", "11", "12", "13", "32", "37", "41", "42", "49"]
ECHOED_04 = ["3", "4", "7", "11", "32", "37", "41", "42", "49"]
ALWAYS_PRESENT = {"t", "p"}
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

SUCCESS_CARDS = [
    "4000000000000077",
    "4314220000000056",
    "5413330000000019",
    "4477000000000006",
    "5252000000000004",
    "4000000000000119",
    "4000000000000135",
]


class Difference(Exception):
    """An answer is not what the protocol says."""


def reference(operation, attempt=1):
    """DE37 of an attempt: operation * 512 + attempt in base 36, twelve digits."""
    number, text = operation * 512 + attempt, ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text.rjust(12, "0")


def tags(**values):
    """DE48: tag, three digits of length, value. Keyword names are t05, t07, …"""
    return "".join(f"{name[1:]}{len(value):03}{value}" for name, value in sorted(values.items()))


def read_tags(text):
    found = {}
    while text:
        tag, length = text[:2], int(text[2:5])
        found[tag], text = text[5:5 + length], text[5 + length:]
    return found


class Client:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=TIMEOUT_SECONDS)
        self.trace = 0
        self.checked = 0

    def send(self, message):
        raw, _ = iso8583.encode(message, SPEC)
        self.socket.sendall(struct.pack(">H", len(raw)) + raw)

    def receive(self):
        (length,) = struct.unpack(">H", self.exactly(2))
        raw = self.exactly(length)
        answer, encoded = iso8583.decode(raw, SPEC)
        again, _ = iso8583.encode(dict(answer), SPEC)
        if bytes(again) != raw:
            raise Difference(f"pyiso8583 writes this answer otherwise: {raw!r} / {bytes(again)!r}")
        return answer

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise Difference("the connection was closed")
            data += part
        return data

    def next_trace(self):
        self.trace += 1
        return f"{self.trace:06}"

    def ask(self, request, code, echoed, extra=()):
        """Sends, and checks answer type, response code, echoed elements, and that nothing else is in the answer."""
        self.send(request)
        answer = self.receive()
        want = request["t"][:2] + str(int(request["t"][2]) + 1) + "0"
        self.same("message type", answer["t"], want)
        self.same(f"DE39 of {request['t']} {request.get('37', '')}", answer.get("39"), code)
        for number in echoed:
            self.same(f"DE{number}", answer.get(number), request[number])
        present = {key for key in answer if key not in ALWAYS_PRESENT and key != "1"}
        self.same("elements", sorted(present), sorted(set(echoed) | {"39"} | set(extra)))
        self.checked += 1
        return answer

    def same(self, what, got, want):
        if got != want:
            raise Difference(f"{what}: got {got!r}, want {want!r}")

    def network(self, code, expected="00"):
        request = {"t": "0800", "7": "0303134205", "11": self.next_trace(), "32": "400000", "70": code}
        self.ask(request, expected, ["7", "11", "32", "70"])

    def transaction(self, mti, number, amount, card, **changes):
        message = {
            "t": mti, "2": card, "3": "000000", "4": f"{amount:012}", "7": "0303134205", "11": self.next_trace(),
            "12": "134205", "13": "0303", "18": "5999", "22": "812", "25": "59", "32": "400000",
            "37": reference(number), "41": "TERM0001", "42": "57123".ljust(15),
            "43": "PYISO8583 SHOP".ljust(25) + "RIGA".ljust(13) + "LV", "49": "978",
        }
        message.update({key[2:]: value for key, value in changes.items()})
        return message

    def purchase(self, number, amount, card, code, **changes):
        request = self.transaction("0200", number, amount, card, de14="3012", **changes)
        extra = ("38", "48") if code == "00" else ()
        answer = self.ask(request, code, ECHOED_02, extra)
        if code == "00":
            found = read_tags(answer["48"])
            self.same("CVV2 result", found.get("01"), "M" if "07003" in request.get("48", "") else None)
            if not (1 <= len(found["08"]) <= 15 and found["08"].isalnum()):
                raise Difference(f"network's transaction id: {found['08']!r}")
            if not (len(answer["38"]) == 6 and answer["38"].isalnum()):
                raise Difference(f"approval code: {answer['38']!r}")
        return answer

    def refund(self, number, amount, original, code):
        request = self.transaction(
            "0200", number, amount, SUCCESS_CARDS[0], de3="200000", de48=tags(t05=reference(original)))
        return self.ask(request, code, ECHOED_02, ("38",) if code == "00" else ())

    def void(self, number, amount, original, code, part=None, remains=None):
        private = {"t05": reference(original)}
        changes = {"de90": self.original_data()}
        if part is not None:
            private["t11"] = f"{part:012}"
            changes["de95"] = f"{remains:012}".ljust(42, "0")
        request = self.transaction("0400", number, amount, SUCCESS_CARDS[0], de48=tags(**private), **changes)
        return self.ask(request, code, ECHOED_04, ("38",) if code == "00" else ())

    def advice(self, number, amount, code, mti="0420"):
        request = self.transaction(mti, number, amount, SUCCESS_CARDS[0], de90=self.original_data())
        return self.ask(request, code, ECHOED_04)

    @staticmethod
    def original_data():
        return "0200" + "000001" + "0303134205" + "400000".rjust(11, "0") + "0" * 11


def run(client):
    # Before sign-on nothing is done.
    client.ask(client.transaction("0200", 1, 2000, SUCCESS_CARDS[0], de14="3012"), "58", ECHOED_02)
    client.network("301", "58")
    client.network("001")
    client.network("301")
    client.network("777", "12")

    # Purchases by card: D-486, D-489, D-491; others decline (D-482).
    cvv = {"de48": tags(t02="05", t07="123", t09="ANNA OZOLA")}
    for index, card in enumerate(SUCCESS_CARDS):
        client.purchase(100 + index, 2000, card, "00", **(cvv if index % 2 else {}))
    client.purchase(120, 12000, "5126160000356675", "00", **cvv)
    client.purchase(121, 12001, "5126160000356675", "51", **cvv)
    client.purchase(122, 12001, "4010571676223548", "51")
    client.purchase(123, 12001, "4010571676223548", "00", de49="840")
    for index, card in enumerate(["4111111111111111", "5544330000000045", "4242424242424242"]):
        client.purchase(130 + index, 2000, card, "99", **cvv)
    client.purchase(140, 2000, "4539121411168251", "68", **cvv)

    # Idempotency: the stored answer again, and 94 for a changed repeat.
    first = client.purchase(200, 5000, SUCCESS_CARDS[0], "00", **cvv)
    again = client.purchase(200, 5000, SUCCESS_CARDS[0], "00", **cvv)
    for number in ("38", "48"):
        client.same(f"DE{number} of the repeat", again[number], first[number])
    client.purchase(200, 5001, SUCCESS_CARDS[0], "94", **cvv)

    # Refunds of it: parts, too much, unknown purchase.
    client.refund(201, 1500, 200, "00")
    client.refund(201, 1500, 200, "00")
    client.refund(202, 3501, 200, "13")
    client.refund(203, 100, 999, "25")

    # Voids: a part, a wrong remainder, the rest, nothing left.
    client.void(204, 5000, 200, "00", part=1000, remains=2500)
    client.void(205, 5000, 200, "13", part=1000, remains=2500)
    client.void(206, 5000, 200, "13")
    client.void(207, 5000, 200, "00", part=2500, remains=0)
    client.void(208, 5000, 999, "25")
    client.purchase(210, 700, SUCCESS_CARDS[1], "00")
    client.void(211, 700, 210, "00")
    client.void(211, 700, 210, "00")
    client.void(212, 700, 210, "13")

    # Reversal advices: of an approved purchase, repeated, before the original, of a void.
    client.purchase(220, 800, SUCCESS_CARDS[2], "00")
    client.advice(220, 800, "00")
    client.advice(220, 800, "00", mti="0421")
    client.purchase(220, 800, SUCCESS_CARDS[2], "94")
    client.refund(221, 100, 220, "25")
    client.advice(222, 800, "00")
    client.purchase(222, 800, SUCCESS_CARDS[2], "94")
    client.advice(211, 700, "94")

    # An element outside the profile is ignored; a bad amount is malformed.
    client.purchase(230, 900, SUCCESS_CARDS[0], "00", de60="PRIVATE", de102="ACCOUNT")
    client.purchase(231, 900, SUCCESS_CARDS[0], "30", de4="00000000009X")

    # Many in flight: answers are matched by DE37, in whatever order they come.
    wanted = {}
    for number in range(300, 400):
        request = client.transaction("0200", number, number, SUCCESS_CARDS[0], de14="3012")
        client.send(request)
        wanted[request["37"]] = request["4"]
    while wanted:
        answer = client.receive()
        client.same("amount", answer["4"], wanted.pop(answer["37"], None))
        client.same("code", answer["39"], "00")
        client.checked += 1

    client.network("002")


def main():
    client = Client(sys.argv[1], int(sys.argv[2]))
    try:
        run(client)
    except Difference as difference:
        print(f"after {client.checked} good answers: {difference}", file=sys.stderr)
        return 1
    print(f"{client.checked} answers checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
