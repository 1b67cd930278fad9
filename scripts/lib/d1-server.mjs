// A local stand-in for the REST interface of Cloudflare's D1, before the engine that D1 runs on: workerd's SQLite, out
// of the package miniflare 4.
//
//   node d1-server.mjs --port 8787 --modules FOLDER [--load FILE.sql]
//
//   POST /client/v4/accounts/ACCOUNT/d1/database/DATABASE/query   rows as objects
//   POST /client/v4/accounts/ACCOUNT/d1/database/DATABASE/raw     columns, and rows as arrays
//
// The account is `acct`, its database `db`. The token `token` may do everything, `token-read` only read, `token-other`
// has no rights; any other is unknown. The envelope is what documentation and public reports tell: errors of SQL are 400 with 7500, others 500 with
// 7500; 7403 is 403; the texts of 10000 and 7003 are the real ones. Other codes and statuses are guesses.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'

const options = new Map()
for (let i = 2; i < process.argv.length; i += 2) options.set(process.argv[i].slice(2), process.argv[i + 1])
const { Miniflare } = createRequire(resolve(options.get('modules'), 'package.json'))('miniflare')

// {statements: [{sql, params}], raw} -> {ok, results} | {ok: false, message}. A batch of rows as objects is a transaction.
const script = `
export default { async fetch(request, env) {
  const { statements, raw } = await request.json()
  try {
    const bound = statements.map(({ sql, params }) => params?.length ? env.DB.prepare(sql).bind(...params) : env.DB.prepare(sql))
    if (!raw) return Response.json({ ok: true, results: await env.DB.batch(bound) })
    const results = []
    for (const one of bound) {
      const [columns, ...rows] = await one.raw({ columnNames: true })
      results.push({ results: { columns: columns ?? [], rows }, success: true, meta: {} })
    }
    return Response.json({ ok: true, results })
  } catch (error) { return Response.json({ ok: false, message: String(error?.message ?? error) }) }
} }`
// "cf: false": it would ask the network where it is.
const engine = new Miniflare({ modules: true, script, compatibilityDate: '2025-01-01', cf: false, d1Databases: { DB: 'db' } })
await engine.ready
async function run(statements, raw) {
  const answer = await engine.dispatchFetch('http://engine/', { method: 'POST', body: JSON.stringify({ statements, raw }) })
  return answer.text()
}

// Cuts SQL at its semicolons; strings, quoted names, comments and the bodies of triggers stay whole.
function split(sql) {
  const out = []
  let start = 0, at = 0, words = [], depth = 0
  const flush = (end) => {
    const text = sql.slice(start, end).trim()
    if (text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim()) out.push(text)
    start = end + 1; words = []; depth = 0
  }
  while (at < sql.length) {
    const c = sql[at]
    if (`'"\`[`.includes(c)) {
      const end = c === '[' ? ']' : c
      for (at++; at < sql.length; at++) {
        if (sql[at] !== end) continue
        if (end !== ']' && sql[at + 1] === end) at++
        else break
      }
      at++
    } else if (c === '-' && sql[at + 1] === '-') {
      while (at < sql.length && sql[at] !== '\n') at++
    } else if (c === '/' && sql[at + 1] === '*') {
      const end = sql.indexOf('*/', at + 2)
      at = end < 0 ? sql.length : end + 2
    } else if (/[A-Za-z_]/.test(c)) {
      const word = /^\w+/.exec(sql.slice(at, at + 200))[0].toUpperCase()
      words.push(word)
      if (words[0] === 'CREATE' && words.slice(1, 3).includes('TRIGGER')) {
        if (word === 'BEGIN' || word === 'CASE') depth++
        else if (word === 'END') depth--
      }
      at += word.length
    } else {
      if (c === ';' && depth === 0) flush(at)
      at++
    }
  }
  flush(sql.length)
  return out
}
const writes = (sql) => !/^\s*(--[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*(SELECT|WITH|PRAGMA|EXPLAIN|VALUES)\b/i.test(sql)

const refusal = (status, code, message, result = null) =>
  ({ status, body: { result, success: false, errors: [{ code, message }], messages: [] } })

async function answer(request, body) {
  const path = new URL(request.url, 'http://x').pathname
  const [, account, name, verb] = /^\/client\/v4\/accounts\/([^/]*)\/d1\/database\/([^/]*)\/(query|raw)$/.exec(path) ?? []
  const authorization = request.headers.authorization
  if (authorization === undefined) return refusal(400, 9106, 'Missing X-Auth-Key, X-Auth-Email or Authorization headers')
  const token = /^Bearer (\S+)$/.exec(authorization)?.[1]
  if (token === undefined) return refusal(400, 6003, 'Invalid request headers')
  if (!['token', 'token-read', 'token-other'].includes(token)) return refusal(401, 10000, 'Authentication error')
  if (!verb) return refusal(404, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`)
  const noRights = () => refusal(403, 7403, 'The given account is not valid or is not authorized to access this service')
  if (account !== 'acct' || token === 'token-other') return noRights()
  if (name !== 'db') return refusal(404, 7404, `The database ${name} could not be found`)
  if (request.method !== 'POST') return refusal(405, 10405, 'Method not allowed for this authentication scheme')
  const malformed = (problem) => refusal(400, 7400, `The request is malformed: ${problem}`)
  let asked
  try { asked = JSON.parse(body) } catch { return malformed('Unable to parse the body as JSON') }
  const statements = []
  for (const { sql, params } of Array.isArray(asked?.batch) ? asked.batch : [asked]) {
    if (typeof sql !== 'string') return malformed("Required at 'sql'")
    if (params !== undefined && params !== null && !Array.isArray(params)) return malformed("Expected array at 'params'")
    if (params?.some((value) => typeof value === 'object' && value !== null && !Array.isArray(value))) return malformed("Invalid input at 'params'")
    const parts = split(sql)
    if (params?.length && parts.length > 1) return malformed('several statements cannot share params')
    for (const sql of parts) statements.push({ sql, params: params ?? [] })
  }
  if (statements.length === 0) return refusal(400, 7500, 'No SQL statements detected.')
  if (token === 'token-read' && statements.some(({ sql }) => writes(sql))) return noRights()
  let done
  try { done = JSON.parse(await run(statements, verb === 'raw')) } catch { return refusal(500, 7500, `internal error; reference = ${randomUUID()}`) }
  if (!done.ok) return refusal(400, 7500, done.message.replace(/^D1_(EXEC_)?ERROR: /, ''), [])
  const result = done.results.map(({ results, success, meta }) =>
    ({ results, success, meta: { served_by_region: 'LOCAL', served_by_primary: true, ...meta } }))
  return { status: 200, body: { result, success: true, errors: [], messages: [] } }
}

if (options.has('load')) {
  // 200 statements at a time; the engine takes no BEGIN and no COMMIT.
  const all = split(readFileSync(options.get('load'), 'utf8')).filter((sql) => !/^(--[^\n]*\n\s*)*(BEGIN|COMMIT)\b/i.test(sql))
  for (let i = 0; i < all.length; i += 200) {
    const some = all.slice(i, i + 200).map((sql) => ({ sql }))
    if (JSON.parse(await run(some)).ok) continue
    for (const one of some) {
      const alone = JSON.parse(await run([one]))
      if (!alone.ok) console.log('not loaded:', alone.message, '|', one.sql.slice(0, 100).replace(/\n/g, ' '))
    }
  }
}

const server = createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', async () => {
    let said
    try { said = await answer(request, Buffer.concat(parts).toString('utf8')) } catch (error) { said = refusal(500, 7500, `internal error; ${error.message}`) }
    response.writeHead(said.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(said.body))
  })
})
server.listen(Number(options.get('port')), '127.0.0.1', () => console.log('ready on ' + options.get('port')))
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, async () => { server.close(); await engine.dispose(); process.exit(0) })
