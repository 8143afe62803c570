'use strict';
// Creates the portal's role in the database, or changes its password. Runs as a Job in the portal's
// image, logged in as the administrator: PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, and
// PGSSLROOTCERT when the server speaks TLS. With ADMINISTRATOR_SECRET_ARN that login is read from
// Secrets Manager. The role: ROLE_NAME, ROLE_PASSWORD. With IAM_LOGIN_NAME
// instead of a password it creates a login for IAM tokens, a member of the role. With
// REMOVE_PASSWORD_AFTER it waits as many seconds, if the role may still log in, and ends that.
// CONNECT_SECONDS: how long to retry to connect.
const crypto = require('node:crypto');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

// The driver that the portal itself connects with.
const ofTheBackend = createRequire(path.join(process.cwd(), 'packages/backend/'));
const { Client, escapeIdentifier, escapeLiteral } = ofTheBackend('pg');

const GIVE_UP_AFTER = Number(process.env.CONNECT_SECONDS) * 1000; // milliseconds
const RETRY_AFTER = GIVE_UP_AFTER / 80;
// RDS applies a new password with a delay; the rest is a server that starts.
const PASSING = new Set(['28P01', '57P03', '53300', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT',
  'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

/**
 * What PostgreSQL stores of a password (RFC 5803). With it no statement, and so no log of
 * statements, holds the password itself.
 */
function scramVerifier(password) {
  const salt = crypto.randomBytes(16);
  const iterations = 4096;
  const salted = crypto.pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = text => crypto.createHmac('sha256', salted).update(text).digest();
  const storedKey = crypto.createHash('sha256').update(hmac('Client Key')).digest('base64');
  const serverKey = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

/** The administrator's login where it is stored; nothing where the driver finds it itself. */
async function storedLogin() {
  const arn = process.env.ADMINISTRATOR_SECRET_ARN;
  if (!arn) {
    return {};
  }
  const { SecretsManager } = ofTheBackend('@aws-sdk/client-secrets-manager');
  const client = new SecretsManager({ region: arn.split(':')[3] });
  try {
    const { SecretString } = await client.getSecretValue({ SecretId: arn });
    const { username, password } = JSON.parse(SecretString);
    return { user: username, password };
  } catch (error) {
    // JSON.parse's own text would quote the secret. The rest may pass: IAM applies a new role's
    // rights with a delay.
    const wrong = error instanceof SyntaxError;
    const reason = wrong ? 'it holds no JSON' : error.message;
    throw Object.assign(new Error(`${arn} can't be read: ${reason}`), { passing: !wrong });
  }
}

async function connected() {
  const root = process.env.PGSSLROOTCERT;
  const ssl = root ? { ca: fs.readFileSync(root, 'utf8'), rejectUnauthorized: true } : false;
  const end = Date.now() + GIVE_UP_AFTER;
  for (;;) {
    try {
      // Each time: RDS may have rotated it meanwhile.
      const login = await storedLogin();
      const client = new Client({ ...login, ssl, connectionTimeoutMillis: 10_000 });
      client.on('error', () => {}); // reported by the statement under way
      await client.connect();
      return client;
    } catch (error) {
      const passing =
        error.passing || PASSING.has(error.code) || /timeout/i.test(error.message);
      if (!passing || Date.now() > end) {
        throw error;
      }
      console.log(`waiting for the database: ${error.message}`);
      await sleep(RETRY_AFTER);
    }
  }
}

async function exists(client, role) {
  const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
  return rowCount > 0;
}

/** The role that owns the schemas, with a password. Returns what was done. */
async function withPassword(client, name) {
  const known = await exists(client, name);
  await client.query(
    `${known ? 'ALTER' : 'CREATE'} ROLE ${escapeIdentifier(name)} LOGIN NOCREATEDB NOCREATEROLE ` +
      `PASSWORD ${escapeLiteral(scramVerifier(process.env.ROLE_PASSWORD))}`,
  );
  return known ? 'password changed' : 'created';
}

/** The role without a password, and its login for tokens. Returns what was done. */
async function withTokens(client, name, login) {
  const [role, member] = [escapeIdentifier(name), escapeIdentifier(login)];
  if (!(await exists(client, 'rds_iam'))) {
    throw new Error('IAM authentication is off: enable it for the cluster');
  }
  if (!(await exists(client, name))) {
    await client.query(`CREATE ROLE ${role} NOLOGIN NOCREATEDB NOCREATEROLE`);
  }
  const known = await exists(client, login);
  if (!known) {
    // From PostgreSQL 16 on, whoever creates a role is a member of it, and members of rds_iam,
    // indirect ones too, can't log in with a password. So the administrator doesn't create it.
    const creator = escapeIdentifier(`${login}_creator`);
    await client.query(`CREATE ROLE ${creator} NOLOGIN CREATEROLE`);
    await client.query(`GRANT ${creator} TO CURRENT_USER`);
    await client.query(`SET ROLE ${creator}`);
    await client.query(`CREATE ROLE ${member} LOGIN NOCREATEDB NOCREATEROLE`);
    await client.query('RESET ROLE');
    await client.query(`DROP ROLE ${creator}`);
  }
  await client.query(`GRANT rds_iam TO ${member}`);
  await client.query(`GRANT ${role} TO ${member}`);
  return `${login} ${known ? 'logs' : 'created; it logs'} in with tokens`;
}

async function prepare(client, name) {
  const login = process.env.IAM_LOGIN_NAME;
  const [role, database] = [name, process.env.PGDATABASE].map(escapeIdentifier);
  await client.query('BEGIN');
  const done = await (login ? withTokens(client, name, login) : withPassword(client, name));
  // It may create schemas, which it then owns; nobody else may connect.
  await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
  await client.query(`GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${database} TO ${role}`);
  await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
  await client.query('COMMIT');
  return done;
}

async function inDatabase(work) {
  const client = await connected();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function removePassword(name) {
  const text = 'SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin';
  const { rowCount } = await inDatabase(client => client.query(text, [name]));
  if (!rowCount) {
    return 'has no password';
  }
  await sleep(Number(process.env.REMOVE_PASSWORD_AFTER) * 1000);
  const statement = `ALTER ROLE ${escapeIdentifier(name)} NOLOGIN PASSWORD NULL`;
  await inDatabase(client => client.query(statement));
  return 'password removed';
}

async function main() {
  const name = process.env.ROLE_NAME;
  const done = process.env.REMOVE_PASSWORD_AFTER
    ? await removePassword(name)
    : await inDatabase(client => prepare(client, name));
  console.log(`role ${name}: ${done}`);
}

main().catch(error => {
  console.error(`The role was not created or changed: ${error.message}`);
  process.exit(1);
});
