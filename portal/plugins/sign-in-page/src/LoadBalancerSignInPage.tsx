import { EmptyState, ProxiedSignInPage } from '@backstage/core-components';
import {
  discoveryApiRef,
  useApi,
  type IdentityApi,
} from '@backstage/frontend-plugin-api';
import type { SignInPageProps } from '@backstage/plugin-app-react';
import Button from '@material-ui/core/Button';
import { navigate, reload } from './browser';

// By what the backend's provider awsalb says: what to do.
const REMEDIES: [RegExp, string][] = [
  [
    /Missing ALB OIDC header/,
    'The request bypassed the sign-in of the load balancer. Open the portal at its public address.',
  ],
  [
    /(Issuer|Signer) mismatch/,
    'Another load balancer or issuer signed you in than the portal is configured for. An administrator has to run pulumi up.',
  ],
  [
    /Missing email|not contain an email/,
    'The identity provider sends no email address. An administrator has to allow the client the scope email.',
  ],
  [
    /during JWT processing/,
    "The portal can't verify the signature of the load balancer. An administrator has to check that pods reach public-keys.auth.elb.REGION.amazonaws.com on port 443.",
  ],
  [
    /unable to resolve user identity/,
    'The catalog has no User with your email address. Ask an administrator to add you, or sign in with another account.',
  ],
  [
    /not from an allowed domain/,
    'Accounts of your domain may not sign in. Sign out, then use another account.',
  ],
];
const OTHERWISE = "Try again. The reason is in the portal's log.";

const useSignOut = () => {
  const discovery = useApi(discoveryApiRef);
  return async () =>
    navigate(`${await discovery.getBaseUrl('auth')}/awsalb/sign-out`);
};

const Failed = ({ error }: { error?: Error }) => {
  const signOut = useSignOut();
  const said = (error?.cause as Error | undefined)?.message ?? error?.message;
  const [, remedy = OTHERWISE] =
    REMEDIES.find(([pattern]) => said && pattern.test(said)) ?? [];
  return (
    <EmptyState
      missing="info"
      title="The portal did not sign you in"
      description={`${remedy} (${said})`}
      action={
        <>
          <Button variant="outlined" onClick={reload}>
            Try again
          </Button>
          <Button onClick={signOut}>Sign out</Button>
        </>
      }
    />
  );
};

/**
 * Takes over the user whom the load balancer has signed in. If that fails, says what to do. Sign-out
 * ends the session of the load balancer, too: it would sign the user in again at once.
 */
export const LoadBalancerSignInPage = ({
  onSignInSuccess,
}: SignInPageProps) => {
  const signOut = useSignOut();
  const signedIn = (identity: IdentityApi) =>
    onSignInSuccess({
      getBackstageIdentity: () => identity.getBackstageIdentity(),
      getCredentials: () => identity.getCredentials(),
      getProfileInfo: () => identity.getProfileInfo(),
      signOut: async () => {
        await identity.signOut();
        await signOut();
        await new Promise(() => {}); // or Backstage navigates to the portal
      },
    });
  return (
    <ProxiedSignInPage
      provider="awsalb"
      onSignInSuccess={signedIn}
      ErrorComponent={Failed}
    />
  );
};
