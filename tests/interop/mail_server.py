"""Sends the summary of the samples to a mail server that others wrote (aiosmtpd), well behaved and not.

Each case says what was received, and what the runs ended with. A mail goes out once, or it is known not to have.
"""

import asyncio
import contextlib
import datetime
import email
import email.policy
import ipaddress
import logging
import pathlib
import ssl
import tempfile
import threading
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sandbox import DELIVERY, DONE, FINDINGS, Sandbox, document, equal, true

USER, PASSWORD, WRONG = "printing", "correct horse", "wrong battery"


def signed(name, issuer, issuer_key, key, *extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(issuer_key, hashes.SHA256())


def certificates(folder):
    """An authority of our own and a certificate of `localhost` by it: (authority, server) as PEM files."""
    name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = signed(name("Interop CA"), name("Interop CA"), authority_key, authority_key,
                       x509.BasicConstraints(ca=True, path_length=0))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = signed(name("localhost"), name("Interop CA"), authority_key, key, names,
                    x509.BasicConstraints(ca=False, path_length=None))
    pem = serialization.Encoding.PEM
    plain = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "server.pem").write_bytes(server.public_bytes(pem) + key.private_bytes(*plain))
    return folder / "authority.pem", folder / "server.pem"


class Mailbox:
    """What the server does with a mail: keep it, refuse it, or break off."""

    def __init__(self):
        self.received = []
        self.refuse_recipients = False
        self.break_after_data = False
        self.seen_login = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse_recipients:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        over_tls = server.transport.get_extra_info("ssl_object") is not None
        self.received.append((envelope, over_tls, bool(session.authenticated)))
        if self.break_after_data:
            server.transport.abort()
        return "250 OK"

    def login(self, server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.seen_login.append(good)
        return AuthResult(success=good, handled=False)


@contextlib.contextmanager
def serving(mailbox, certificate, security):
    """A mail server on a free port of the loopback, in a thread of its own; gives its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    options = {"hostname": "localhost", "authenticator": mailbox.login, "auth_required": security != "none"}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    elif security == "tls":
        # aiosmtpd knows of TLS by STARTTLS only, and offers no login without it unless told.
        options |= {"auth_require_tls": False}
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(
        lambda: SMTP(mailbox, loop=loop, **options), "127.0.0.1", 0, ssl=context if security == "tls" else None,
    ))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def settings(box, port, security, authority=None, password=PASSWORD, login=True):
    keys = {"host": "localhost", "port": port, "security": security, "timeout_seconds": 5}
    if login:
        (box.folder / "password").write_text(password + "\n")
        (box.folder / "password").chmod(0o600)
        keys |= {"username": USER, "password_file": "password"}
    if authority:
        keys["ca_file"] = authority
    sets = ["mail.transport=smtp", *(f"mail.smtp.{key}={value}" for key, value in keys.items())]
    return [part for one in sets for part in ("--set", one)]


def check_mail(mailbox, over_tls):
    """One mail came, whole, over TLS and logged in as expected; its Message-ID."""
    equal(len(mailbox.received), 1, "mails received")
    envelope, tls, authenticated = mailbox.received[0]
    equal(envelope.mail_from, "papertally@harbour.example", "envelope sender")
    equal(envelope.rcpt_tos, ["finance@harbour.example"], "envelope recipients")
    equal((tls, authenticated), (over_tls, over_tls), "over TLS and logged in")
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    equal(len(list(mail.iter_attachments())), 2, "attachments")
    return mail["Message-ID"]


def sent_once(security, certificate, authority):
    mailbox = Mailbox()
    with Sandbox() as box, serving(mailbox, certificate, security) as port:
        plain = security == "none"
        how = settings(box, port, security, None if plain else authority, login=not plain)
        box.run(*how, "run", exits=FINDINGS)
        check_mail(mailbox, over_tls=not plain)
        again = box.run(*how, "run", exits=DONE)
        equal(len(mailbox.received), 1, "mails after a second run")
        equal(again.stdout, "", "what a second run prints")


def refused_then_sent(certificate, authority, wrong, mend, server="starttls"):
    """A run that cannot send ends with 4, having billed; when it is mended, the next run sends the same mail."""
    mailbox = Mailbox()
    with Sandbox() as box:
        with serving(mailbox, certificate, server) as port:
            good = settings(box, port, "starttls", authority)
            how = wrong(box, port, mailbox)
            first = box.run(*how, "run", exits=DELIVERY)
            true((box.batch / "harbour-2026-10.xlsx").exists(), "the invoice files are there all the same")
            equal(mailbox.received, [], "mails received")
            still = box.run(*how, "run", exits=DELIVERY)
            for text in [first.stdout, first.stderr, still.stdout, still.stderr]:
                true(PASSWORD not in text and WRONG not in text, "no password is printed")
            listed = document(box.run(*how, "--json", "deliver").stdout)
        with serving(mailbox, certificate, "starttls") as port:
            mend(box, mailbox)
            box.run(*settings(box, port, "starttls", authority), "run", exits=DONE)
            sent = check_mail(mailbox, over_tls=True)
            true(sent.strip("<>") in str(listed), "the Message-ID is the one written down before the first try")
            box.run(*settings(box, port, "starttls", authority), "run", exits=DONE)
            equal(len(mailbox.received), 1, "mails in the end")
        return first.stderr + first.stdout


def uncertain(certificate, authority):
    """The connection breaks after the mail was sent: nobody knows, so it is not sent again until a person says so."""
    mailbox = Mailbox()
    mailbox.break_after_data = True
    with Sandbox() as box, serving(mailbox, certificate, "starttls") as port:
        how = settings(box, port, "starttls", authority)
        box.run(*how, "run", exits=DELIVERY)
        mailbox.break_after_data = False
        box.run(*how, "run", exits=DELIVERY)
        box.run(*how, "deliver", "--retry", exits=DELIVERY)
        equal(len(mailbox.received), 1, "mails after two more tries")
        open_now = document(box.run(*how, "--json", "deliver").stdout)
        number = open_now["deliveries"][0]["id"]
        box.run(*how, "deliver", "--resolve", number, "--as", "delivered", exits=DONE)
        box.run(*how, "run", exits=DONE)
        equal(len(mailbox.received), 1, "mails after it was settled")


def main():
    # aiosmtpd tells at length of each client that breaks off, and warns of its own settings.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="aiosmtpd")
    folder = tempfile.TemporaryDirectory(prefix="papertally-interop-")
    authority, certificate = certificates(pathlib.Path(folder.name))
    for security in ["starttls", "tls", "none"]:
        sent_once(security, certificate, authority)
        print(f"sent once with {security}")

    nothing = lambda box, mailbox: None
    text = refused_then_sent(certificate, authority, lambda box, port, mailbox: settings(box, port, "starttls"), nothing)
    true("certificate" in text.lower(), "an unknown authority is named as the cause")
    print("an unknown certificate authority is refused")

    login = lambda box, port, mailbox: settings(box, port, "starttls", authority, password=WRONG)
    refused_then_sent(certificate, authority, login, nothing)
    print("a wrong password is exit 4, and the mail goes out when it is right")

    def no_mailbox(box, port, mailbox):
        mailbox.refuse_recipients = True
        return settings(box, port, "starttls", authority)

    accept = lambda box, mailbox: setattr(mailbox, "refuse_recipients", False)
    refused_then_sent(certificate, authority, no_mailbox, accept)
    print("a refused recipient is exit 4, and the mail goes out when it is taken")

    good = lambda box, port, mailbox: settings(box, port, "starttls", authority)
    refused_then_sent(certificate, authority, good, nothing, server="none")
    print("a server without STARTTLS gets neither password nor mail")

    uncertain(certificate, authority)
    print("a mail that may have arrived is not sent again")
    folder.cleanup()


main()
