import { createBackendModule } from '@backstage/backend-plugin-api';
import {
  authProvidersExtensionPoint,
  type AuthProviderFactory,
} from '@backstage/plugin-auth-node';

/** A module that registers a provider, in place of Backstage's own module for it. */
export const providerModule = (
  providerId: string,
  factory: AuthProviderFactory,
) =>
  createBackendModule({
    pluginId: 'auth',
    moduleId: `${providerId}-provider`,
    register(reg) {
      reg.registerInit({
        deps: { providers: authProvidersExtensionPoint },
        async init({ providers }) {
          providers.registerProvider({ providerId, factory });
        },
      });
    },
  });
