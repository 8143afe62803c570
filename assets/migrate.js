'use strict';
// Migrates every plugin's schema: starts the portal with the given arguments, waits until it is
// ready, which it is once all migrations are done, and stops it. Runs as a Job in the portal's image.
// APP_PORT, READINESS_PATH: where the portal says that it is ready. MIGRATION_SECONDS: the limit.
const { spawn } = require('node:child_process');
const http = require('node:http');
const readline = require('node:readline');

const STOP_SECONDS = 60;
// A portal may go on after a plugin failed; the others have this long to finish their migrations.
const FAILED_SECONDS = 30;
const SHOWN_ERRORS = 5;

const started = Date.now();
const errors = [];
let outcome; // 'migrated', or why not
const child = spawn(process.execPath, process.argv.slice(2), {
  stdio: ['ignore', 'pipe', 'pipe'],
});

for (const stream of [child.stdout, child.stderr]) {
  readline.createInterface({ input: stream }).on('line', line => {
    console.log(line);
    const error = errorOf(line);
    if (error) {
      errors.push(error);
      if (/threw an error during startup|startup failed/i.test(error)) {
        setTimeout(stop, FAILED_SECONDS * 1000, 'the portal failed to start').unref();
      }
    }
  });
}

/** The text of a line that reports an error, in the logger's JSON or not. */
function errorOf(line) {
  try {
    const { level, plugin, message, stack } = JSON.parse(line);
    return level === 'error' ? `${plugin ?? 'backend'}: ${message} ${stack ?? ''}`.trim() : undefined;
  } catch {
    return /error|did not start/i.test(line) ? line : undefined;
  }
}

function stop(why) {
  if (!outcome) {
    outcome = why;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000).unref();
  }
}

function ask() {
  const request = http.get(
    { host: '127.0.0.1', port: process.env.APP_PORT, path: process.env.READINESS_PATH, timeout: 5000 },
    response => {
      response.resume();
      if (response.statusCode === 200) {
        stop('migrated');
      }
    },
  );
  request.on('timeout', () => request.destroy());
  request.on('error', () => {}); // it doesn't listen yet
}

setInterval(ask, 500).unref();
const limit = Number(process.env.MIGRATION_SECONDS);
setTimeout(stop, limit * 1000, `not ready after ${limit} s`).unref();
process.on('SIGTERM', () => stop('stopped by a signal'));

child.on('close', (code, signal) => {
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (outcome === 'migrated') {
    console.log(`migrated in ${seconds} s`);
    return;
  }
  console.error('\nThe database was not migrated; the running pods are unchanged.');
  console.error(outcome ?? `the portal ended with ${signal ?? `code ${code}`}`);
  for (const error of errors.slice(-SHOWN_ERRORS)) {
    console.error(error.slice(0, 300));
  }
  process.exitCode = 1;
});
