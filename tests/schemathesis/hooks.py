"""What Schemathesis has to know about the Gate API beyond its contract.

Requests are signed, or none would get further than the signature. Some are left unsigned or signed wrongly, and some of
those to paths that are executed are made right by our data: test cards, payment ids of their own, payments that exist. A
right request has to be accepted; any other gets a status its path declares, with the error body. What was asked and
answered is counted and written to a file, so that whoever runs this sees that nothing passed for want of being tried.

The environment says the rest: FERROPAY_SECRET, FERROPAY_PROJECT, FERROPAY_PAID (payments that can be refunded, separated
by blanks), FERROPAY_HELD (payments of 10.00 EUR that wait for their capture), FERROPAY_REQUESTS (identifiers of requests
that were made), FERROPAY_TOKEN (a token of customer-7) and FERROPAY_SUMMARY (the file to write).
"""

import atexit
import base64
import collections
import copy
import datetime
import hashlib
import hmac
import itertools
import json
import os
import random
import re
import threading

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

SECRET = os.environ["FERROPAY_SECRET"].encode()
PROJECT = int(os.environ["FERROPAY_PROJECT"])
PAID = os.environ["FERROPAY_PAID"].split()
REQUESTS = os.environ["FERROPAY_REQUESTS"].split()

# The test cards of the documentation: approved, approved and Mastercard, declined.
CARDS = ["4000000000000077", "5413330000000019", "4111111111111111"]
# Paths that make a payment with a card, and those whose acceptance is followed to its callback.
NEW = ("/v2/payment/card/sale", "/v2/payment/card/auth", "/v2/payment/card/account_verification")
# Paths that pay out to a card.
PAYOUTS = ("/v2/payment/card/payout", "/v2/payment/individual/payout")
# The test cards of payouts: credited, credited and Mastercard, not credited.
PAYOUT_CARDS = ["4242424242424242", "5413330000000019", "4314220000000072"]
# Makes a payment link; what comes of it waits for a customer.
LINK = "/v2/payment/invoice/create"
# Each of these ends or changes a hold; every one has holds of its own.
SECOND_STEPS = ("/v2/payment/card/capture", "/v2/payment/card/cancel", "/v2/payment/card/incremental")
HELD = {path: os.environ["FERROPAY_HELD"].split()[index::3] for index, path in enumerate(SECOND_STEPS)}
# Purchases whose customer decides elsewhere; a word in the description decides instead.
BY_CUSTOMER = tuple(
    f"/v2/payment/{method}/sale" for method in ("blik", "bancontact", "pix", "cup/union", "bnpl/humm", "skrill")
)
# What is asked rightly of payment methods: the steps that the address leaves open. The customer's part is played by a word.
BY_METHOD = {path: {} for path in BY_CUSTOMER}
BY_METHOD |= {f"/v2/payment/{method}/payout": {} for method in ("pix", "skrill")}
for group, method, steps in (
    ("wallet", "paypal", ("sale", "auth", "payout")),
    ("banks", "austria", ("sale",)),
    ("banks", "indonesia", ("payout",)),
    ("bank-transfer", "eps", ("sale",)),
    ("bank-transfer", "uk", ("payout",)),
    ("online-banking", "ideal", ("sale",)),
    ("atm", "philippines", ("sale", "payout")),
    ("directdebit", "sepa", ("sale", "contract/registration")),
):
    BY_METHOD |= {f"/v2/payment/{group}/{{payment_method}}/{step}": {"payment_method": method} for step in steps}
# Look-ups whose address says what is looked for.
LISTS = {
    "/v2/info/available-methods/{payment_direction}/list": {"payment_direction": "payin"},
    "/v2/info/banks/{payment_method}/{operationType}/list": {"payment_method": "banks", "operationType": "payout"},
    "/v2/info/banks/{parentMethod}/{childMethod}/{operationType}/list": {
        "parentMethod": "banks", "childMethod": "thailand", "operationType": "sale",
    },
}
STEPS = BY_METHOD | LISTS
# Banks that payouts name.
BANK_OF = {
    "indonesia": {"currency": "IDR", "account": {"bank_id": 11001}},
    "philippines": {"currency": "PHP", "account": {"bank_id": 10101, "region_id": 1}},
}
# A token of customer-7's card.
TOKEN = os.environ["FERROPAY_TOKEN"]
# Links that wait, to be withdrawn.
CANCEL_LINK = "/v2/payment/invoice/cancel"
TOKENIZE = "/v2/customer/card/tokenize"
BY_TOKEN = "/v2/payment/card/sale/token"
SAVED_LIST = "/v2/customer/saved_account/list"
# Answered at once, without a signature.
RETRY_SCHEDULE = "/v2/recurring/retry-custom-schedule/"
SERIES_INFO = "/v2/payment/recurring/info"
RETRY_STOP = "/v2/recurring/retry_stop"
LOOK_UPS = ("/v2/payment/status", "/v2/payment/status/request")
CUSTOMERS = "/v2/customer/"
# Answered at once: availability with a signature, banks as a bare list.
AVAILABILITY = "/v2/info/available-methods/"
BANKS = "/v2/info/banks/"
BANKS_BY = {"country": ("country", ["THA", "DEU", "PRT"]), "aggregator": ("aggregator_id", [1, 2, 99])}
BANKS_BY |= {"paymentmethod": ("payment_method_id", [101, 102]), "provider": ("provider_id", [1, 2])}
ERROR_LISTS = ("/v2/payment/status", "/v2/customer/saved_account/", "/v2/info/available-methods/")

lock = threading.Lock()
numbers = itertools.count(1)
links = []
right = set()
accepted = []
statuses = collections.defaultdict(collections.Counter)
codes = collections.defaultdict(collections.Counter)
rights = collections.Counter()
unsigned = collections.Counter()


# ---------------------------------------------------------------- the signature


def pairs_of(value, path, pairs):
    """The `path:text` pairs of a document; `:` within a name is doubled, so that no two members share a path."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in ("signature", "frame_mode"):
                name = name.replace(":", "::")
                pairs_of(member, name if path is None else f"{path}:{name}", pairs)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            pairs_of(item, f"{path}:{index}", pairs)
    elif value is None:
        pairs.append((path, ""))
    elif isinstance(value, bool):
        pairs.append((path, "1" if value else "0"))
    elif isinstance(value, str):
        pairs.append((path, value))
    else:
        pairs.append((path, json.dumps(value)))
    return pairs


def natural(path):
    """Runs of digits compare as numbers, everything else as text."""
    parts = [part for part in re.split("([0-9]+)", path) if part]
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def signature(document, secret, order=None):
    """Signs with the paths in code point order, as clients in Python do; replies come in natural order."""
    pairs = sorted(pairs_of(document, None, []), key=lambda pair: order(pair[0]) if order else pair[0])
    canonical = ";".join(f"{path}:{text}" for path, text in pairs)
    return base64.b64encode(hmac.new(secret, canonical.encode(), hashlib.sha512).digest()).decode()


def place(path):
    """The object that carries signature and project of a path; None is the body itself."""
    if path == "/v2/payment/status/request" or path.startswith("/v2/info/banks/by"):
        return None
    return "customer" if path.startswith("/v2/customer/") else "general"


# ---------------------------------------------------------------- formats tools do not know


def luhn(digits):
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


schemathesis.openapi.format("pan", st.from_regex("[1-9][0-9]{14}", fullmatch=True).map(luhn))
schemathesis.openapi.format("email", st.from_regex("[a-z]{1,20}@[a-z]{1,20}[.]example", fullmatch=True))
schemathesis.openapi.format("ip-address", st.ip_addresses().map(str))
schemathesis.openapi.format("date", st.dates().map(str))
for name in ("date-time", "dateTime"):
    schemathesis.openapi.format(name, st.datetimes(timezones=st.just(None)).map(lambda at: at.isoformat() + "Z"))


# ---------------------------------------------------------------- requests


def tidied(value):
    """Texts without U+0000, which is refused everywhere, and without the line end that `$` of Python's patterns lets in."""
    if isinstance(value, dict):
        return {tidied(name): tidied(member) for name, member in value.items()}
    if isinstance(value, list):
        return [tidied(item) for item in value]
    if isinstance(value, str):
        return value.replace("\0", " ").rstrip("\n") or value
    return value


def make_right(path, body, choice):
    """A body that keeps the contract, with our data where the platform has to know them; None where we have none."""
    body = tidied(body)
    general = {"project_id": PROJECT}
    with lock:
        number = next(numbers)
    if path in NEW:
        general["payment_id"] = f"right-{number}"
        # An address of callbacks or a delay of its own would only hide the callback.
        body.pop("callback", None)
        body["card"] |= {"pan": choice.choice(CARDS), "year": 2035, "month": 12, "card_holder": "JUDY DOE", "cvv": "123"}
        # What a series has to say depends on the day and on itself.
        body.pop("recurring", None)
        body.pop("recurring_register", None)
        # Whether the merchant keeps the data of series is an agreement: without it such a card is refused by callback.
        body["card"]["stored_card_type"] = 0
        # Tokens of the card networks are of two networks only, and the cards here are no tokens.
        body.pop("token_data", None)
        body["customer"] |= {"id": f"customer-{number}", "ip_address": "203.0.113.7", "email": "judy.doe@example.com"}
        body["customer"] |= {"phone": "442079460000", "screen_res": "1920x1080", "first_name": "Judy", "last_name": "Doe"}
        # What has to be there of an authentication made elsewhere depends on what it was; this is all of it.
        if "authentication_data" in body:
            value = base64.b64encode(choice.randbytes(20)).decode()
            body["authentication_data"] = {"xid": value, "cavv": value, "eci": "05", "threeds_version": "3ds_2"}
            body["authentication_data"] |= {"enrollement_status": "Y", "authentication_status": "Y"}
            body["authentication_data"] |= {"ds_operation_id": "0190f8a2-7b1c-7a3d-8e4f-001122334455"}
        amount = 0 if path.endswith("account_verification") else choice.randint(1, 5000)
        body["payment"] |= {"amount": amount, "currency": "EUR"}
    elif path in PAYOUTS:
        general["payment_id"] = f"payout-{number}"
        body.pop("callback", None)
        # Year and month come together or not at all.
        body["card"] = {"pan": choice.choice(PAYOUT_CARDS)}
        if choice.random() < 0.5:
            body["card"] |= {"year": 2035, "month": 12}
        body["payment"] |= {"amount": choice.randint(1, 5000), "currency": "EUR"}
    elif path == LINK:
        general["payment_id"] = f"link-{number}"
        # Half a day ahead, far from both ends; nobody reads the mail here.
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=12)
        body["customer"] |= {"id": f"customer-{number}"}
        body["payment"] |= {"amount": choice.randint(1, 5000), "currency": "EUR", "best_before": moment.isoformat()}
        body["send_email"] = False
        # What a series, or its registration alone, has to say depends on the day and on itself.
        body.pop("recurring", None)
        body["operation_type"] = choice.choice(["sale", "auth"])
    elif path == CANCEL_LINK:
        with lock:
            if not links:
                return None
            general["payment_id"] = links.pop()
        body = {}
    elif path in BY_METHOD:
        return by_method(path, f"method-{number}", choice)
    elif path in LISTS:
        body = {"payment_method_list": [{"payment_method": "blik"}]}
        if path.startswith(BANKS):
            general["payment_id"] = f"banks-{number}"
            body = {"customer": {"ip_address": "203.0.113.7"}, "payment": {"amount": 1000, "currency": "THB"}}
    elif path == TOKENIZE:
        card = {"pan": choice.choice(CARDS), "year": 2035, "month": 12, "card_holder": "JUDY DOE"}
        return {"customer": {"project_id": PROJECT, "id": f"customer-{number}"}, "card": card}
    elif path == BY_TOKEN:
        body = {"token": TOKEN, "cvv": "123", "payment": {"amount": choice.randint(1, 5000), "currency": "EUR"}}
        body["customer"] = {"id": "customer-7", "ip_address": "203.0.113.7", "email": "judy.doe@example.com"}
        body["customer"] |= {"phone": "442079460000", "screen_res": "1920x1080"}
        general["payment_id"] = f"token-{number}"
    elif path == SAVED_LIST:
        return {"customer": {"project_id": PROJECT, "id": "customer-7"}, "payment_method": choice.choice(["card", "alipay"])}
    elif path in ("/v2/payment/card/refund", "/v2/payment/refund"):
        general["payment_id"] = PAID[number % len(PAID)]
        body.pop("callback", None)
        body["payment"] = {"description": "Returned", "amount": 1, "currency": "EUR", "merchant_refund_id": f"refund-{number}"}
    elif path in SECOND_STEPS:
        with lock:
            if not HELD[path]:
                return None
            general["payment_id"] = HELD[path].pop()
        body.pop("callback", None)
        body["payment"] = {"amount": 2000 if path.endswith("incremental") else 1000, "currency": "EUR"}
    elif path == "/v2/payment/status":
        general["payment_id"] = choice.choice(PAID)
        body = {"destination": choice.choice(["merchant", "terminal"])} if choice.random() < 0.5 else {}
    elif path == "/v2/payment/status/request":
        return {"project_id": PROJECT, "request_id": choice.choice(REQUESTS)}
    elif path.startswith(f"{BANKS}by"):
        member, values = BANKS_BY[path.removeprefix(f"{BANKS}by")]
        return {"project_id": PROJECT, member: choice.choice(values)}
    elif not path.startswith(RETRY_SCHEDULE):
        return None
    return body | {"general": general}


def by_method(path, payment, choice):
    """A purchase, a hold, a payout or an agreement by a payment method, decided by a word in its description."""
    pays = {"amount": choice.randint(100, 5000), "currency": "EUR", "description": "[success]"}
    body = {
        "general": {"project_id": PROJECT, "payment_id": payment},
        "customer": {"id": "customer-7", "ip_address": "203.0.113.7", "country": "BR"},
        "payment": pays,
        "account": {"number": "ada@wallet.example"},
    }
    if path.endswith("/payout"):
        bank = BANK_OF.get(BY_METHOD[path].get("payment_method"))
        if bank:
            body["account"] |= bank["account"]
            pays["currency"] = bank["currency"]
    else:
        body["return_url"] = {name: f"https://shop.example/{name}" for name in ("success", "decline", "return")}
    if "/directdebit/" in path:
        body["recurring"] = {"type": "U"}
    return body


def calm(path, body):
    """Takes out what would leave this machine, or keep work waiting after the test: callback addresses, delays, and
    customers nobody plays."""
    payment = body.get("payment")
    if path in BY_CUSTOMER:
        # What a series has to say depends on the day, and its debits would go on after the test.
        body.pop("recurring", None)
    if path in BY_CUSTOMER and isinstance(payment, dict) and isinstance(payment.get("description", ""), str):
        payment["description"] = "[success]"
    general, callback = body.get("general"), body.get("callback")
    # An address that is none would be tried for days as well.
    address = general.get("merchant_callback_url") if isinstance(general, dict) else None
    if isinstance(address, str) and 1 <= len(address) <= 255:
        del general["merchant_callback_url"]
    if isinstance(callback, dict) and callback.get("delay") in range(601):
        callback["delay"] = 0


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if case.method.upper() != "POST" or not isinstance(case.body, dict):
        return
    body = copy.deepcopy(case.body)
    # Whatever is drawn here follows from the body, so that a failure can be repeated and made smaller.
    choice = random.Random(json.dumps(body, sort_keys=True))
    is_right = False
    is_positive = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    # With few examples for each path there may be a single positive one, which then has to be right.
    if is_positive and (choice.random() < 0.7 or not rights[case.path]):
        ours = make_right(case.path, body, choice)
        if ours is not None:
            is_right, body = True, ours
            # The contract says three letters; not all of them are a currency.
            pays = body.get("payment")
            if isinstance(pays, dict) and "local_conversion_currency" in pays:
                pays["local_conversion_currency"] = choice.choice(["JPY", "PHP", "USD"])
    calm(case.path, body)
    at = place(case.path)
    carrier = body if at is None else body.get(at)
    if isinstance(carrier, dict):
        fate = 1.0 if is_right else choice.random()
        if not is_right and not unsigned[case.path]:
            # Some contracts leave next to nothing to be wrong: each path is asked at least once without a signature.
            fate = 0.06
        if 0.05 < fate < 0.08:
            with lock:
                unsigned[case.path] += 1
        if fate > 0.05:
            carrier["project_id"] = PROJECT
        if fate < 0.08:
            carrier.pop("signature", None)
        else:
            carrier["signature"] = signature(body, b"another secret" if fate < 0.1 else SECRET)
    case.body = body
    if is_right and case.path in STEPS:
        case.path_parameters = dict(STEPS[case.path])
    if is_right:
        with lock:
            right.add(case.id)
            rights[case.path] += 1


# ---------------------------------------------------------------- answers


def is_error(body, code_type):
    message = isinstance(body.get("message"), str) and body["message"] != ""
    return message and isinstance(body.get("code"), code_type) and str(body["code"]).isdigit()


@schemathesis.check
def answers_are_those_of_the_contract(ctx, response, case):
    status = response.status_code
    declared = case.operation.definition.raw["responses"]
    with lock:
        statuses[case.path][status] += 1
    assert status < 500, f"a fault of the platform: {status} {response.text}"
    if case.method.upper() != "POST":
        expected = 204 if case.method.upper() == "OPTIONS" else 405
        assert status == expected and response.content == b"", f"{case.method}: {status} {response.text}"
        return
    assert str(status) in declared or status in (403, 404, 405), f"{status} is not declared: {response.text}"
    if case.id in right:
        assert status == 200, f"a right request is refused: {status} {response.text}"
    if status == 404 and response.content == b"":
        # A step of the path that is empty or two: the path does not exist.
        return
    if status == 200 and case.path == RETRY_STOP:
        assert response.content == b"", response.content
        return
    assert response.headers["content-type"] == ["application/json; charset=UTF-8"], response.headers
    body = response.json()
    if status == 200:
        if case.path.startswith(RETRY_SCHEDULE):
            if case.path.endswith("info"):
                assert set(body) == {"project_id", "schedule"} and body["project_id"] == PROJECT, body
            else:
                assert body == {"status": "success"}, body
        elif case.path == SERIES_INFO:
            assert body["project_id"] == PROJECT and body["recurring"]["id"] == case.body["recurring"]["id"], body
        elif case.path.startswith(BANKS):
            assert all(bank["id"] > 0 and bank["name"] and bank["currency"] for bank in body), body
        elif case.path.startswith(AVAILABILITY):
            assert all(set(item) == {"payment_method", "is_available"} for item in body["available_methods"]), body
            assert body["signature"] == signature(body, SECRET, natural), f"the reply is not signed rightly: {response.text}"
        elif case.path.startswith(CUSTOMERS):
            if "request_id" in body:
                assert body["status"] == "success" and body["project_id"] == PROJECT, body
            elif "signature" in body:
                assert body["signature"] == signature(body, SECRET, natural), f"the reply is not signed rightly: {response.text}"
            else:
                assert body["status"] == "success", body
        elif case.path not in LOOK_UPS:
            sent = case.body["general"]["payment_id"]
            assert body["status"] == "success" and body["payment_id"] == sent and body["project_id"] == PROJECT, body
            if case.path == LINK:
                if case.id in right:
                    with lock:
                        links.append(sent)
            elif case.id in right and case.path != CANCEL_LINK:
                with lock:
                    accepted.append(body["request_id"])
        else:
            at = body if "signature" in body else body["general"]
            assert at["signature"] == signature(body, SECRET, natural), f"the reply is not signed rightly: {response.text}"
        return
    if status == 400 and case.path.startswith(ERROR_LISTS) and case.path != "/v2/payment/status/request":
        assert body["errors"] and all(is_error(item, int) for item in body["errors"]), f"no error list: {response.text}"
        code = body["errors"][0]["code"]
    else:
        assert body["status"] == "error" and is_error(body, str), f"no error body: {response.text}"
        code = body["code"]
    with lock:
        codes[case.path][str(code)] += 1


@atexit.register
def write_summary():
    summary = {"statuses": statuses, "codes": codes, "right": rights, "accepted": accepted}
    with open(os.environ["FERROPAY_SUMMARY"], "w", encoding="utf-8") as file:
        json.dump(summary, file)
