import {
  EmptyState,
  SignInPage,
  type SignInProviderConfig,
} from '@backstage/core-components';
import {
  configApiRef,
  githubAuthApiRef,
  gitlabAuthApiRef,
  googleAuthApiRef,
  microsoftAuthApiRef,
  oktaAuthApiRef,
  useApi,
} from '@backstage/frontend-plugin-api';
import type { SignInPageProps } from '@backstage/plugin-app-react';

const provider = (
  id: string,
  title: string,
  apiRef: SignInProviderConfig['apiRef'],
): SignInProviderConfig => ({
  id: `${id}-auth-provider`,
  title,
  message: `Sign in with your ${title} account`,
  apiRef,
});

// By key in auth.providers. config.d.ts has to make each key visible to the browser.
const PROVIDERS: Record<string, SignInProviderConfig | 'guest'> = {
  github: provider('github', 'GitHub', githubAuthApiRef),
  gitlab: provider('gitlab', 'GitLab', gitlabAuthApiRef),
  google: provider('google', 'Google', googleAuthApiRef),
  microsoft: provider('microsoft', 'Microsoft', microsoftAuthApiRef),
  okta: provider('okta', 'Okta', oktaAuthApiRef),
  guest: 'guest',
};

/**
 * Offers the providers configured in auth.providers. A single provider other than guest is tried
 * without a click.
 */
export const ConfiguredSignInPage = (props: SignInPageProps) => {
  const config = useApi(configApiRef);
  const configured = config.getOptionalConfig('auth.providers')?.keys() ?? [];
  const offered = configured
    .map(key => PROVIDERS[key])
    .filter(each => each !== undefined);
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
