"""A PaperCut server on Python's xmlrpc.server, for papercut_server.py.

It has the methods that papertally calls, with the types of PaperCut's manual: a call with others is written down as wrong.
Users are answered in Python's way (typed texts, a fault's code first), shared accounts by hand as PaperCut does it (texts
without a type, a fault's text first), in ISO-8859-1.
"""

import contextlib
import csv
import inspect
import re
import socketserver
import ssl
import threading
from decimal import Decimal
from xml.sax.saxutils import escape
from xmlrpc.client import Fault, loads
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

from sandbox import equal

TOKEN = "tern & plover <7>"
HEADER = ["Time", "User", "Shared Account", "Printer", "Document", "Pages", "Color Pages", "Cost", "Refunded"]
REPORT, SAVED_AS = "Print log & <all>", r"log-(\d{4}-\d\d-\d\d)-(\d{4}-\d\d-\d\d)\.csv$"


class Answers(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/rpc/api/xmlrpc",)
    protocol_version = "HTTP/1.1"


class PaperCut(socketserver.ThreadingMixIn, SimpleXMLRPCServer):
    """The server: users and shared accounts with exact balances, and all calls that came."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, users=(), accounts=(), certificate=None):
        super().__init__(("127.0.0.1", 0), Answers, logRequests=False, use_builtin_types=True)
        self.lock = threading.RLock()
        self.users = {name: {"balance": Decimal(0), "full-name": f"{name} & Co", "email": ""} for name in users}
        self.accounts = {name: {"balance": Decimal(0), "account-id": str(at)} for at, name in enumerate(accounts, 7)}
        self.jobs, self.calls, self.wrong, self.locked = [], [], [], set()
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that refuses the certificate breaks off: nothing to tell of."""

    def calls_of(self, part):
        return [(method, arguments) for method, arguments in self.calls if part in method]

    def printed(self, user, account, time, cost):
        holder = self.accounts[account] if account else self.users[user]
        holder["balance"] -= Decimal(cost)
        self.jobs.append([time, user, account, "MFD", "notes.pdf", "1", "0", cost, "NOT_REFUNDED"])

    def _marshaled_dispatch(self, data, dispatch_method=None, path=None):
        parameters, method = loads(data, use_builtin_types=True)
        if "SharedAccount" not in method:
            return super()._marshaled_dispatch(data, dispatch_method, path)
        try:
            body = f"<params>\n <param>{by_hand(self._dispatch(method, parameters))}</param>\n</params>"
        except Fault as fault:
            members = {"faultString": fault.faultString, "faultCode": fault.faultCode}
            body = f"<fault>{by_hand(members)}</fault>"
        text = f'<?xml version="1.0" encoding="ISO-8859-1"?><methodResponse>{body}</methodResponse>'
        return text.encode("iso-8859-1", "xmlcharrefreplace")

    def _dispatch(self, method, parameters):
        function = getattr(self, "call_" + method.removeprefix("api."), None)
        with self.lock:
            if (method, parameters) == ("api.getTaskStatus", ()):
                return {"completed": True, "message": "one\ntwo"}
            token, arguments = parameters[0], parameters[1:]
            self.calls.append((method, arguments))
            wanted = function and [one.annotation for one in inspect.signature(function).parameters.values()]
            listed = [type(one) for names in arguments if type(names) is list for one in names]
            if [type(one) for one in arguments] != wanted or set(listed) - {str}:
                self.wrong.append((method, arguments, wanted))
                raise Fault(-1, f"java.lang.NoSuchMethodException: ApiRPCHandler.{method}")
            if token != TOKEN:
                raise Fault(0, "Invalid authentication token supplied.")
            return function(*arguments)

    # The methods; what a parameter has to be stands beside it.

    def call_getTotalUsers(self):
        return len(self.users)

    def call_listUserAccounts(self, offset: int, limit: int):
        return sorted(self.users)[offset:offset + limit]

    def call_listSharedAccounts(self, offset: int, limit: int):
        return sorted(self.accounts)[offset:offset + limit]

    def call_getUserProperties(self, user: str, names: list):
        return properties(self.user(user), names)

    def call_getSharedAccountProperties(self, account: str, names: list):
        return properties(self.account(account), names)

    def call_getUserAccountBalance(self, user: str, purse: str):
        return float(self.user(user)["balance"])

    def call_getSharedAccountAccountBalance(self, account: str):
        return float(self.account(account)["balance"])

    def call_adjustUserAccountBalance(self, user: str, amount: float, comment: str, purse: str):
        return self.adjust(self.user(user), user, amount)

    def call_adjustSharedAccountAccountBalance(self, account: str, amount: float, comment: str):
        return self.adjust(self.account(account), account, amount)

    def call_generateScheduledReport(self, title: str, location: str):
        if title != REPORT:
            raise Fault(257, "No such report.")
        first, last = re.search(SAVED_AS, location).groups()
        with open(location, "w", newline="", encoding="utf-8") as file:
            file.write(f"# From date = {first} 00:00:00, To date = {last} 23:59:59\n")
            rows = [job for job in self.jobs if first <= job[0][:10] <= last]
            csv.writer(file).writerows([HEADER, *rows])
        return True

    def user(self, name):
        if name not in self.users:
            raise Fault(262, "User cannot be found")
        return self.users[name]

    def account(self, name):
        if name not in self.accounts:
            raise Fault(257, f'Shared account "{name}" does not exist')
        return self.accounts[name]

    def adjust(self, holder, name, amount):
        if name in self.locked:
            raise Fault(257, f"java.lang.Exception: Köder & <{name}> is locked")
        holder["balance"] += Decimal(repr(amount))
        return True


def properties(holder, names):
    return ["false" if name == "restricted" else str(holder.get(name, "")) for name in names]


def member(named):
    return f"<member><name>{named[0]}</name>{by_hand(named[1])}</member>"


def by_hand(value):
    """A value as PaperCut writes it: a text has no type, an amount may have an exponent."""
    inner = {
        str: lambda: escape(value),
        bool: lambda: f"<boolean>{int(value)}</boolean>",
        int: lambda: f"<i4>{value}</i4>",
        float: lambda: f"<double>{value:.9E}</double>",
        list: lambda: f"<array>\n<data>{''.join(map(by_hand, value))}\n</data></array>" if value else "<array><data/></array>",
        dict: lambda: f"<struct>{''.join(map(member, value.items()))}</struct>",
    }
    return f"<value>{inner[type(value)]()}</value>"


@contextlib.contextmanager
def serving(*arguments, **options):
    """A server on a free port of the loopback; in the end nothing may have come to it with a wrong type."""
    server = PaperCut(*arguments, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
        equal(server.wrong, [], "calls with other types than PaperCut's")
        called = {method for method, _ in server.calls}
        equal([method for method in called if ".set" in method], [], "calls that set a balance")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
