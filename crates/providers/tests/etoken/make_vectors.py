"""Makes vectors.json: tokens of Apple Pay and Google Pay as somebody else makes them.

Needs the PyPI package `cryptography` and the command line tool `openssl`, which signs Apple's tokens in the encoding
with open lengths that real devices use. Every key in it is made here and good for nothing else.

    python3 make_vectors.py > vectors.json
"""
import base64, hashlib, json, os, struct, subprocess, sys, tempfile, time
from datetime import datetime, timedelta, timezone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID, ObjectIdentifier

b64 = lambda data: base64.b64encode(data).decode()
NOW = int(time.time())
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
INFO = serialization.PublicFormat.SubjectPublicKeyInfo
LEAF, INTERMEDIATE = "1.2.840.113635.100.6.29", "1.2.840.113635.100.6.2.14"


def key(curve=ec.SECP256R1()):
    return ec.generate_private_key(curve)


def pem(private, form=serialization.PrivateFormat.PKCS8):
    return private.private_bytes(PEM, form, serialization.NoEncryption()).decode()


def info(private):
    return private.public_key().public_bytes(DER, INFO)


def point(private):
    return private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def certificate(name, private, issuer=None, issuer_key=None, mark=None, ca=False, days=36500, begin=0):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.fromtimestamp(NOW, timezone.utc) + timedelta(days=begin - 1)
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
               .public_key(private.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(start).not_valid_after(start + timedelta(days=days))
               .add_extension(x509.BasicConstraints(ca, None), critical=True))
    if mark:
        builder = builder.add_extension(
            x509.UnrecognizedExtension(ObjectIdentifier(mark), b"\x05\x00"), critical=False)
    return builder.sign(issuer_key or private, hashes.SHA256())


def chain(leaf_mark=LEAF, middle_mark=INTERMEDIATE, leaf_days=36500, leaf_begin=0, middle_is_ca=True):
    root_key, middle_key, leaf_key = key(ec.SECP384R1()), key(), key()
    root = certificate("Test Root CA", root_key, ca=True)
    middle = certificate("Test Integration CA", middle_key, root, root_key, middle_mark, ca=middle_is_ca)
    leaf = certificate("Test Signer", leaf_key, middle, middle_key, leaf_mark, days=leaf_days, begin=leaf_begin)
    return {"root": root, "middle": middle, "leaf": leaf, "key": leaf_key}


def signature(content, chain, open_lengths=True, digest="sha256"):
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        for name, data in [("content", content), ("leaf.pem", chain["leaf"].public_bytes(PEM)),
                           ("middle.pem", chain["middle"].public_bytes(PEM)),
                           ("key.pem", pem(chain["key"]).encode())]:
            open(at(name), "wb").write(data)
        command = ["openssl", "cms", "-sign", "-binary", "-nosmimecap", "-md", digest, "-outform", "DER",
                   "-in", at("content"), "-signer", at("leaf.pem"), "-inkey", at("key.pem"),
                   "-certfile", at("middle.pem")]
        signed = subprocess.run(command, check=True, capture_output=True).stdout
    assert signed[0] == 0x30 and signed[1] != 0x80
    return opened_lengths(signed) if open_lengths else signed


def opened_lengths(der):
    """The same message with the outer lengths left open, as devices write it."""
    def split(data):
        length, at = data[1], 2
        if length & 0x80:
            digits = length & 0x7f
            length, at = int.from_bytes(data[2:2 + digits], "big"), 2 + digits
        return data[:1], data[at:at + length], data[at + length:]

    def parts(data):
        found = []
        while data:
            tag, value, rest = split(data)
            found.append((tag, value, data[:len(data) - len(rest)]))
            data = rest
        return found

    opened = lambda tag, value: tag + b"\x80" + value + b"\x00\x00"
    _, message, _ = split(der)
    (_, _, kind), (wrap, wrapped, _) = parts(message)
    _, signed, _ = split(wrapped)
    version, digests, about, certificates, signers = parts(signed)
    inner = (version[2] + digests[2] + opened(about[0], about[1]) + opened(certificates[0], certificates[1]) + signers[2])
    return opened(b"\x30", kind + opened(wrap, opened(b"\x30", inner)))


MERCHANT = "merchant.com.example.shop"


def apple(chain, processing, payment=None, ephemeral=None, merchant=MERCHANT, transaction=None, shop=b"",
          seal_for=None, open_lengths=True, signed_transaction=None, **members):
    data = {
        "applicationPrimaryAccountNumber": "4314220000000056", "applicationExpirationDate": "301130",
        "currencyCode": "978", "transactionAmount": 1000, "deviceManufacturerIdentifier": "040010030273",
        "paymentDataType": "3DSecure",
        "paymentData": {"onlinePaymentCryptogram": b64(bytes(range(20))), "eciIndicator": "7"},
    }
    data.update(payment or {})
    ephemeral = ephemeral or key()
    secret = ephemeral.exchange(ec.ECDH(), (seal_for or processing).public_key())
    sealing = hashlib.sha256(b"\0\0\0\1" + secret + b"\x0did-aes256-GCM" + b"Apple"
                             + hashlib.sha256(merchant.encode()).digest()).digest()
    sealed = AESGCM(sealing).encrypt(bytes(16), json.dumps(data).encode(), None)
    transaction = transaction or os.urandom(32)
    signed = info(ephemeral) + sealed + (signed_transaction or transaction) + shop
    header = {"ephemeralPublicKey": b64(info(ephemeral)), "transactionId": transaction.hex(),
              "publicKeyHash": b64(hashlib.sha256(info(processing)).digest())}
    if shop:
        header["applicationData"] = shop.hex()
    token = {"version": "EC_v1", "data": b64(sealed), "header": header,
             "signature": b64(signature(signed, chain, open_lengths, members.pop("digest", "sha256")))}
    for name, value in members.items():
        if name in header:
            header[name] = value
        else:
            token[name] = value
    return json.dumps(token)


def lengths(*texts):
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def sign(private, data):
    return b64(private.sign(data, ec.ECDSA(hashes.SHA256())))


RECIPIENT = "gateway:ferropaytest"
MERCHANT_AT_GATEWAY = "shop-1"
milliseconds = lambda seconds: str((NOW + seconds) * 1000)


def google(root, recipient, name=RECIPIENT, details=None, message=None, key_life=86400, signer=None, sender="Google",
           **members):
    content = {
        "gatewayMerchantId": MERCHANT_AT_GATEWAY,
        "messageExpiration": milliseconds(3600), "messageId": "AH2Ejtc_" + os.urandom(8).hex(),
        "paymentMethod": "CARD",
        "paymentMethodDetails": {
            "pan": "5252000000000004", "expirationMonth": 11, "expirationYear": 2030,
            "authMethod": "CRYPTOGRAM_3DS", "cryptogram": b64(bytes(range(20, 40))), "eciIndicator": "02"},
    }
    content.update(message or {})
    content = {k: v for k, v in content.items() if v is not None}
    content["paymentMethodDetails"].update(details or {})
    content["paymentMethodDetails"] = {k: v for k, v in content["paymentMethodDetails"].items() if v is not None}
    ephemeral = key()
    shared = ephemeral.exchange(ec.ECDH(), recipient.public_key())
    derived = HKDF(hashes.SHA256(), 64, None, b"Google").derive(point(ephemeral) + shared)
    cipher = Cipher(algorithms.AES(derived[:32]), modes.CTR(bytes(16))).encryptor()
    sealed = cipher.update(json.dumps(content).encode()) + cipher.finalize()
    mac = hmac.HMAC(derived[32:], hashes.SHA256())
    mac.update(sealed)
    signed_message = json.dumps({"encryptedMessage": b64(sealed), "ephemeralPublicKey": b64(point(ephemeral)),
                                 "tag": b64(mac.finalize())})
    intermediate = key()
    signed_key = json.dumps({"keyValue": b64(info(intermediate)), "keyExpiration": milliseconds(key_life)})
    token = {
        "protocolVersion": "ECv2",
        "signature": sign(signer or intermediate, lengths(sender, name, "ECv2", signed_message)),
        "intermediateSigningKey": {"signedKey": signed_key,
                                   "signatures": [sign(root, lengths(sender, "ECv2", signed_key))]},
        "signedMessage": signed_message,
    }
    token.update(members)
    return json.dumps(token)


def changed(token, change):
    token = json.loads(token)
    change(token)
    return json.dumps(token)


def main():
    good, processing, older, stranger = chain(), key(), key(), key()
    root, gateway, other_root = key(), key(), key()

    def flip(token):
        data = bytearray(base64.b64decode(token["data"]))
        data[3] ^= 1
        token["data"] = b64(bytes(data))

    def flip_message(token):
        message = json.loads(token["signedMessage"])
        message["tag"] = b64(bytes(32))
        token["signedMessage"] = json.dumps(message)

    apple_tokens = {
        "right": apple(good, processing),
        "right with told lengths": apple(good, processing, open_lengths=False),
        "right with shop data": apple(good, processing, shop=hashlib.sha256(b"order 1").digest(),
                                      payment={"cardholderName": "Ada Byron"}),
        "right for the older key": apple(good, older),
        "of another merchant": apple(good, processing, merchant="merchant.com.example.other"),
        "for another key": apple(good, stranger),
        "sealed for another key": apple(good, processing, seal_for=stranger),
        "from another root": apple(chain(), processing),
        "changed data": changed(apple(good, processing), flip),
        "other transaction signed": apple(good, processing, signed_transaction=bytes(32)),
        "other curve": apple(good, processing,
                             ephemeralPublicKey=b64(info(key(ec.SECP384R1())))),
        "off the curve": apple(good, processing, ephemeralPublicKey=b64(info(key())[:-1] + b"\0")),
        "RSA_v1": apple(good, processing, version="RSA_v1"),
        "chip data": apple(good, processing, payment={"paymentDataType": "EMV"}),
        "without cryptogram": apple(good, processing, payment={"paymentData": {"eciIndicator": "7"}}),
        "other digest": apple(good, processing, digest="sha384"),
    }
    marks = {name: chain(**how) for name, how in {
        "leaf without mark": {"leaf_mark": None},
        "authority without mark": {"middle_mark": None},
        "expired leaf": {"leaf_days": 1, "leaf_begin": -5},
        "leaf of tomorrow": {"leaf_begin": 3},
        "authority that is none": {"middle_is_ca": False},
    }.items()}
    for name, papers in marks.items():
        apple_tokens[name] = apple(papers, processing)
    roots = [good] + list(marks.values())

    google_tokens = {
        "right": google(root, gateway),
        "right with the card's own number": google(
            root, gateway, details={"authMethod": "PAN_ONLY", "cryptogram": None, "eciIndicator": None}),
        "for another recipient": google(root, gateway, name="gateway:somebody"),
        "for another key": google(root, stranger),
        "for another merchant": google(root, gateway, message={"gatewayMerchantId": "shop-2"}),
        "for no merchant": google(root, gateway, message={"gatewayMerchantId": None}),
        "without identifier": google(root, gateway, message={"messageId": ""}),
        "zero in the identifier": google(root, gateway, message={"messageId": "a\0b"}),
        "by another root": google(other_root, gateway),
        "by an expired root": None,
        "signed by a stranger": google(root, gateway, signer=stranger),
        "by another sender": google(root, gateway, sender="Goggle"),
        "expired key": google(root, gateway, key_life=-1),
        "expired message": google(root, gateway, message={"messageExpiration": milliseconds(-1)}),
        "changed message": changed(google(root, gateway), flip_message),
        "ECv1": google(root, gateway, protocolVersion="ECv1"),
        "without cryptogram": google(root, gateway, details={"cryptogram": None}),
        "no card": google(root, gateway, message={"paymentMethod": "TOKENIZED_CARD"}),
        "bad month": google(root, gateway, details={"expirationMonth": 13}),
        "bad number": google(root, gateway, details={"pan": "5252000000000005"}),
    }
    expired_root = key()
    google_tokens["by an expired root"] = google(expired_root, gateway)
    root_keys = {"keys": [
        {"keyValue": b64(info(key())), "protocolVersion": "ECv1"},
        {"keyValue": b64(info(expired_root)), "protocolVersion": "ECv2", "keyExpiration": milliseconds(-1)},
        {"keyValue": b64(info(root)), "protocolVersion": "ECv2", "keyExpiration": milliseconds(10**8)},
    ]}
    vectors = {
        "made_at": NOW,
        "apple": {
            "keys": {
                "merchant_id": MERCHANT,
                "processing_keys": [pem(processing), pem(older, serialization.PrivateFormat.TraditionalOpenSSL)],
                "roots": "".join(it["root"].public_bytes(PEM).decode() for it in roots),
            },
            "other_curve_key": pem(key(ec.SECP384R1())),
            "tokens": apple_tokens,
        },
        "google": {
            "keys": {
                "recipient_id": RECIPIENT,
                "gateway_merchant_id": MERCHANT_AT_GATEWAY,
                "private_keys": [pem(key()), pem(gateway)],
                "root_keys": json.dumps(root_keys),
            },
            "tokens": google_tokens,
        },
    }
    json.dump(vectors, sys.stdout, indent=1)
    print()


main()
