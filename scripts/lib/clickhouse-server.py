#!/usr/bin/env python3
"""A ClickHouse HTTP endpoint for tests, on top of the engine in the Python package `chdb-core`.

    python clickhouse-server.py --port 18123 --path /some/empty/folder \
        [--user NAME:PASSWORD[:READONLY]]... [--tls CERT.pem KEY.pem] [--init FILE.sql] [--set NAME=VALUE]...

It answers the part of the ClickHouse HTTP interface that drivers use, the way server 26.x does:

* GET /ping, GET / (health); GET and POST with the statement in `query`, in the body, or both (query first);
* chunked, gzip and multipart/form-data request bodies (form fields count as arguments), `Expect: 100-continue`, keep-alive, several
  connections at a time;
* `{name:Type}` parameters from `param_name`, `database`, `default_format`, `query_id`, `wait_end_of_query`,
  every other query argument is a setting of that one statement; X-ClickHouse-Database, -Format, -User, -Key;
* users with passwords (Basic, X-ClickHouse-User/-Key, user/password arguments) and a `readonly` level (0, 1, 2);
* SELECTs are streamed in chunks as the engine makes them; gzip when `enable_http_compression=1` is set and accepted;
* a failure before the first byte: HTTP status by error code, `X-ClickHouse-Exception-Code`, body
  `Code: N. DB::Exception: text. (NAME) (version ...)`. A failure after the first byte: status 200 has already gone out, so the
  body ends with the tagged `__exception__` block, without the closing zero chunk, and the connection is closed. `--exception-style`
  picks how old servers did it: `tagged` (25.11 and later), `marker` (24.11 to 25.10), `plain` (before: the text alone, body closed properly);
* a closed connection stops the statement at the next block; `KILL QUERY WHERE query_id = '...'` from another
  connection does too (error 394).

One process, ONE thread: the engine is called from the event loop itself, so a statement that computes for long
before its first block (an aggregate, a sort, sleep()) holds up everybody else. Not here: sessions (`session_id`),
roles and grants, quotas, the native protocol's `compress=1`, external tables, progress headers, X-ClickHouse-Summary numbers.
Every statement runs on a connection of its own, so settings never leak. It prints `ready PORT` when it listens.
"""
import argparse
import asyncio
import base64
import gzip
import random
import re
import signal
import ssl
import string
import uuid
import zlib
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote, urlsplit

import chdb

STATUS = {
    194: 401, 192: 403, 193: 403, 516: 403, 512: 403, 497: 403,
    36: 400, 427: 400, 6: 400, 25: 400, 26: 400, 38: 400, 41: 400, 72: 400, 441: 400, 675: 400, 676: 400, 27: 400, 376: 400, 15: 400,
    44: 400, 10: 400, 49: 500, 62: 400, 117: 400, 53: 400, 167: 400, 168: 400, 321: 400,
    60: 404, 46: 404, 47: 404, 50: 404, 56: 404, 81: 404, 115: 404, 63: 404, 73: 404, 336: 404, 78: 404, 511: 404,
    191: 413, 48: 501, 209: 503, 76: 503, 439: 503, 381: 411, 159: 408,
}
REASON = {100: 'Continue', 200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed',
          408: 'Request Timeout', 411: 'Length Required', 413: 'Request Entity Too Large', 500: 'Internal Server Error', 501: 'Not Implemented',
          503: 'Service Unavailable'}
CONTENT_TYPE = {'JSON': 'application/json; charset=UTF-8', 'JSONCompact': 'application/json; charset=UTF-8',
                'JSONEachRow': 'application/x-ndjson; charset=UTF-8', 'JSONCompactEachRow': 'application/x-ndjson; charset=UTF-8',
                'TabSeparated': 'text/tab-separated-values; charset=UTF-8', 'TSV': 'text/tab-separated-values; charset=UTF-8',
                'CSV': 'text/csv; charset=UTF-8; header=absent', 'RowBinary': 'application/octet-stream', 'Native': 'application/octet-stream'}
NOT_SETTINGS = {'query', 'database', 'default_format', 'query_id', 'user', 'password', 'wait_end_of_query', 'buffer_size', 'compress', 'decompress',
                'session_id', 'session_timeout', 'session_check', 'close_session', 'quota_key', 'stacktrace', 'role', 'client_protocol_version', 'no_cache'}
KILL = re.compile(r"^\s*KILL\s+QUERY\s+WHERE\s+query_id\s*=\s*'((?:[^'\\]|\\.)*)'", re.I)
STREAMS = re.compile(r'^\s*\(*\s*(SELECT|WITH)\b', re.I)
NAME = re.compile(r'^[A-Za-z_][A-Za-z0-9_]*$')


class Fault(Exception):
    """An answer that is not rows: an engine error or one this server makes itself."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text

    @staticmethod
    def of(error):
        found = re.search(r'Code: (\d+)\. (.*)', str(error), re.S)
        return Fault(int(found[1]), found[0].strip()) if found else Fault(1001, 'Code: 1001. DB::Exception: ' + str(error))


def fault(code, name, text):
    return Fault(code, f'Code: {code}. DB::Exception: {text}. ({name})')


def quoted(text):
    return "'" + text.replace('\\', '\\\\').replace("'", "\\'") + "'"


def without_comments(sql):
    return re.sub(r'^(\s|--[^\n]*\n|/\*.*?\*/)+', '', sql, flags=re.S)


class Request:
    def __init__(self, method, path, args, headers, body):
        self.method, self.path, self.args, self.headers, self.body = method, path, args, headers, body


class Server:
    def __init__(self, options):
        self.options = options
        self.engine = options.path
        self.users = {}
        for text in options.user or ['default:']:
            name, password, *level = text.split(':')
            self.users[name] = (password, int(level[0]) if level else 0)
        self.keep_open = chdb.connect(self.engine)
        self.version = self.keep_open.query('SELECT version()', 'TSV').data().strip()
        self.zone = self.keep_open.query('SELECT timezone()', 'TSV').data().strip()
        self.running = {}

    # --- HTTP in -----------------------------------------------------------------------------------------------
    async def read(self, reader, writer):
        line = await reader.readline()
        if not line.strip():
            return None
        method, target, _ = line.decode('latin-1').split(' ', 2)
        headers = {}
        while (line := await reader.readline()).strip():
            name, _, value = line.decode('latin-1').partition(':')
            headers[name.strip().lower()] = value.strip()
        if headers.get('expect', '').lower() == '100-continue':
            writer.write(b'HTTP/1.1 100 Continue\r\n\r\n')
        body = b''
        if 'chunked' in headers.get('transfer-encoding', '').lower():
            while size := int((await reader.readline()).split(b';')[0], 16):
                body += await reader.readexactly(size)
                await reader.readline()
            while (await reader.readline()).strip():
                pass
        elif 'content-length' in headers:
            body = await reader.readexactly(int(headers['content-length']))
        if headers.get('content-encoding', '') == 'gzip':
            body = gzip.decompress(body)
        parts = urlsplit(target)
        args = parse_qsl(parts.query, keep_blank_values=True, errors='surrogateescape')
        form = re.match(r'multipart/form-data;.*boundary="?([^";]+)', headers.get('content-type', ''), re.I)
        if form:
            args, body = args + self.fields(body, form[1].encode()), b''
        return Request(method, unquote(parts.path), args, headers, body)

    def fields(self, body, boundary):
        found = []
        for part in body.split(b'--' + boundary)[1:-1]:
            head, _, value = part.partition(b'\r\n\r\n')
            if name := re.search(rb'name="([^"]*)"', head):
                found.append((name[1].decode(), value.removesuffix(b'\r\n').decode('utf-8', 'surrogateescape')))
        return found

    async def serve(self, reader, writer):
        try:
            while (request := await self.read(reader, writer)) is not None:
                if not await self.answer(request, reader, writer):
                    break
                if request.headers.get('connection', '').lower() == 'close':
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    # --- HTTP out ----------------------------------------------------------------------------------------------
    def head(self, status, headers, keep):
        lines = [f'HTTP/1.1 {status} {REASON.get(status, "Error")}', 'Date: ' + formatdate(usegmt=True), 'Connection: ' + ('Keep-Alive' if keep else 'Close')]
        if keep:
            lines.append('Keep-Alive: timeout=10, max=9999')
        lines += [f'{k}: {v}' for k, v in headers.items()]
        return ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1')

    def plain(self, writer, status, body, headers=None):
        headers = {'Content-Type': 'text/plain; charset=UTF-8', **(headers or {}), 'Content-Length': len(body)}
        writer.write(self.head(status, headers, True) + body)

    async def answer(self, request, reader, writer):
        if request.path in ('/ping', '/replicas_status') or (request.path == '/' and request.method in ('GET', 'HEAD') and not any(k == 'query' for k, _ in request.args)):
            self.plain(writer, 200, b'Ok.\n', {'Content-Type': 'text/html; charset=UTF-8'})
            return True
        if request.path != '/' or request.method not in ('GET', 'POST'):
            self.plain(writer, 404, f'There is no handle {request.path}\n\nUse / or /ping for health checks.\n'.encode())
            return True
        args = {}
        for key, value in request.args:
            args[key] = args.get(key, '') + value if key == 'query' else value
        query_id = args.get('query_id') or str(uuid.uuid4())
        tag = ''.join(random.choices(string.ascii_lowercase, k=16))
        common = {'X-ClickHouse-Server-Display-Name': 'clickhouse-server.py', 'X-ClickHouse-Query-Id': query_id, 'X-ClickHouse-Timezone': self.zone}
        if self.options.exception_style == 'tagged':
            common['X-ClickHouse-Exception-Tag'] = tag
        try:
            user, level = self.login(request, args)
            job = self.start(request, args, query_id, user, level)
        except Fault as error:
            self.refuse(writer, error, common)
            return True
        try:
            return await self.send(job, request, args, reader, writer, common, tag)
        finally:
            self.running.pop(query_id, None)
            job.close()

    def refuse(self, writer, error, common):
        status = STATUS.get(error.code, 500)
        extra = {'WWW-Authenticate': 'Basic realm="ClickHouse server HTTP API"'} if status == 401 else {}
        body = f'{error.text} (version {self.version} (official build))\n'.encode('utf-8', 'replace')
        self.plain(writer, status, body, {**common, **extra, 'X-ClickHouse-Exception-Code': error.code})

    async def send(self, job, request, args, reader, writer, common, tag):
        whole = args.get('wait_end_of_query') == '1'
        packed = args.get('enable_http_compression') == '1' and 'gzip' in request.headers.get('accept-encoding', '')
        packer = zlib.compressobj(wbits=31) if packed else None
        headers = {'Content-Type': CONTENT_TYPE.get(job.format, 'text/plain; charset=UTF-8'), **common, 'X-ClickHouse-Format': job.format,
                   'X-ClickHouse-Summary': '{"read_rows":"0","read_bytes":"0","written_rows":"0","written_bytes":"0","total_rows_to_read":"0","result_rows":"0","result_bytes":"0","elapsed_ns":"0"}'}
        if packed:
            headers['Content-Encoding'] = 'gzip'
        begun, kept = False, []

        def begin():
            nonlocal begun
            begun = True
            writer.write(self.head(200, {**headers, 'Transfer-Encoding': 'chunked'}, True))

        def chunk(data):
            if packer:
                data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
            if data:
                writer.write(f'{len(data):x}\r\n'.encode() + data + b'\r\n')

        try:
            for data in job.blocks():
                if job.killed:
                    raise fault(394, 'QUERY_WAS_CANCELLED', 'Query was cancelled')
                if not data:
                    continue
                if whole:
                    kept.append(data)
                else:
                    if not begun:
                        begin()
                    chunk(data)
                    await writer.drain()
                await asyncio.sleep(0)
                if reader.at_eof() or writer.is_closing():
                    return False
        except Fault as error:
            if not begun:
                self.refuse(writer, error, common)
                return True
            text = (error.text + f' (version {self.version} (official build))\n').encode('utf-8', 'replace')
            style = self.options.exception_style
            if style == 'plain':
                chunk(text)
                writer.write(b'0\r\n\r\n')
                return True
            chunk(b'\r\n__exception__\r\n' + tag.encode() + b'\r\n' + text + f'{len(text)} {tag}\r\n__exception__\r\n'.encode() if style == 'tagged' else b'__exception__\r\n' + text)
            return False
        if not begun:
            begin()
        for data in kept:
            chunk(data)
        if packer and (rest := packer.flush()):
            writer.write(f'{len(rest):x}\r\n'.encode() + rest + b'\r\n')
        writer.write(b'0\r\n\r\n')
        await writer.drain()
        return True

    # --- ClickHouse --------------------------------------------------------------------------------------------
    def login(self, request, args):
        basic = request.headers.get('authorization', '')
        if basic.lower().startswith('basic '):
            user, _, password = base64.b64decode(basic[6:]).decode().partition(':')
        elif 'x-clickhouse-user' in request.headers:
            user, password = request.headers['x-clickhouse-user'], request.headers.get('x-clickhouse-key', '')
        else:
            user, password = args.get('user', 'default'), args.get('password', '')
        user = user or 'default'
        if user not in self.users or self.users[user][0] != password:
            raise fault(516, 'AUTHENTICATION_FAILED', f'{user}: Authentication failed: password is incorrect, or there is no user with such name')
        return user, self.users[user][1]

    def start(self, request, args, query_id, user, level):
        sql = (args.get('query', '') + '\n' + request.body.decode('utf-8', 'surrogateescape')).strip() if args.get('query') else request.body.decode('utf-8', 'surrogateescape')
        sql = sql.strip()
        while sql.endswith(';'):
            sql = sql[:-1].rstrip()
        bare = without_comments(sql)
        if not bare:
            raise fault(62, 'SYNTAX_ERROR', 'Syntax error: failed at position 1 (end of query): Empty query')
        settings = {k: v for k, v in args.items() if k not in NOT_SETTINGS and not k.startswith('param_')}
        if level == 1 and settings:
            raise fault(164, 'READONLY', f"Cannot modify '{next(iter(settings))}' setting in readonly mode")
        if level == 2 and 'readonly' in settings:
            raise fault(164, 'READONLY', "Cannot modify 'readonly' setting in readonly mode")
        if request.method == 'GET' and not level and settings.get('readonly', '0') == '0':
            level = 2
        if killing := KILL.match(bare):
            wanted = re.sub(r'\\(.)', r'\1', killing[1])
            if found := self.running.get(wanted):
                found.killed = True
            return Ready('TabSeparated', f'waiting\t{wanted}\t{user}\t\n'.encode() if found else b'')
        if query_id in self.running:
            raise fault(216, 'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING', f"Query with id = {query_id} is already running")
        link = chdb.connect(self.engine)
        job = Job(link, sql, bare, request.headers.get('x-clickhouse-format') or args.get('default_format') or 'TabSeparated')
        try:
            link.query('SET implicit_select = 0')
            for pair in self.options.set or []:
                key, _, value = pair.partition('=')
                link.query(f'SET {key} = {quoted(value)}')
            database = args.get('database') or request.headers.get('x-clickhouse-database')
            if database:
                link.query('USE `' + database.replace('\\', '\\\\').replace('`', '\\`') + '`')
            wanted = {k: v for k, v in args.items() if k.startswith('param_') and NAME.match(k)}
            for key, value in settings.items():
                if not NAME.match(key):
                    raise fault(115, 'UNKNOWN_SETTING', f'Unknown setting {quoted(key)}')
                if key != 'readonly':
                    wanted[key] = value
            if wanted:
                link.query('SET ' + ', '.join(f'{k} = {quoted(v)}' for k, v in wanted.items()))
            level = int(settings.get('readonly', level) or 0)
            if level:
                link.query(f'SET readonly = {level}')
        except Fault:
            job.close()
            raise
        except Exception as error:
            job.close()
            raise Fault.of(error) from None
        self.running[query_id] = job
        return job


class Ready:
    """An answer known at once."""
    killed = False

    def __init__(self, format, data):
        self.format, self.data = format, data

    def blocks(self):
        yield self.data

    def close(self):
        pass


class Job:
    """One statement on its own connection to the engine."""

    def __init__(self, link, sql, bare, default_format):
        self.link, self.sql, self.bare, self.default = link, sql, bare, default_format
        named = re.search(r'\bFORMAT\s+(\w+)\s*(SETTINGS\b.*)?$', sql, re.I | re.S)
        self.format = named[1] if named else default_format
        self.killed, self.stream = False, None

    def blocks(self):
        try:
            if STREAMS.match(self.bare):
                self.stream = self.link.send_query(self.sql, self.default)
                for part in self.stream:
                    yield part.bytes()
                self.stream = None
            else:
                answer = self.link.query(self.sql, self.default)
                yield answer.bytes() if answer is not None else b''
        except Fault:
            raise
        except Exception as error:
            self.stream = None
            raise Fault.of(error) from None

    def close(self):
        if self.stream is not None:
            try:
                self.stream.cancel()
            except Exception:
                pass
        self.link.close()


async def main(options):
    server = Server(options)
    for file in options.init or []:
        with open(file, encoding='utf-8') as text:
            for statement in statements(text.read()):
                link = chdb.connect(options.path)
                try:
                    link.query(statement)
                except Exception as error:
                    raise SystemExit(f'{file}: {str(error)[:400]}\n{statement[:400]}')
                finally:
                    link.close()
    tls = None
    if options.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*options.tls)
    listener = await asyncio.start_server(server.serve, options.host, options.port, ssl=tls, limit=1 << 24)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print('ready', listener.sockets[0].getsockname()[1], flush=True)
    await stop.wait()


def statements(text):
    """Statements end with a semicolon at the end of a line; quoted text never does in the fixture."""
    kept = []
    for line in text.splitlines(keepends=True):
        if not kept and (line.startswith('--') or not line.strip()):
            continue
        kept.append(line)
        if line.rstrip().endswith(';'):
            yield ''.join(kept).rstrip()[:-1]
            kept = []
    if ''.join(kept).strip():
        yield ''.join(kept)


if __name__ == '__main__':
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument('--host', default='127.0.0.1')
    flags.add_argument('--port', type=int, default=18123)
    flags.add_argument('--path', default=':memory:', help='folder of the database; :memory: keeps nothing')
    flags.add_argument('--user', action='append', metavar='NAME:PASSWORD[:READONLY]')
    flags.add_argument('--tls', nargs=2, metavar=('CERT', 'KEY'))
    flags.add_argument('--init', action='append', metavar='FILE.sql')
    flags.add_argument('--set', action='append', metavar='NAME=VALUE', help='a setting for every statement, as a user profile would give it')
    flags.add_argument('--exception-style', choices=['tagged', 'marker', 'plain'], default='tagged')
    asyncio.run(main(flags.parse_args()))
