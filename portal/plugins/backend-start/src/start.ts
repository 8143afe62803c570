import type { createBackend } from '@backstage/backend-defaults';
import { unavailableUntilStarted } from './unavailableUntilStarted';

/**
 * Starts a backend that answers 503, not 404, until all plugins have started. If the start fails,
 * logs the reason and exits with code 1; by default Backstage only logs it and the process lives on.
 */
export function start(backend: ReturnType<typeof createBackend>): void {
  backend.add(unavailableUntilStarted);
  backend.start().catch(error => {
    console.error(`The backend did not start: ${error.message ?? error}`);
    process.exit(1);
  });
}
