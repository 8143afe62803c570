'use strict';
// Whether the database takes nothing but verified TLS. No login: its first answers show that.
const fs = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');
const { expected, SECONDS, late, missing, ok, unchecked } = require('./finding');

const UP = expected.upCommand;

/** A connection to the database, and the first bytes that it answers to `message`. */
function database(message) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(expected.databasePort, process.env.POSTGRES_HOST);
    socket.setTimeout(SECONDS * 1000, () => socket.destroy(late()));
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

module.exports = { databaseTls };
