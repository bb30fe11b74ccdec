import { Certificates } from '/work/main/test/integration/support/certificates.ts'
import { testServer } from '/work/main/test/support/postgres.ts'
import pg from 'pg'
import { connect } from '/work/main/src/postgres/connect.ts'
const files = await Certificates.make()
files.authority('ca'); files.authority('other-ca'); files.signed('server',{authority:'ca',host:'localhost'}); files.signed('stranger',{authority:'other-ca'})
await using server = await testServer({ssl:'on',ssl_cert_file:files.path('server.pem'),ssl_key_file:files.path('server.key'),ssl_ca_file:files.path('ca.pem')})
const u = new URL(server.url); u.hostname='localhost'; u.searchParams.set('sslmode','verify-full'); u.searchParams.set('sslrootcert',files.path('ca.pem')); u.searchParams.set('sslcert',files.path('stranger.pem')); u.searchParams.set('sslkey',files.path('stranger.key'))
const kinds = new Map(); for (let i=0;i<400;i++) { const t = Date.now()
 const timer=setTimeout(()=>{console.log("HANG",i);process.exit(1)},8000)
try { const c = await connect({url:u.href, applicationName:'x'}); console.log('connected?!', (await c.query('select 1')).rows) } catch (e) { const k=String(e).slice(0,80)+(e as any).details?.sqlstate; kinds.set(k,(kinds.get(k)??0)+1) }
 clearTimeout(timer)}; console.log(kinds)
process.exit(0)
