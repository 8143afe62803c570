import {
  coreServices,
  createBackendFeatureLoader,
} from '@backstage/backend-plugin-api';
import stock, {
  oidcAuthenticator,
  oidcSignInResolvers,
  type OidcAuthResult,
} from '@backstage/plugin-auth-backend-module-oidc-provider';
import {
  createOAuthProviderFactory,
  type OAuthAuthenticatorResult,
} from '@backstage/plugin-auth-node';
import { providerModule } from './providerModule';

/**
 * The profile of an issuer that vouches for its addresses without the claim `email_verified`, as
 * Entra does, or with the text "true", as Cognito does. An address with `false` is still dropped.
 */
export const assumeVerified = async ({
  fullProfile: { userinfo },
}: OAuthAuthenticatorResult<OidcAuthResult>) => {
  const verified: unknown = userinfo.email_verified ?? true;
  return {
    profile: {
      email: String(verified) === 'true' ? userinfo.email : undefined,
      picture: userinfo.picture,
      displayName: userinfo.name,
    },
  };
};

const oidcAssumingVerified = providerModule(
  'oidc',
  createOAuthProviderFactory({
    authenticator: oidcAuthenticator,
    profileTransform: assumeVerified,
    signInResolverFactories: { ...oidcSignInResolvers },
  }),
);

/** Backstage's oidc provider; with `emailVerified: assumed` the same with `assumeVerified`. */
export default createBackendFeatureLoader({
  deps: { config: coreServices.rootConfig },
  *loader({ config }) {
    const environment = config.getOptionalString('auth.environment');
    const path = `auth.providers.oidc.${environment ?? 'development'}`;
    const emailVerified = config.getOptionalString(`${path}.emailVerified`);
    yield emailVerified === 'assumed' ? oidcAssumingVerified : stock;
  },
});
