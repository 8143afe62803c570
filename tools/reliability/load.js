// Open-loop load: sends requests at a fixed rate, each over a new connection, however long the
// responses take. Reads its settings as JSON from LOAD (load.py). The first output line carries the
// start time; each completed request adds one: sent at and duration, both in milliseconds and the
// former since the start, then the status or error code, and the index of the path. Runs until
// SIGTERM and until the given number of requests is sent, then waits for those in flight.
const { url, rate, requests, paths, host, ca, timeoutSeconds } = JSON.parse(process.env.LOAD);

const base = new URL(url);
const secure = base.protocol === 'https:';
const { request } = require(secure ? 'node:https' : 'node:http');

let sent = 0;
let open = 0;
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

const started = performance.now();
console.log(`start ${Date.now()}`);

function send() {
  const index = sent++ % paths.length;
  const sentAt = performance.now();
  let completed = false;
  const done = status => {
    if (completed) return;
    completed = true;
    open -= 1;
    const duration = performance.now() - sentAt;
    console.log(`${(sentAt - started).toFixed(0)} ${duration.toFixed(0)} ${status} ${index}`);
  };
  open += 1;
  const headers = { ...paths[index].headers, ...(host && { host }) };
  const call = request(new URL(paths[index].path, base), {
    agent: false,
    headers,
    ...(secure && { ca, servername: host }),
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
  });
  call.on('error', error => done(error.name === 'AbortError' ? 'timeout' : error.code || error.name));
  call.on('response', response => {
    response.on('error', error => done(error.code || error.name));
    response.on('end', () => done(response.complete ? response.statusCode : 'incomplete'));
    response.on('close', () => done('incomplete'));
    response.resume();
  });
  call.end();
}

const clock = setInterval(() => {
  const due = Math.floor(((performance.now() - started) / 1000) * rate);
  const more = () => sent < due && (!stopping || sent < requests);
  while (more()) send();
  if (stopping && sent >= requests && open === 0) clearInterval(clock);
}, 5);
