import { OAuth2 } from '@backstage/core-app-api';
import {
  ApiBlueprint,
  configApiRef,
  createApiRef,
  discoveryApiRef,
  oauthRequestApiRef,
  type BackstageIdentityApi,
  type OAuthApi,
  type OpenIdConnectApi,
  type ProfileInfoApi,
  type SessionApi,
} from '@backstage/frontend-plugin-api';

/** Sign-in at an OpenID Connect issuer. Backstage has no reference for its own provider `oidc`. */
export const oidcAuthApiRef = createApiRef<
  OAuthApi &
    OpenIdConnectApi &
    ProfileInfoApi &
    BackstageIdentityApi &
    SessionApi
>({ id: 'internal.auth.oidc' });

/** Provides `oidcAuthApiRef`. */
export const oidcAuthApi = ApiBlueprint.make({
  name: 'oidc-auth',
  params: define =>
    define({
      api: oidcAuthApiRef,
      deps: {
        configApi: configApiRef,
        discoveryApi: discoveryApiRef,
        oauthRequestApi: oauthRequestApiRef,
      },
      factory: deps =>
        OAuth2.create({
          ...deps,
          environment: deps.configApi.getOptionalString('auth.environment'),
          provider: { id: 'oidc', title: 'Single sign-on', icon: () => null },
          defaultScopes: ['openid', 'profile', 'email'],
        }),
    }),
});
