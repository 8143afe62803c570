// Reads environments from standard input, one JSON object each line, and writes what Backstage's own
// loader makes of each: {"config": ...} or {"error": ...}. argv: configuration files, the base first.
const { createRequire } = require('node:module');
const path = require('node:path');
const readline = require('node:readline');

const { ConfigSources } = createRequire(path.resolve('portal/package.json'))('@backstage/config-loader');

async function read(env) {
  const source = ConfigSources.default({
    env,
    substitutionFunc: async name => env[name],
    argv: process.argv.slice(2).flatMap(file => ['--config', file]),
    rootDir: '.',
    watch: false,
  });
  try {
    const config = await ConfigSources.toConfig(source);
    const read = config.get();
    config.close();
    return { config: read };
  } catch (error) {
    return { error: error.message };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await read(JSON.parse(line))));
  }
})();
