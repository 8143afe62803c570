import {
  awsAlbAuthenticator,
  awsAlbSignInResolvers,
  type AwsAlbResult,
} from '@backstage/plugin-auth-backend-module-aws-alb-provider';
import {
  commonSignInResolvers,
  createProxyAuthProviderFactory,
} from '@backstage/plugin-auth-node';
import { providerModule } from './providerModule';

/**
 * The profile from what the load balancer signed. Backstage's own transform also reads the access
 * token, which nobody signed, and fails with 500 when it is no JWT and the user has no picture.
 */
export const signedProfile = async ({
  fullProfile: { emails, photos, displayName },
}: AwsAlbResult) => ({
  profile: {
    email: emails?.[0]?.value,
    picture: photos?.[0]?.value,
    displayName,
  },
});

/** Backstage's aws-alb provider with `signedProfile`. */
export default providerModule(
  'awsalb',
  createProxyAuthProviderFactory({
    authenticator: awsAlbAuthenticator,
    profileTransform: signedProfile,
    signInResolverFactories: {
      ...commonSignInResolvers,
      ...awsAlbSignInResolvers,
    },
  }),
);
