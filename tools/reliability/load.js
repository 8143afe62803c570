// Open-loop load: requests leave at a fixed rate, each over a connection of its own, however long
// the answers take. Settings come as JSON in LOAD, see load.py. After a first line with the time of
// the start, each answer is one line: when it was asked for and how long it took, in milliseconds
// since the start, its status or error code, and which of the paths it asked for. It sends at least
// the requests it was given, goes on until SIGTERM, and ends when every request has its answer.
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
  const number = sent++ % paths.length;
  const asked = performance.now();
  let answered = false;
  const done = status => {
    if (answered) return;
    answered = true;
    open -= 1;
    const taken = performance.now() - asked;
    console.log(`${(asked - started).toFixed(0)} ${taken.toFixed(0)} ${status} ${number}`);
  };
  open += 1;
  const headers = { ...paths[number].headers, ...(host && { host }) };
  const call = request(new URL(paths[number].path, base), {
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
