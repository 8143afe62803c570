'use strict';
// Asks a deployed portal as its users do. Reads what to expect as JSON from SMOKE (expected.py
// writes it), a machine's token from SMOKE_TOKEN, the database's host from POSTGRES_HOST. Each line
// of output is a finding as JSON. The exit code is 0 if every check ran.
// SMOKE_MESSAGE: file for the output as well, compressed: a pod's message may have 4 KiB.
// SMOKE_PATIENCE: seconds for which the portal may be out of reach; none by default.
const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const zlib = require('node:zlib');
const { databaseTls } = require('./database');
const { expected, url, missing, reason, unchecked } = require('./finding');
const portal = require('./portal');

const PATIENCE = Number(process.env.SMOKE_PATIENCE ?? 0) * 1000;
const PAUSE = 500; // milliseconds

/** Repeats a check that fails, while there is time. */
const patient = check => async () => {
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > PATIENCE) {
        throw error;
      }
    }
    await sleep(PAUSE);
  }
};

async function main() {
  let blocked = '';
  const lines = [];
  const report = async (name, check) => {
    let finding;
    try {
      finding = blocked ? unchecked(blocked) : await check();
    } catch (error) {
      finding = missing(reason(error), error.fix ?? expected.logsCommand);
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
  await needed('address', patient(portal.address));
  await needed('connection', patient(portal.connection));
  if (url.protocol === 'https:') {
    await needed('certificate', portal.certificate);
    await report('without TLS', portal.withoutTls);
  }
  await report('readiness', portal.readiness);
  await report('sign-in page', portal.signInPage);
  for (const provider of expected.providers) {
    await report(`sign-in ${provider}`, () => portal.signIn(provider));
  }
  await report('catalog, no token', portal.refused);
  await report('catalog, token', portal.answered);
  blocked = '';
  await report('database TLS', databaseTls);
  if (process.env.SMOKE_MESSAGE) {
    const message = zlib.gzipSync(lines.join('\n')).toString('base64');
    fs.writeFileSync(process.env.SMOKE_MESSAGE, message);
  }
}

main();
