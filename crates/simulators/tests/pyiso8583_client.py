"""An acquirer's client that owes nothing to Ferropay: messages are made and read by the package pyiso8583.

Usage: python pyiso8583_client.py HOST PORT

Signs on, buys with the test cards, holds and captures, refunds, voids, pays out, sends reversal advices, and checks every answer element by element.
Exits with 0 and a count of the answers checked, or with 1 and the first difference.
"""

import socket
import struct
import sys

import iso8583
from iso8583.specs import default_ascii as SPEC

TIMEOUT_SECONDS = 20
ECHOED_01 = ECHOED_02 = ["3", "4", "7", "11", "12", "13", "32", "37", "41", "42", "49"]
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

    def issuer_asked(self, mti, number, amount, code, card=SUCCESS_CARDS[0], approved=None, checks=None, **changes):
        """0100 or 0200 whose answer may have checks in DE48 and a smaller amount in DE4."""
        request = self.transaction(mti, number, amount, card, de14="3012", **changes)
        good = code in ("00", "10")
        extra = (("38", "48") if good else ()) + (("48",) if checks and not good else ())
        answer = self.ask(request, code, [field for field in ECHOED_01 if field != "4"], ("4",) + extra)
        self.same("DE4", answer["4"], f"{approved if approved is not None else amount:012}")
        found = read_tags(answer.get("48", ""))
        for tag in ("13", "25"):
            self.same(f"tag {tag}", found.get(tag), (checks or {}).get(tag))
        self.same("network's transaction id", "08" in found, good)
        return answer

    def about(self, mti, number, amount, original, code, **more):
        """A message without expiry that names an earlier one: increment, capture, request for a code."""
        private = {"t05": reference(original), **{key: more.pop(key) for key in list(more) if key[0] == "t"}}
        request = self.transaction(mti, number, amount, SUCCESS_CARDS[0], de48=tags(**private), **more)
        return self.ask(request, code, ECHOED_01, ("38",) if code == "00" else ())

    def refund(self, number, amount, original, code):
        request = self.transaction(
            "0200", number, amount, SUCCESS_CARDS[0], de3="200000", de48=tags(t05=reference(original)))
        return self.ask(request, code, ECHOED_02, ("38",) if code == "00" else ())

    def credit(self, number, amount, card, code, mti="0200", **changes):
        request = self.transaction(mti, number, amount, card, de3="260000", **changes)
        answer = self.ask(request, code, ECHOED_02, ("38", "48") if code == "00" else ())
        if code == "00":
            self.same("tags of a credit's answer", list(read_tags(answer["48"])), ["08"])
        return answer

    def void(self, number, amount, original, code, part=None, remains=None, **more):
        private = {"t05": reference(original)}
        changes = {"de90": self.original_data(), **more}
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

    # Holds: repeated, raised, lowered, captured once; the capture is refunded; a hold let go whole.
    held = client.issuer_asked("0100", 240, 5000, "00")
    client.same("DE38 of the repeat", client.issuer_asked("0101", 240, 5000, "00")["38"], held["38"])
    client.about("0100", 241, 1000, 240, "00", t21="I")
    client.about("0101", 241, 1000, 240, "00", t21="I")
    client.void(242, 6000, 240, "00", part=500, remains=5500)
    client.void(243, 6000, 240, "13", part=500, remains=5500)
    client.about("0220", 244, 5501, 240, "13")
    taken = client.about("0220", 245, 5000, 240, "00")
    client.same("DE38 of the repeat", client.about("0221", 245, 5000, 240, "00")["38"], taken["38"])
    client.about("0220", 246, 100, 240, "25")
    client.about("0100", 247, 100, 240, "25", t21="I")
    client.refund(248, 2000, 245, "00")
    client.void(249, 5000, 245, "00", part=3000, remains=0)
    client.advice(245, 5000, "94")
    client.issuer_asked("0100", 250, 700, "00")
    client.void(251, 700, 250, "00")
    client.void(252, 700, 250, "25")
    client.issuer_asked("0100", 253, 700, "00")
    client.advice(253, 700, "00")
    client.issuer_asked("0100", 253, 700, "94")
    client.issuer_asked("0100", 254, 700, "99", card="4111111111111111")

    # A cancelled refund may be given again.
    client.purchase(260, 900, SUCCESS_CARDS[0], "00")
    client.refund(261, 900, 260, "00")
    client.void(262, 900, 261, "00", de3="200000")
    client.void(263, 900, 261, "13", de3="200000")
    client.refund(264, 900, 260, "00")

    # Credits: by card (G-550, D-482), with and without expiry, repeated, not undone by an advice, taken back once.
    paid = client.credit(290, 5000, "4242424242424242", "00")
    again = client.credit(290, 5000, "4242424242424242", "00", mti="0201")
    for number in ("38", "48"):
        client.same(f"DE{number} of the repeat", again[number], paid[number])
    client.credit(290, 5001, "4242424242424242", "94")
    client.credit(291, 800, "5413330000000019", "00", de14="3012", de48=tags(t09="ANNA OZOLA"))
    client.credit(292, 800, "4314220000000072", "99")
    client.credit(293, 800, "5413330000000035", "99")
    client.credit(294, 800, "4000000000000077", "99")
    client.credit(295, 800, "4111111111111112", "14")
    client.advice(290, 5000, "94")
    client.void(296, 5000, 290, "13", part=1000, remains=4000, de3="260000")
    client.void(297, 5000, 290, "25")
    client.void(298, 5000, 290, "00", de3="260000")
    client.void(298, 5000, 290, "00", de3="260000")
    client.void(299, 5000, 290, "25", de3="260000")
    client.void(238, 800, 292, "25", de3="260000")
    client.void(239, 800, 999, "25", de3="260000")

    # Partial approval, address, name, mail order, 3-D Secure data.
    client.issuer_asked("0200", 270, 20000, "10", card="5126160000356675", approved=12000, de48=tags(t16="1"))
    client.issuer_asked("0100", 271, 20000, "51", card="5126160000356675")
    address = {"t12": "BRIVIBAS 1", "t15": "LV-1059"}
    client.issuer_asked("0200", 272, 800, "00", checks={"13": "N"}, de48=tags(**address))
    client.issuer_asked("0200", 273, 800, "A1", checks={"13": "N"}, de48=tags(t14="1", **address))
    name = {"t22": "ANNA", "t24": "PARTIAL"}
    client.issuer_asked("0100", 274, 0, "00", checks={"25": "B"}, de3="330000", de48=tags(**name))
    client.issuer_asked("0100", 275, 100, "00", de3="330000")
    client.advice(275, 100, "00")
    client.issuer_asked("0200", 276, 800, "00", de22="012", de25="08", de48=tags(t17="2"))
    secure = {"t02": "05", "t03": "A" * 28, "t04": "f25084f0-5b16-4c0a-ae5d-b24808a95e4b", "t18": "2.2.0"}
    client.issuer_asked("0100", 277, 800, "00", de48=tags(**secure))

    # Merchant authentication: offered, placed, a wrong code, the right code.
    client.issuer_asked("0200", 280, 800, "Z1", de48=tags(t10="merchant-auth"))
    client.about("0100", 281, 800, 280, "00", de3="390000")
    client.about("0100", 282, 800, 276, "25", de3="390000")
    client.issuer_asked("0200", 283, 800, "Z2", de48=tags(t10="merchant-auth", t19="654321"))
    client.issuer_asked("0200", 284, 800, "00", de48=tags(t10="merchant-auth", t19="123456"))

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
