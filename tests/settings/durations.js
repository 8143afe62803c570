// Reads durations from standard input, a text of JSON each line, and writes the seconds that Backstage
// reads, or null.
const { createRequire } = require('node:module');
const path = require('node:path');
const readline = require('node:readline');

const portal = createRequire(path.resolve('portal/package.json'));
const { ConfigReader, readDurationFromConfig } = portal('@backstage/config');
const { durationToMilliseconds } = portal('@backstage/types');

function read(value) {
  try {
    const duration = readDurationFromConfig(new ConfigReader({ value }), { key: 'value' });
    return durationToMilliseconds(duration) / 1000;
  } catch {
    return null;
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(read(JSON.parse(line))));
  }
})();
