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
import { LoadBalancerSignInPage } from './LoadBalancerSignInPage';
import { oidcAuthApiRef } from './oidc';

const provider = (
  id: string,
  title: string,
  apiRef: SignInProviderConfig['apiRef'],
  message = `Sign in with your ${title} account`,
): SignInProviderConfig => ({
  id: `${id}-auth-provider`,
  title,
  message,
  apiRef,
});

// By key in auth.providers. config.d.ts has to make each key visible to the browser.
const PROVIDERS: Record<string, SignInProviderConfig | 'guest'> = {
  github: provider('github', 'GitHub', githubAuthApiRef),
  gitlab: provider('gitlab', 'GitLab', gitlabAuthApiRef),
  google: provider('google', 'Google', googleAuthApiRef),
  microsoft: provider('microsoft', 'Microsoft', microsoftAuthApiRef),
  okta: provider('okta', 'Okta', oktaAuthApiRef),
  oidc: provider(
    'oidc',
    'Single sign-on',
    oidcAuthApiRef,
    'Sign in with your company account',
  ),
  guest: 'guest',
};

/**
 * Offers the providers configured in auth.providers, those of app.signIn.providers first and in its
 * order. A single provider other than guest is tried without a click. With awsalb the load balancer
 * has signed the user in, and nothing is offered.
 */
export const ConfiguredSignInPage = (props: SignInPageProps) => {
  const config = useApi(configApiRef);
  const configured = config.getOptionalConfig('auth.providers')?.keys() ?? [];
  if (configured.includes('awsalb')) {
    return <LoadBalancerSignInPage {...props} />;
  }
  const order = config.getOptionalStringArray('app.signIn.providers') ?? [];
  const offered = [...new Set([...order, ...configured])]
    .filter(key => configured.includes(key) && key in PROVIDERS)
    .map(key => PROVIDERS[key]);
  if (offered.length === 0) {
    return (
      <EmptyState
        missing="info"
        title="Nobody can sign in"
        description={`auth.providers configures none of: ${Object.keys(
          PROVIDERS,
        ).join(', ')}, awsalb.`}
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
