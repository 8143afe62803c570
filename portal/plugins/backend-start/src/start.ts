import type { createBackend } from '@backstage/backend-defaults';
import { routePermissions } from './routePermissions';
import { unavailableUntilStarted } from './unavailableUntilStarted';

/**
 * Starts a backend that asks for a permission on routes that Backstage leaves open, and answers 503,
 * not 404, until all plugins have started. If the start fails, logs the reason and exits with code 1;
 * by default Backstage only logs it and the process lives on.
 */
export function start(backend: ReturnType<typeof createBackend>): void {
  backend.add(unavailableUntilStarted);
  routePermissions.forEach(each => backend.add(each));
  backend.start().catch(error => {
    console.error(`The backend did not start: ${error.message ?? error}`);
    process.exit(1);
  });
}
