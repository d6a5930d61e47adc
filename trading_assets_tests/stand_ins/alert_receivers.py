"""Receivers of alerts on loopback, real sockets: an HTTP server and an SMTP server, with faults."""

from __future__ import annotations

import datetime
import json
import socketserver
import ssl
import threading
from contextlib import contextmanager
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class HttpReceiver:
    """Takes what is POSTed; `answers` are of the next requests: (status, headers, body), or None
    for silence."""

    def __init__(self):
        self.got = []
        self.answers = []
        self.url = ""
        self.over = threading.Event()

    @property
    def bodies(self):
        return [json.loads(body) for _, _, body in self.got]

    @contextmanager
    def serving(self, port=0):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.answers.pop(0) if receiver.answers else (200, {}, b"")
                if answer is None:
                    receiver.over.wait()
                    return
                status, headers, text = answer
                if status == 200:
                    receiver.got.append((self.path, dict(self.headers), body))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
            server.daemon_threads = True
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                self.over.set()
                server.shutdown()
                thread.join()


class MailReceiver:
    """An SMTP server; with a certificate it offers STARTTLS.

    `data_answers` are of the next messages, in place of "250 ok".
    """

    def __init__(self, certificate=None):
        self.certificate = certificate
        self.letters = []
        self.logins = []
        self.data_answers = []
        self.port = 0

    @contextmanager
    def serving(self):
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailSession) as server:
            server.daemon_threads = True
            server.receiver = self
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


class _MailSession(socketserver.StreamRequestHandler):
    @property
    def is_secret(self):
        return isinstance(self.connection, ssl.SSLSocket)

    def handle(self):
        try:
            self.talk()
        except ssl.SSLError:
            pass  # a client that does not trust us hangs up
        finally:
            if self.is_secret:
                self.connection.close()

    def talk(self):
        self.say("220 stand-in")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].lower()
            if word == "quit":
                self.say("221 bye")
                return
            getattr(self, f"do_{word}", self.do_other)(line)

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def do_other(self, _):
        self.say("250 ok")

    def do_ehlo(self, _):
        offers_tls = self.server.receiver.certificate and not self.is_secret
        self.say("250-stand-in")
        self.say("250 STARTTLS" if offers_tls else "250 AUTH PLAIN")

    def do_starttls(self, _):
        self.say("220 go on")
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(self.server.receiver.certificate)
        self.connection = trust.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)

    def do_auth(self, line):
        self.server.receiver.logins.append((line, self.is_secret))
        self.say("235 welcome")

    def do_data(self, _):
        receiver = self.server.receiver
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        answer = receiver.data_answers.pop(0) if receiver.data_answers else "250 ok"
        if answer.startswith("250"):
            receiver.letters.append(message_from_string("\n".join(lines)))
        self.say(answer)


def certificate_of_localhost(folder):
    """Write key and certificate, signed by itself, into one file; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
