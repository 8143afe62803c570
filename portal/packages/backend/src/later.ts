/**
 * Clients of other clouds, of Docker and of what else a plugin offers and few portals use. Loading
 * them would take a tenth of every start and of the memory. For Backstage's own packages,
 * which use nothing of them while they are loaded, they are loaded when one is first asked for a
 * class.
 */
import Module from 'node:module';

const LATER = new Set([
  '@aws-sdk/client-codecommit',
  '@azure/identity',
  '@azure/storage-blob',
  '@google-cloud/container',
  '@google-cloud/firestore',
  '@google-cloud/storage',
  '@trendyol-js/openstack-swift-sdk',
  'dockerode',
]);

const BACKSTAGE = /[\\/]node_modules[\\/]@backstage[\\/]/;

const load = Module.prototype.require;

function requireLater(this: Module, name: string) {
  if (!LATER.has(name) || !BACKSTAGE.test(this.filename)) {
    return load.call(this, name);
  }
  let loaded: any;
  const real = () => (loaded ??= load.call(this, name));
  return new Proxy(
    {},
    {
      // A compiled `import` takes what has a default for a module whose properties it may read
      // when they are used, and copies or wraps anything else.
      has: (_, key) => key === 'default' || key in real(),
      get: (_, key) =>
        key === 'default' && !('default' in real()) ? real() : real()[key],
    },
  );
}

Module.prototype.require = Object.assign(requireLater, load);
