'use strict';
// Creates the portal's role in the database, or changes its password. Runs as a Job in the portal's
// image, logged in as the administrator: PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, and
// PGSSLROOTCERT when the server speaks TLS. The role: ROLE_NAME, ROLE_PASSWORD. CONNECT_SECONDS: how
// long to retry to connect.
const crypto = require('node:crypto');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

// The driver that the portal itself connects with.
const { Client, escapeIdentifier, escapeLiteral } = createRequire(
  path.join(process.cwd(), 'packages/backend/'),
)('pg');

const GIVE_UP_AFTER = Number(process.env.CONNECT_SECONDS) * 1000; // milliseconds
const RETRY_AFTER = 3_000;
// RDS applies a new password with a delay; the rest is a server that starts.
const PASSING = new Set(['28P01', '57P03', '53300', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT',
  'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

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

async function connected() {
  const root = process.env.PGSSLROOTCERT;
  const ssl = root ? { ca: fs.readFileSync(root, 'utf8'), rejectUnauthorized: true } : false;
  const end = Date.now() + GIVE_UP_AFTER;
  for (;;) {
    const client = new Client({ ssl, connectionTimeoutMillis: 10_000 });
    client.on('error', () => {}); // reported by the statement under way
    try {
      await client.connect();
      return client;
    } catch (error) {
      const passing = PASSING.has(error.code) || /timeout/i.test(error.message);
      if (!passing || Date.now() > end) {
        throw error;
      }
      console.log(`waiting for the database: ${error.message}`);
      await new Promise(resolve => setTimeout(resolve, RETRY_AFTER));
    }
  }
}

async function main() {
  const name = process.env.ROLE_NAME;
  const role = escapeIdentifier(name);
  const database = escapeIdentifier(process.env.PGDATABASE);
  const client = await connected();
  try {
    await client.query('BEGIN');
    const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
    const verb = rowCount ? 'ALTER' : 'CREATE';
    await client.query(
      `${verb} ROLE ${role} LOGIN NOCREATEDB NOCREATEROLE ` +
        `PASSWORD ${escapeLiteral(scramVerifier(process.env.ROLE_PASSWORD))}`,
    );
    // It may create schemas, which it then owns; nobody else may connect.
    await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    await client.query(`GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${database} TO ${role}`);
    await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    await client.query('COMMIT');
    console.log(`role ${name}: ${rowCount ? 'password changed' : 'created'}`);
  } finally {
    await client.end();
  }
}

main().catch(error => {
  console.error(`The role was not created or changed: ${error.message}`);
  process.exit(1);
});
