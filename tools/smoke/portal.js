'use strict';
// What the portal answers to its users.
const dns = require('node:dns/promises');
const net = require('node:net');
const tls = require('node:tls');
const { expected, url, SECONDS, late, missing, ok, reason, unchecked } = require('./finding');

const EXPIRY_DAYS = 14; // ACM renews 60 days ahead; other issuers 30 or 15
const CATALOG = '/api/catalog/entities?limit=1';
const LOGS = expected.logsCommand;
const UP = expected.upCommand;

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

const hostOf = location => {
  try {
    return new URL(location, url).host;
  } catch {
    return '';
  }
};
const said = answer =>
  `${answer.status}${answer.location ? `, to ${hostOf(answer.location) || answer.location}` : ''}`;

async function address() {
  const all = await dns.lookup(url.hostname, { all: true }).catch(async error => {
    const text = `${url.hostname} has no address (${reason(error)})`;
    const resolves = await dns.lookup(expected.knownName).catch(() => null);
    const [why, fix] = resolves
      ? [': no record points at the load balancer, or only the DNS of a VPN has it', expected.recordCommand]
      : [`, and neither has ${expected.knownName}: no DNS server answers here`, 'check the DNS and VPN of this machine'];
    throw Object.assign(new Error(text + why), { fix });
  });
  return ok(`${url.hostname} is ${all.map(each => each.address).join(', ')}`);
}

function connection() {
  const fix = expected.listeningCommand;
  return new Promise((resolve, reject) => {
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    const socket = net.connect({ host: url.hostname, port }, () => {
      socket.destroy();
      resolve(ok(`port ${port} accepts connections`));
    });
    socket.setTimeout(SECONDS * 1000, () => socket.destroy(late()));
    socket.on('error', error => {
      reject(Object.assign(new Error(`port ${port}: ${reason(error)}`), { fix }));
    });
  });
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
    socket.setTimeout(SECONDS * 1000, () => socket.destroy(late()));
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
  const answer = await ask(expected.readinessPath);
  return answer.status === 200
    ? ok('every plugin has started')
    : missing(`${expected.readinessPath} answers ${said(answer)}`, LOGS);
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

module.exports = { address, connection, certificate, withoutTls, readiness, signInPage, signIn, refused, answered };
