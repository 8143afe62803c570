import {
  EmptyState,
  SignInPage,
  type SignInProviderConfig,
} from '@backstage/core-components';
import {
  configApiRef,
  githubAuthApiRef,
  useApi,
} from '@backstage/frontend-plugin-api';
import {
  SignInPageBlueprint,
  type SignInPageProps,
} from '@backstage/plugin-app-react';

/** The ways to sign in that this portal has, by their key in auth.providers. */
const PROVIDERS: Record<string, SignInProviderConfig | 'guest'> = {
  github: {
    id: 'github-auth-provider',
    title: 'GitHub',
    message: 'Sign in with your GitHub account',
    apiRef: githubAuthApiRef,
  },
  guest: 'guest',
};

/** Offers the providers that are configured; one alone is tried at once, several are a choice. */
export const ConfiguredSignInPage = (props: SignInPageProps) => {
  const config = useApi(configApiRef);
  const configured = config.getOptionalConfig('auth.providers')?.keys() ?? [];
  const offered = configured
    .map(key => PROVIDERS[key])
    .filter(provider => provider !== undefined);
  if (offered.length === 0) {
    return (
      <EmptyState
        missing="info"
        title="Nobody can sign in"
        description={`auth.providers configures none of: ${Object.keys(
          PROVIDERS,
        ).join(', ')}.`}
      />
    );
  }
  const [only] = offered;
  return offered.length === 1 && only !== 'guest' ? (
    <SignInPage {...props} provider={only} />
  ) : (
    <SignInPage {...props} providers={offered} title="Choose how to sign in" />
  );
};

export const signInPage = SignInPageBlueprint.make({
  params: { loader: async () => ConfiguredSignInPage },
});
