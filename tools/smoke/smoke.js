'use strict';
// Asks a deployed portal as its users do. Reads what to expect as JSON from SMOKE (job.py and
// __main__.py write it), a machine's token from SMOKE_TOKEN, the database's host from
// POSTGRES_HOST. Each line of output is a finding as JSON. The exit code is 0 if every check ran.
// SMOKE_MESSAGE: file for the output as well, compressed: a pod's message may have 4 KiB.
const dns = require('node:dns/promises');
const fs = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');
const zlib = require('node:zlib');

// url: the portal's. httpUrl: the same host without TLS. issuer: host of whoever signs users in for
// the load balancer, or empty. providers: in whose windows the portal signs users in.
// catalogByToken: whether the load balancer lets the catalog's callers through. databasePort: empty
// without TLS. databaseCa: file with its root certificates.
const expected = JSON.parse(process.env.SMOKE);
const url = new URL(expected.url);
const secure = url.protocol === 'https:';
const SECONDS = 10; // for each request
const EXPIRY_DAYS = 14; // ACM renews 60 days ahead; other issuers 30 or 15
const CATALOG = '/api/catalog/entities?limit=1';
const READINESS = expected.readinessPath;

const found = (state, text, fix = '') => ({ state, text, fix });
const ok = text => found('ok', text);
const missing = (text, fix) => found('missing', text, fix);
const unchecked = text => found('not checked', text);

/** The answer to a request, without following redirects. */
function ask(path, { headers = {}, base = url } = {}) {
  const target = new URL(path, base);
  const { request } = require(target.protocol === 'https:' ? 'node:https' : 'node:http');
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(SECONDS * 1000);
    const call = request(target, { agent: false, headers, signal }, answer => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', part => (body += part));
      answer.on('error', reject);
      answer.on('end', () => {
        const { location = '', 'content-type': type = '' } = answer.headers;
        resolve({ status: answer.statusCode, location, type, body });
      });
    });
    call.on('error', reject);
    call.end();
  });
}

const reason = error =>
  error.name === 'AbortError' ? `no answer within ${SECONDS} s` : error.code || error.message;
const hostOf = location => {
  try {
    return new URL(location, url).host;
  } catch {
    return '';
  }
};
const said = answer =>
  `${answer.status}${answer.location ? `, to ${hostOf(answer.location) || answer.location}` : ''}`;
const LOGS = expected.logsCommand;
const UP = expected.upCommand;

async function address() {
  const all = await dns.lookup(url.hostname, { all: true }).catch(error => {
    throw Object.assign(error, { fix: expected.recordCommand });
  });
  return ok(`${url.hostname} is ${all.map(each => each.address).join(', ')}`);
}

function certificate() {
  return new Promise((resolve, reject) => {
    const options = {
      host: url.hostname,
      port: url.port || 443,
      servername: net.isIP(url.hostname) ? undefined : url.hostname,
      rejectUnauthorized: false, // to say what is wrong with it
    };
    const socket = tls.connect(options, () => {
      const { subject = {}, issuer = {}, valid_to: until } = socket.getPeerCertificate();
      const problem = socket.authorizationError;
      socket.destroy();
      const by = issuer.O || issuer.CN || 'nobody';
      if (problem) {
        const name = `${subject.CN ?? 'the certificate'}, issued by ${by}`;
        return resolve(
          missing(`${name}: ${problem.code || problem}`, expected.certificateCommand),
        );
      }
      const days = Math.floor((Date.parse(until) - Date.now()) / 86_400_000);
      if (days < EXPIRY_DAYS) {
        return resolve(missing(`it expires in ${days} days`, expected.certificateCommand));
      }
      return resolve(ok(`issued by ${by}, for ${days} more days`));
    });
    socket.setTimeout(SECONDS * 1000, () => socket.destroy(new Error(`no answer within ${SECONDS} s`)));
    socket.on('error', reject);
  });
}

async function withoutTls() {
  let answer;
  try {
    answer = await ask('/', { base: new URL(expected.httpUrl) });
  } catch (error) {
    return ok(`nobody answers (${reason(error)})`);
  }
  const to = answer.location && new URL(answer.location, expected.httpUrl);
  if ([301, 302, 307, 308].includes(answer.status) && to.protocol === 'https:') {
    return ok(`${answer.status} to https`);
  }
  return missing(
    `${expected.httpUrl} answers ${said(answer)}`,
    'remove the listener of port 80 from the load balancer, or let it redirect to https',
  );
}

async function signInPage() {
  const answer = await ask('/');
  if (expected.issuer) {
    return answer.status === 302 && hostOf(answer.location) === expected.issuer
      ? ok(`redirect to ${expected.issuer}`)
      : missing(`${said(answer)}; not a redirect to ${expected.issuer}`, UP);
  }
  const script = /<script[^>]+src="([^"]+)"/.exec(answer.body)?.[1];
  if (answer.status !== 200 || !answer.type.startsWith('text/html') || !script) {
    return missing(`/ answers ${said(answer)}, and no page of the portal`, LOGS);
  }
  const code = await ask(script);
  return code.status === 200 && code.type.includes('javascript')
    ? ok('the page and its script')
    : missing(`the page's script ${script} answers ${said(code)}`, LOGS);
}

async function signIn(provider) {
  const answer = await ask(`/api/auth/${provider}/start?env=production`);
  const to = answer.location ? new URL(answer.location, url) : undefined;
  const back = to?.searchParams.get('redirect_uri');
  const own = new URL(`/api/auth/${provider}/handler/frame`, expected.publicUrl).href;
  if (answer.status !== 302 || !back) {
    return missing(`${said(answer)}; not a redirect to the provider`, LOGS);
  }
  return back === own
    ? ok(`redirect to ${to.host}, and back to ${own}`)
    : missing(`users come back to ${back}, not to ${own}`, UP);
}

async function readiness() {
  if (expected.issuer) {
    return unchecked('the load balancer answers only users and open paths');
  }
  const answer = await ask(READINESS);
  return answer.status === 200
    ? ok('every plugin has started')
    : missing(`${READINESS} answers ${said(answer)}`, LOGS);
}

async function refused() {
  const answer = await ask(CATALOG);
  if (answer.status === 401) {
    return ok('401');
  }
  if (expected.issuer && answer.status === 302 && hostOf(answer.location) === expected.issuer) {
    return ok(`redirect to ${expected.issuer}`);
  }
  return missing(
    `the catalog answers ${said(answer)} to anyone`,
    `remove what opens it from Backstage's configuration, then ${UP}`,
  );
}

async function answered() {
  const token = process.env.SMOKE_TOKEN;
  if (!token) {
    return unchecked('SMOKE_TOKEN has no token of a machine (docs/operations.md)');
  }
  if (expected.issuer && !expected.catalogByToken) {
    return unchecked('ingressTokenPaths has no /api/catalog');
  }
  const answer = await ask(CATALOG, { headers: { authorization: `Bearer ${token}` } });
  let entities;
  try {
    entities = JSON.parse(answer.body);
  } catch {
    entities = undefined;
  }
  if (answer.status !== 200 || !Array.isArray(entities)) {
    const fix = expected.tokenCommand;
    return missing(`the catalog answers ${said(answer)} to the token`, fix);
  }
  return ok('200, with entities as JSON');
}

/** A connection to the database, and the first bytes that it answers to `message`. */
function database(message) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(expected.databasePort, process.env.POSTGRES_HOST);
    socket.setTimeout(SECONDS * 1000, () => socket.destroy(new Error(`no answer within ${SECONDS} s`)));
    socket.on('error', reject);
    socket.on('connect', () => socket.write(message));
    socket.once('data', answer => resolve({ socket, answer }));
    socket.on('end', () => reject(new Error('it closed the connection')));
  });
}

/** A message of PostgreSQL's protocol without type: length, code, text. */
function startup(code, text = '') {
  const message = Buffer.alloc(8 + text.length);
  message.writeInt32BE(message.length, 0);
  message.writeInt32BE(code, 4);
  message.write(text, 8);
  return message;
}

// Source: PostgreSQL's documentation, "Message Formats": SSLRequest and StartupMessage.
async function databaseTls() {
  if (!expected.databasePort) {
    return unchecked(expected.databaseUnchecked);
  }
  const host = process.env.POSTGRES_HOST;
  const { socket, answer } = await database(startup(80877103));
  if (answer.toString() !== 'S') {
    socket.destroy();
    return missing(`${host} speaks no TLS`, UP);
  }
  const ca = fs.readFileSync(expected.databaseCa, 'utf8');
  const version = await new Promise((resolve, reject) => {
    const session = tls.connect({ socket, servername: host, ca }, () => {
      resolve(session.getProtocol());
      session.destroy();
    });
    session.on('error', reject);
  });
  const plain = await database(startup(196608, 'user\0smoke\0database\0postgres\0\0'));
  plain.socket.destroy();
  // An error report whose code is "no entry in pg_hba.conf": without TLS nobody gets further.
  if (plain.answer.toString('latin1', 0, 1) === 'E' && plain.answer.includes('C28000\0')) {
    return ok(`${version}, verified; connections without TLS are refused`);
  }
  return missing(`${host} also takes connections without TLS`, `set rds.force_ssl to 1: ${UP}`);
}

async function main() {
  let blocked = '';
  const lines = [];
  const report = async (name, check) => {
    let finding;
    try {
      finding = blocked ? unchecked(blocked) : await check();
    } catch (error) {
      finding = missing(reason(error), error.fix ?? LOGS);
    }
    const line = JSON.stringify({ name, ...finding });
    console.log(line);
    lines.push(line);
    return finding.state;
  };
  const needed = async (name, check) => {
    if ((await report(name, check)) === 'missing' && !blocked) {
      blocked = `of the ${name} above`;
    }
  };
  await needed('address', address);
  if (secure) {
    await needed('certificate', certificate);
    await report('without TLS', withoutTls);
  }
  await report('readiness', readiness);
  await report('sign-in page', signInPage);
  for (const provider of expected.providers) {
    await report(`sign-in ${provider}`, () => signIn(provider));
  }
  await report('catalog, no token', refused);
  await report('catalog, token', answered);
  blocked = '';
  await report('database TLS', databaseTls);
  if (process.env.SMOKE_MESSAGE) {
    const message = zlib.gzipSync(lines.join('\n')).toString('base64');
    fs.writeFileSync(process.env.SMOKE_MESSAGE, message);
  }
}

main();
